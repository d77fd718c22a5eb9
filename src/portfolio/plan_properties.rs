use proptest::prelude::*;

use super::*;
use crate::portfolio::generators::{any_inputs, wild_inputs};
use crate::portfolio::{CloseFilter, close_plan};

/// Whose holdings a plan would move, and of what.
fn moved(plan: &Plan) -> Vec<(StrategyId, ContractId, Decimal)> {
    let lines = plan.lines.iter().map(|line| (line.instrument.id, &line.contributions));
    let crossings = plan.crossings.iter().map(|one| (one.instrument.id, &one.contributions));
    lines
        .chain(crossings)
        .flat_map(|(id, parts)| parts.iter().map(move |(name, part)| (name.clone(), id, *part)))
        .collect()
}

/// The target of a book, unrounded; `None` if it has no price.
fn target(inputs: &PlanInputs, strategy: &StrategyId, id: ContractId) -> Option<Decimal> {
    let BookState::Fresh(book) = inputs.books.get(strategy)? else { return None };
    let size = book.targets.get(&id).copied().unwrap_or(Size::Quantity(Decimal::ZERO));
    match size {
        Size::Quantity(units) => Some(units),
        Size::Weight(weight) if weight.is_zero() => Some(weight),
        Size::Weight(weight) => {
            let contract = &inputs.contracts[&id];
            let rate = inputs.account_values.exchange_rates[&contract.instrument.currency];
            let quote = inputs.quotes.get(&id)?;
            let price = (quote.bid? + quote.ask?) / Decimal::TWO;
            let exposure = &inputs.config.exposure;
            let budget = inputs.account_values.net_liquidation
                * exposure.overall
                * exposure.strategies[strategy];
            Some(budget * weight / (price * contract.multiplier * rate))
        }
    }
}

proptest! {
    #[test]
    fn contributions_sum_to_their_line_or_to_nothing(inputs in any_inputs()) {
        let plan = plan(&inputs);
        for line in &plan.lines {
            let sum: Decimal = line.contributions.values().sum();
            prop_assert_eq!(sum, line.signed_quantity());
            prop_assert!(line.quantity > Decimal::ZERO);
            prop_assert!((line.quantity % line.step).is_zero());
            prop_assert!(line.contributions.values().all(|part| !part.is_zero()));
        }
        for crossing in &plan.crossings {
            prop_assert_eq!(crossing.contributions.values().sum::<Decimal>(), Decimal::ZERO);
            prop_assert!(crossing.contributions.len() > 1);
        }
    }

    #[test]
    fn sells_come_first_and_no_contract_comes_twice(inputs in any_inputs()) {
        let plan = plan(&inputs);
        let order: Vec<_> =
            plan.lines.iter().map(|line| (line.side == Side::Buy, line.instrument.id)).collect();
        prop_assert!(order.is_sorted());
        let mut seen = BTreeSet::new();
        let lines = plan.lines.iter().map(|line| line.instrument.id);
        for id in lines.chain(plan.crossings.iter().map(|one| one.instrument.id)) {
            prop_assert!(seen.insert(id), "{} twice", id);
            prop_assert!(!inputs.locked.contains_key(&id), "{} is locked", id);
        }
    }

    #[test]
    fn silence_never_trades(inputs in any_inputs()) {
        let plan = plan(&inputs);
        let kept: BTreeSet<&StrategyId> = plan.kept.iter().map(|kept| &kept.strategy).collect();
        for (name, id, _) in moved(&plan) {
            prop_assert!(!kept.contains(&name));
            let fresh = matches!(inputs.books.get(&name), Some(BookState::Fresh(_)));
            prop_assert!(fresh);
            prop_assert!(inputs.only.as_ref().is_none_or(|only| only.contains(&name)));
            prop_assert!(inputs.config.exposure.strategies.contains_key(&name));
            let BookState::Fresh(book) = &inputs.books[&name] else { unreachable!() };
            let has_stake = book.targets.contains_key(&id)
                || !inputs.holding(&name, id).is_zero()
                || inputs.working_for(&name, id) != Decimal::ZERO;
            prop_assert!(has_stake, "{} has no stake in {}", name, id);
        }
        // Everybody who is silent and has something to lose is named.
        let silent = |name: &StrategyId| match inputs.books.get(name) {
            Some(BookState::Fresh(_)) => false,
            Some(BookState::Missing | BookState::Stale { .. } | BookState::Malformed { .. })
            | None => true,
        };
        let holding = inputs.holdings.iter().filter(|(_, held)| !held.is_empty());
        for (name, _) in holding.filter(|(name, _)| silent(name)) {
            prop_assert!(kept.contains(name), "{} is not named", name);
        }
    }

    #[test]
    fn no_strategy_is_taken_beyond_its_target_whether_working_orders_fill_or_end(
        inputs in any_inputs(),
    ) {
        for (name, id, part) in moved(&plan(&inputs)) {
            let target = target(&inputs, &name, id).unwrap();
            let ended = inputs.holding(&name, id) + part;
            let filled = ended + inputs.working_for(&name, id);
            // One unit of slack: a target rounds toward zero.
            let slack = inputs.contracts[&id].size_increment.max(Decimal::ONE);
            for reached in [ended, filled] {
                let beyond = if part > Decimal::ZERO { reached - target } else { target - reached };
                prop_assert!(beyond < slack, "{} of {}: {} beyond {}", name, id, reached, target);
            }
        }
    }

    #[test]
    fn a_second_run_after_all_has_filled_trades_nothing_more(inputs in any_inputs()) {
        let mut inputs = inputs;
        inputs.working.clear();
        inputs.config.minimum_trade_value = Decimal::ZERO;
        for (name, id, part) in moved(&plan(&inputs)) {
            *inputs.holdings.entry(name).or_default().entry(id).or_default() += part;
        }
        let second = plan(&inputs);
        prop_assert!(second.is_empty(), "{:?}", second);
    }

    #[test]
    fn a_record_of_the_inputs_gives_the_same_plan_again(inputs in any_inputs()) {
        let text = serde_json::to_string(&inputs).unwrap();
        let from_text: PlanInputs = serde_json::from_str(&text).unwrap();
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        let from_document: PlanInputs = serde_json::from_value(document).unwrap();
        let original = plan(&inputs);
        prop_assert_eq!(&plan(&from_text), &original);
        let again = serde_json::to_string(&plan(&from_document)).unwrap();
        prop_assert_eq!(again.clone(), serde_json::to_string(&original).unwrap());
        prop_assert_eq!(serde_json::from_str::<Plan>(&again).unwrap(), original);
    }

    #[test]
    fn closing_never_adds_to_what_a_strategy_holds(inputs in any_inputs()) {
        for (name, id, part) in moved(&close_plan(&inputs, &CloseFilter::default())) {
            let held = inputs.holding(&name, id);
            let working = inputs.working_for(&name, id);
            prop_assert!((held + part).abs() <= held.abs().max(working.abs()));
        }
    }

    #[test]
    fn no_numbers_make_it_panic(inputs in wild_inputs()) {
        let followed = plan(&inputs);
        let closed = close_plan(&inputs, &CloseFilter::default());
        for line in followed.lines.iter().chain(&closed.lines) {
            prop_assert!(line.quantity > Decimal::ZERO);
        }
    }
}
