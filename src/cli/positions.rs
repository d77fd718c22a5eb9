//! `rungate positions`: who holds what, as of the last reconciliation.

use std::collections::BTreeMap;

use serde_json::json;

use super::output::Form;
use super::records::{self, Whose};
use super::table::{Column, Look, Table, exact, money, name, number, or_dash, text, time};
use super::{Exit, Lookup};
use crate::config::Settings;
use crate::domain::StrategyId;
use crate::orders::Books;
use crate::portfolio::{Holdings, LatestPortfolio};

const AFTER_HELP: &str = "\
Positions are the broker's, from the last run of the intent `reconcile`. Holdings are what strategies
claim of them, from our own ledger. What nobody claims is unclaimed, and is never traded. A break is
a difference that nothing explains: its contract is locked until it is gone.

Examples:
  rungate positions
  rungate positions --mode live --json";

/// Options of `rungate positions`.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Options {
    #[command(flatten)]
    whose: Whose,
    #[command(flatten)]
    form: Form,
}

/// Prints the latest portfolio and the holdings.
pub(super) async fn run(options: Options, lookup: Lookup) -> anyhow::Result<Exit> {
    let settings = Settings::from_lookup(lookup)?;
    let mode = options.whose.mode(&settings)?;
    let store = records::open_existing(&settings)?;
    let path = format!("positions/{mode}/portfolio/latest");
    let portfolio = records::document::<LatestPortfolio>(&store, &path).await?;
    let holdings = Books::new(store, mode).all().await?;
    let document = json!({ "mode": mode, "portfolio": portfolio, "holdings": holdings });
    options.form.show(&document, |look| told(portfolio.as_ref(), &holdings, look))?;
    Ok(Exit::Done)
}

const CONTRACTS: &[Column] = &[
    name("contract"),
    number("position"),
    number("average cost"),
    text("held by"),
    number("unclaimed"),
];

const HOLDINGS: &[Column] = &[name("strategy"), name("contract"), number("holds")];

/// Every contract of the account.
pub(super) fn contracts(portfolio: &LatestPortfolio) -> Table {
    let mut table = Table::new(CONTRACTS);
    for row in portfolio.contracts.values() {
        let held = row.by_strategy.iter();
        let held = held.map(|(strategy, quantity)| format!("{strategy} {}", exact(*quantity)));
        let mut held = held.collect::<Vec<_>>().join(", ");
        if row.in_flight {
            held.push_str(" (orders under way)");
        }
        table.row([
            row.instrument.to_string(),
            exact(row.position),
            or_dash(row.average_cost, money),
            held,
            exact(row.unclaimed),
        ]);
    }
    table
}

fn told(
    portfolio: Option<&LatestPortfolio>,
    holdings: &BTreeMap<StrategyId, Holdings>,
    look: Look,
) -> String {
    let mut told = match portfolio {
        None => "no reconciliation is on record: the intent `reconcile` makes one\n".to_owned(),
        Some(portfolio) => {
            let at = time(portfolio.at);
            let mut told = format!("account {} at {at}\n\n", portfolio.account);
            match portfolio.contracts.is_empty() {
                true => told.push_str("the account holds nothing\n"),
                false => told.push_str(&contracts(portfolio).render(look)),
            }
            for found in &portfolio.breaks {
                told.push_str(&format!("\nbreak: {found}\n"));
            }
            told
        }
    };
    let mut table = Table::new(HOLDINGS);
    for (strategy, holdings) in holdings {
        for held in holdings.positions.values() {
            let contract = held.instrument.to_string();
            table.row([strategy.to_string(), contract, exact(held.quantity)]);
        }
    }
    told.push('\n');
    told.push_str(&match table.is_empty() {
        true => "no strategy holds anything\n".to_owned(),
        false => table.render(look),
    });
    told
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_portfolio_shows_claims_breaks_and_a_redacted_account() {
        let spy = json!({ "id": 756733, "symbol": "SPY", "sec_type": "STK", "currency": "USD" });
        let portfolio: LatestPortfolio = serde_json::from_value(json!({
            "at": "2026-03-09T14:30:00Z", "account": "DU1234567",
            "contracts": { "756733": {
                "instrument": spy, "position": "60", "average_cost": "560.015",
                "by_strategy": { "balanced": "100" }, "unclaimed": "-40", "in_flight": false,
            }},
            "breaks": [{
                "kind": "holdings-exceed-position", "instrument": spy, "position": "60",
                "claimed": "100", "strategies": ["balanced"],
            }],
        }))
        .unwrap();
        let holdings: BTreeMap<StrategyId, Holdings> = serde_json::from_value(json!({
            "balanced": { "strategy": "balanced", "positions": {
                "756733": { "instrument": spy, "quantity": "100" },
            }},
        }))
        .unwrap();
        insta::assert_snapshot!(told(Some(&portfolio), &holdings, Look::Plain), @r"
        account DU…67 at 2026-03-09 14:30:00Z

        contract  position  average cost  held by       unclaimed
        SPY             60       560.015  balanced 100        -40

        break: SPY (756733): 100 claimed by balanced, the account holds 60

        strategy  contract  holds
        balanced  SPY         100
        ");
    }

    #[test]
    fn without_a_reconciliation_it_says_how_to_get_one() {
        insta::assert_snapshot!(told(None, &BTreeMap::new(), Look::Plain), @r"
        no reconciliation is on record: the intent `reconcile` makes one

        no strategy holds anything
        ");
    }
}
