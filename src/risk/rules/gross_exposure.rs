use super::Finding;
use crate::risk::proposal::{Context, Proposal};

/// Once all is filled, absolute position values sum to no more than `limits.gross_exposure` times
/// net liquidation, or to no more than they do now: a plan that leads back toward the limit is no
/// breach of it. A property of the whole plan, asked of every line that adds to it.
pub(in crate::risk) fn rule(proposal: &Proposal<'_>, context: &Context<'_>) -> Finding {
    let values = &context.inputs.account_values;
    let multiple = context.inputs.config.limits.gross_exposure;
    let allowed = values.net_liquidation.checked_mul(multiple);
    let base = &values.base_currency;
    let number = |amount: Option<rust_decimal::Decimal>| match amount {
        Some(amount) => format!("{} {base}", amount.normalize()),
        None => "unknown".to_owned(),
    };
    let within = match (context.gross_after, allowed) {
        (Some(gross), Some(allowed)) => gross <= allowed.max(values.gross_position_value),
        _ => false,
    };
    Finding {
        value: format!("{} after the plan", number(context.gross_after)),
        limit: format!("{} ({multiple} times net liquidation)", number(allowed)),
        passed: within || proposal.reduces(),
    }
}
