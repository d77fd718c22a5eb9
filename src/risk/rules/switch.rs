use super::Finding;
use crate::risk::Effect;
use crate::risk::proposal::{Context, Proposal};

/// `on` lets everything pass, `reduce-only` what reduces, `off` nothing.
pub(in crate::risk) fn rule(proposal: &Proposal<'_>, context: &Context<'_>) -> Finding {
    permits(context, proposal.effect)
}

pub(in crate::risk) fn permits(context: &Context<'_>, effect: Effect) -> Finding {
    let value = match effect {
        Effect::Reduces => "reduces or keeps the account's position",
        Effect::Increases => "increases the account's position",
    };
    Finding {
        value: value.to_owned(),
        limit: format!("switch {}", context.switch),
        passed: context.switch.permits(effect),
    }
}
