use super::Finding;
use crate::domain::TradingMode;
use crate::risk::proposal::{Context, Proposal};

/// Paper mode trades paper accounts only; live mode trades live accounts only, and only with
/// `live_trading` in its configuration. No exit is worth the wrong account.
pub(in crate::risk) fn rule(_: &Proposal<'_>, context: &Context<'_>) -> Finding {
    agrees(context)
}

pub(in crate::risk) fn agrees(context: &Context<'_>) -> Finding {
    let paper = context.inputs.account_values.account.is_paper();
    let enabled = context.inputs.config.live_trading;
    let kind = if paper { "a paper account" } else { "a live account" };
    let (limit, passed) = match context.inputs.mode {
        TradingMode::Paper => ("a paper account in paper mode", paper),
        TradingMode::Live => ("a live account in live mode, live_trading true", !paper && enabled),
    };
    let value = match context.inputs.mode {
        TradingMode::Paper => kind.to_owned(),
        TradingMode::Live => format!("{kind}, live_trading {enabled}"),
    };
    Finding { value, limit: limit.to_owned(), passed }
}
