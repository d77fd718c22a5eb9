use super::Finding;
use crate::portfolio::usable_price;
use crate::risk::proposal::{Context, Proposal};

/// What increases risk rests on a price that is there, of the kind that was asked for, and fresh.
pub(in crate::risk) fn rule(proposal: &Proposal<'_>, context: &Context<'_>) -> Finding {
    let inputs = context.inputs;
    let quote = inputs.quotes.get(&proposal.line.instrument.id);
    let (value, usable) = match usable_price(quote, inputs.now, &inputs.config) {
        Ok(price) => (format!("{price} {}", proposal.line.instrument.currency), true),
        Err(problem) => (problem.to_string(), false),
    };
    let seconds = inputs.config.limits.quote_age_seconds;
    Finding {
        value,
        limit: format!("a price at most {seconds} s old"),
        passed: usable || proposal.reduces(),
    }
}
