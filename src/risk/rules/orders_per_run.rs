use super::Finding;
use crate::risk::proposal::{Context, Proposal};

/// No plan has more orders that increase risk than `limits.orders_per_run`.
pub(in crate::risk) fn rule(proposal: &Proposal<'_>, context: &Context<'_>) -> Finding {
    let limit = context.inputs.config.limits.orders_per_run;
    let within = u32::try_from(context.increasing).is_ok_and(|count| count <= limit);
    Finding {
        value: format!("{} orders that increase risk", context.increasing),
        limit: limit.to_string(),
        passed: within || proposal.reduces(),
    }
}
