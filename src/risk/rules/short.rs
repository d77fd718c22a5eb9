use rust_decimal::Decimal;

use super::Finding;
use crate::domain::Side;
use crate::risk::proposal::{Context, Proposal};

/// Without `allow_short` no sale takes the account below zero, whatever a strategy's ledger
/// claims to have: somebody may have sold beside us.
pub(in crate::risk) fn rule(proposal: &Proposal<'_>, context: &Context<'_>) -> Finding {
    let allowed = context.inputs.config.allow_short;
    let (value, long) = match proposal.position_after {
        Some(after) => (format!("{after} units afterwards"), after >= Decimal::ZERO),
        None => ("an unknown position afterwards".to_owned(), false),
    };
    let limit = if allowed { "any (allow_short)" } else { "0 units or more" };
    let passed = allowed || long || proposal.line.side == Side::Buy;
    Finding { value, limit: limit.to_owned(), passed }
}
