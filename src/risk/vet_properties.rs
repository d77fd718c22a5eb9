use proptest::prelude::*;

use super::*;
use crate::portfolio::generators::{any_inputs, wild_inputs};
use crate::portfolio::{CloseFilter, close_plan, plan};

const SWITCHES: [TradingSwitch; 3] =
    [TradingSwitch::On, TradingSwitch::ReduceOnly, TradingSwitch::Off];

fn position_after(inputs: &PlanInputs, line: &Line) -> (Decimal, Decimal) {
    let before = inputs.position(line.instrument.id).unwrap();
    (before, before + line.signed_quantity())
}

proptest! {
    #[test]
    fn nothing_increases_risk_under_reduce_only(inputs in any_inputs()) {
        for plan in [plan(&inputs), close_plan(&inputs, &CloseFilter::default())] {
            for approved in vet(&inputs, &plan, TradingSwitch::ReduceOnly).approved {
                let (before, after) = position_after(&inputs, approved.line());
                prop_assert!(after.abs() < before.abs());
                prop_assert!(after.is_zero() || after.is_sign_negative() == before.is_sign_negative());
            }
        }
    }

    #[test]
    fn nothing_passes_a_switch_that_is_off(inputs in any_inputs()) {
        for plan in [plan(&inputs), close_plan(&inputs, &CloseFilter::default())] {
            let vetted = vet(&inputs, &plan, TradingSwitch::Off);
            prop_assert!(vetted.approved.is_empty() && vetted.crossings.is_empty());
        }
    }

    #[test]
    fn an_allocation_is_approved_whole_or_not_at_all(inputs in any_inputs()) {
        let plan = plan(&inputs);
        for switch in SWITCHES {
            let vetted = vet(&inputs, &plan, switch);
            let lines: Vec<&Line> = vetted.approved.iter().map(Approved::line).collect();
            let expected: Vec<&Line> =
                if vetted.has_breaches() { Vec::new() } else { plan.lines.iter().collect() };
            prop_assert_eq!(lines, expected);
        }
    }

    #[test]
    fn what_is_approved_is_within_the_limits(inputs in any_inputs()) {
        let plan = plan(&inputs);
        let limits = &inputs.config.limits;
        for approved in vet(&inputs, &plan, TradingSwitch::On).approved {
            let line = approved.line();
            let (before, after) = position_after(&inputs, line);
            prop_assert!(inputs.config.allow_short || line.side == crate::domain::Side::Buy
                || after >= Decimal::ZERO);
            if after.abs() > before.abs() {
                prop_assert_eq!(approved.effect(), Effect::Increases);
                prop_assert!(line.value.unwrap() <= limits.order_value);
            }
        }
    }

    #[test]
    fn every_rule_answers_about_every_line(inputs in any_inputs()) {
        let plan = plan(&inputs);
        let vetted = vet(&inputs, &plan, TradingSwitch::On);
        for line in &plan.lines {
            for (rule, _) in RULES {
                let answers = vetted.verdicts.iter().filter(|verdict| verdict.rule == *rule
                    && matches!(&verdict.subject,
                        Subject::Line { order_ref, .. } if *order_ref == line.order_ref));
                prop_assert_eq!(answers.count(), 1, "{}", rule);
            }
        }
        prop_assert!(plan.unsized_targets.is_empty() || vetted.has_breaches());
    }

    #[test]
    fn no_numbers_make_it_panic(inputs in wild_inputs()) {
        for plan in [plan(&inputs), close_plan(&inputs, &CloseFilter::default())] {
            for switch in SWITCHES {
                let vetted = vet(&inputs, &plan, switch);
                prop_assert!(vetted.approved.len() <= plan.lines.len());
            }
        }
    }
}
