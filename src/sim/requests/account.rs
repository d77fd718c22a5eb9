//! Positions, account summary, account updates, profit and loss.

use std::collections::BTreeMap;

use super::{Call, Undecodable};
use crate::sim::client::{Sent, Subscriptions, Summary, Updates, UpdatesMulti};
use crate::sim::feeds::{self, AccountRows};
use crate::sim::messages::{
    AccountDataEnd, AccountDataRequest, AccountSummaryEnd, AccountSummaryRequest,
    AccountUpdateMultiEnd, AccountUpdatesMultiRequest, PnLRequest, PnLSingleRequest, PositionEnd,
    PositionMultiEnd, PositionsMultiRequest,
};
use crate::sim::world::World;

/// IB allows two live account summaries a connection.
const SUMMARIES_MAX: usize = 2;

/// Other subscriptions of one kind and connection; more is a leak in the client.
const SUBSCRIPTIONS_MAX: usize = 100;

/// The answer to a second subscription under the id of a live one.
const DUPLICATE: &str = "Error processing request.-'bS' : cause - Duplicate ticker id";

pub fn positions(call: &mut Call<'_>) {
    call.with_client(|world, client| {
        for (name, account) in world.broker.accounts() {
            for (con_id, position) in account.books.held() {
                client.send(&feeds::position_row(world, name, con_id, position));
            }
        }
        client.send(&PositionEnd {});
        client.subscriptions.positions = true;
    });
}

pub fn cancel_positions(call: &mut Call<'_>) {
    call.with_client(|_, client| client.subscriptions.positions = false);
}

pub fn positions_multi(call: &mut Call<'_>) -> Result<(), Undecodable> {
    let request: PositionsMultiRequest = call.decode()?;
    let req_id = request.req_id.unwrap_or_default();
    let live = |live: &Subscriptions| of_kind(&live.positions_multi, req_id);
    let Some(name) = admit(call, req_id, request.account.as_deref(), live) else {
        return Ok(());
    };
    call.with_client(|world, client| {
        let Some((_, account)) = world.broker.account(&name) else { return };
        for (con_id, position) in account.books.held() {
            client.send(&feeds::position_multi_row(world, &name, req_id, con_id, position));
        }
        client.send(&PositionMultiEnd { req_id: Some(req_id) });
        client.subscriptions.positions_multi.insert(req_id, name);
    });
    Ok(())
}

pub fn cancel_positions_multi(call: &mut Call<'_>) -> Result<(), Undecodable> {
    let req_id = call.req_id()?;
    call.with_client(|_, client| {
        client.subscriptions.positions_multi.remove(&req_id);
    });
    Ok(())
}

pub fn summary(call: &mut Call<'_>) -> Result<(), Undecodable> {
    let request: AccountSummaryRequest = call.decode()?;
    let req_id = request.req_id.unwrap_or_default();
    let client = call.world.clients.get(&call.connection);
    let live = client.map(|client| &client.subscriptions.summaries);
    if live.is_some_and(|live| live.contains_key(&req_id)) {
        call.error(req_id, 322, DUPLICATE);
        return Ok(());
    }
    if live.is_some_and(|live| live.len() >= SUMMARIES_MAX) {
        let text = "Error processing request.-'bS' : cause - Maximum number of account summary \
                    requests exceeded";
        call.error(req_id, 322, text);
        return Ok(());
    }
    let tags = request.tags.unwrap_or_default();
    let tags = tags.split(',').map(|tag| tag.trim().to_owned()).collect();
    call.with_client(|world, client| {
        let mut summary = Summary { tags, sent: BTreeMap::new() };
        for (name, account) in world.broker.accounts() {
            let rows = AccountRows::of(world, name, account);
            let rows = feeds::summary_rows(&rows, &summary.tags);
            let sent = summary.sent.entry(name.to_owned()).or_default();
            feeds::send_summary(client, name, req_id, feeds::changed(&rows, sent));
        }
        client.send(&AccountSummaryEnd { req_id: Some(req_id) });
        client.subscriptions.summaries.insert(req_id, summary);
    });
    Ok(())
}

pub fn cancel_summary(call: &mut Call<'_>) -> Result<(), Undecodable> {
    let req_id = call.req_id()?;
    call.with_client(|_, client| {
        client.subscriptions.summaries.remove(&req_id);
    });
    Ok(())
}

pub fn updates(call: &mut Call<'_>) -> Result<(), Undecodable> {
    let request: AccountDataRequest = call.decode()?;
    if request.subscribe != Some(true) {
        call.with_client(|_, client| client.subscriptions.updates = None);
        return Ok(());
    }
    let Some(name) = ours(call.world, request.acct_code.as_deref()) else {
        // The request has no id of its own.
        call.error(-1, 321, "Error validating request.-'bK' : cause - Invalid account code");
        return Ok(());
    };
    call.with_client(|world, client| {
        let Some((_, account)) = world.broker.account(&name) else { return };
        let mut updates = Updates { account: name.clone(), sent: Sent::new() };
        let rows = AccountRows::of(world, &name, account).all();
        feeds::send_updates(world, client, &name, feeds::changed(&rows, &mut updates.sent));
        for (con_id, position) in account.books.held() {
            client.send(&feeds::portfolio_row(world, &name, con_id, position));
        }
        client.send(&AccountDataEnd { account_name: Some(name) });
        client.subscriptions.updates = Some(updates);
    });
    Ok(())
}

pub fn updates_multi(call: &mut Call<'_>) -> Result<(), Undecodable> {
    let request: AccountUpdatesMultiRequest = call.decode()?;
    let req_id = request.req_id.unwrap_or_default();
    let live = |live: &Subscriptions| of_kind(&live.updates_multi, req_id);
    let Some(name) = admit(call, req_id, request.account.as_deref(), live) else {
        return Ok(());
    };
    let ledger_only = request.ledger_and_nlv == Some(true);
    call.with_client(|world, client| {
        let Some((_, account)) = world.broker.account(&name) else { return };
        let rows = AccountRows::of(world, &name, account);
        let rows = feeds::multi_rows(&rows, ledger_only);
        let mut updates = UpdatesMulti { account: name, ledger_only, sent: Sent::new() };
        let changed = feeds::changed(&rows, &mut updates.sent);
        feeds::send_multi(client, &updates.account, req_id, changed);
        client.send(&AccountUpdateMultiEnd { req_id: Some(req_id) });
        client.subscriptions.updates_multi.insert(req_id, updates);
    });
    Ok(())
}

pub fn cancel_updates_multi(call: &mut Call<'_>) -> Result<(), Undecodable> {
    let req_id = call.req_id()?;
    call.with_client(|_, client| {
        client.subscriptions.updates_multi.remove(&req_id);
    });
    Ok(())
}

pub fn pnl(call: &mut Call<'_>) -> Result<(), Undecodable> {
    let request: PnLRequest = call.decode()?;
    let req_id = request.req_id.unwrap_or_default();
    let live = |live: &Subscriptions| of_kind(&live.pnl, req_id);
    let Some(name) = admit(call, req_id, request.account.as_deref(), live) else {
        return Ok(());
    };
    call.with_client(|world, client| {
        client.send(&feeds::pnl_row(world, &name, req_id));
        client.subscriptions.pnl.insert(req_id, name);
    });
    Ok(())
}

pub fn cancel_pnl(call: &mut Call<'_>) -> Result<(), Undecodable> {
    let req_id = call.req_id()?;
    let client = call.world.clients.get_mut(&call.connection);
    if client.and_then(|client| client.subscriptions.pnl.remove(&req_id)).is_none() {
        call.error(req_id, 10_185, "Failed to cancel PNL (not subscribed)");
    }
    Ok(())
}

pub fn pnl_single(call: &mut Call<'_>) -> Result<(), Undecodable> {
    let request: PnLSingleRequest = call.decode()?;
    let req_id = request.req_id.unwrap_or_default();
    let live = |live: &Subscriptions| of_kind(&live.pnl_single, req_id);
    let Some(name) = admit(call, req_id, request.account.as_deref(), live) else {
        return Ok(());
    };
    let con_id = request.con_id.unwrap_or_default();
    call.with_client(|world, client| {
        client.send(&feeds::pnl_single_row(world, &name, req_id, con_id));
        client.subscriptions.pnl_single.insert(req_id, (name, con_id));
    });
    Ok(())
}

pub fn cancel_pnl_single(call: &mut Call<'_>) -> Result<(), Undecodable> {
    let req_id = call.req_id()?;
    let client = call.world.clients.get_mut(&call.connection);
    let removed = client.and_then(|client| client.subscriptions.pnl_single.remove(&req_id));
    if removed.is_none() {
        call.error(req_id, 10_186, "Failed to cancel PNL single (not subscribed)");
    }
    Ok(())
}

/// The name of an account; an absent one means the first.
fn ours(world: &World, account: Option<&str>) -> Option<String> {
    world.broker.account(account.unwrap_or_default()).map(|(name, _)| name.to_owned())
}

/// The live subscriptions of one kind.
struct Live {
    count: usize,
    /// Whether one of them has the id of the request at hand.
    has_id: bool,
}

fn of_kind<T>(live: &BTreeMap<i32, T>, req_id: i32) -> Live {
    Live { count: live.len(), has_id: live.contains_key(&req_id) }
}

/// The account of a subscription that may start: one of ours, under an id of its own, and not too
/// many of its kind. Otherwise the client was told why not.
fn admit(
    call: &mut Call<'_>,
    req_id: i32,
    account: Option<&str>,
    live: impl FnOnce(&Subscriptions) -> Live,
) -> Option<String> {
    let Some(name) = ours(call.world, account) else {
        call.error(req_id, 321, "Error validating request.-'cd' : cause - Invalid account code");
        return None;
    };
    let client = call.world.clients.get(&call.connection);
    let live = client.map(|client| live(&client.subscriptions));
    if live.as_ref().is_some_and(|live| live.has_id) {
        call.error(req_id, 322, DUPLICATE);
        return None;
    }
    if live.is_some_and(|live| live.count >= SUBSCRIPTIONS_MAX) {
        let text = "Error processing request.-'cd' : cause - Too many subscriptions";
        call.error(req_id, 322, text);
        return None;
    }
    Some(name)
}
