use super::Finding;
use crate::risk::proposal::{Context, Proposal};

/// No single order that increases risk is worth more than `limits.order_value`. Without a value
/// it might be.
pub(in crate::risk) fn rule(proposal: &Proposal<'_>, context: &Context<'_>) -> Finding {
    let limit = context.inputs.config.limits.order_value;
    let base = &context.inputs.account_values.base_currency;
    let (value, within) = match proposal.line.value {
        Some(value) => (format!("{value} {base}"), value <= limit),
        None => ("unknown value".to_owned(), false),
    };
    Finding { value, limit: format!("{limit} {base}"), passed: within || proposal.reduces() }
}
