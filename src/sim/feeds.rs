//! What goes to subscribers without being asked for: quotes, positions, account values.

use std::collections::BTreeMap;

use super::broker::Account;
use super::broker::books::{Position, worth};
use super::client::{Client, Sent};
use super::clock::STEP_MS;
use super::messages::{
    self, AccountSummary, AccountUpdateMulti, AccountUpdateTime, AccountValue, PnL, PnLSingle,
    PortfolioValue, PositionMulti,
};
use super::reports::{self, double, text};
use super::requests::{history, market_data};
use super::values::{self, Row};
use super::world::World;

/// Steps between two rounds of profit and loss: a second, as IB does.
const PNL_STEPS: i64 = 1000 / STEP_MS;

/// Steps between two rounds of account values when nothing trades: three minutes, as IB does.
const ACCOUNT_STEPS: i64 = 180_000 / STEP_MS;

/// One step of the market: what it filled, and what subscribers get to see of it.
pub fn step(world: &mut World, step: i64) {
    world.work_step();
    quotes(world);
    if step.rem_euclid(PNL_STEPS) == 0 {
        profit_and_loss(world);
    }
    if step.rem_euclid(ACCOUNT_STEPS) == 0 {
        account_values(world);
    }
}

/// Runs `work` with each client taken out, so that it can look at the world meanwhile.
fn each_client(world: &mut World, mut work: impl FnMut(&World, &mut Client)) {
    let mut clients = std::mem::take(&mut world.clients);
    for client in clients.values_mut() {
        work(world, client);
    }
    world.clients = clients;
}

/// Sends the quotes that changed and the bars that formed.
pub fn quotes(world: &mut World) {
    each_client(world, |world, client| {
        market_data::update(world, client);
        history::update(world, client);
    });
}

/// Sends the positions in `traded`; a closed one as zero. Currency pairs move cash instead.
pub fn positions(world: &mut World, traded: &[(String, i32)]) {
    let mut traded = traded.to_vec();
    traded.sort_unstable();
    traded.dedup();
    each_client(world, |world, client| {
        for (name, con_id) in &traded {
            let Some((_, account)) = world.broker.account(name) else { continue };
            let Some(position) = account.books.positions.get(con_id) else { continue };
            if client.subscriptions.positions {
                client.send(&position_row(world, name, *con_id, position));
            }
            for (req_id, wanted) in client.subscriptions.positions_multi.clone() {
                if wanted == *name {
                    client.send(&position_multi_row(world, name, req_id, *con_id, position));
                }
            }
            if client.subscriptions.updates.as_ref().is_some_and(|sub| sub.account == *name) {
                client.send(&portfolio_row(world, name, *con_id, position));
            }
        }
    });
}

pub fn position_row(
    world: &World,
    account: &str,
    con_id: i32,
    position: &Position,
) -> messages::Position {
    messages::Position {
        account: Some(account.to_owned()),
        contract: Some(held_contract(world, con_id)),
        position: Some(text(position.quantity)),
        avg_cost: Some(double(position.average_cost())),
    }
}

pub fn position_multi_row(
    world: &World,
    account: &str,
    req_id: i32,
    con_id: i32,
    position: &Position,
) -> PositionMulti {
    PositionMulti {
        req_id: Some(req_id),
        account: Some(account.to_owned()),
        contract: Some(held_contract(world, con_id)),
        position: Some(text(position.quantity)),
        avg_cost: Some(double(position.average_cost())),
        model_code: None,
    }
}

pub fn portfolio_row(
    world: &World,
    account: &str,
    con_id: i32,
    position: &Position,
) -> PortfolioValue {
    let listing = world.market.universe().get(con_id);
    let price = listing.map(|listing| world.market.quote(listing, world.now).mid());
    let known = listing.zip(price);
    let value = known.and_then(|(listing, price)| worth(listing, position.quantity, price));
    let unrealized = known.and_then(|(listing, price)| position.unrealized(listing, price));
    PortfolioValue {
        contract: Some(held_contract(world, con_id)),
        position: Some(text(position.quantity)),
        market_price: price.map(double),
        market_value: value.map(double),
        average_cost: Some(double(position.average_cost())),
        unrealized_pnl: unrealized.map(double),
        realized_pnl: position.realized_today().map(double),
        account_name: Some(account.to_owned()),
    }
}

/// Position rows name the listing exchange.
fn held_contract(world: &World, con_id: i32) -> messages::Contract {
    match world.market.universe().get(con_id) {
        Some(listing) => reports::contract(listing, &listing.primary_exchange),
        None => messages::Contract { con_id: Some(con_id), ..messages::Contract::default() },
    }
}

/// Sends the account values that changed since each subscriber saw them.
pub fn account_values(world: &mut World) {
    let watched = world.clients.values().any(|client| {
        let subscriptions = &client.subscriptions;
        subscriptions.updates.is_some()
            || !subscriptions.summaries.is_empty()
            || !subscriptions.updates_multi.is_empty()
    });
    if !watched {
        return;
    }
    let rows: BTreeMap<String, AccountRows> = world
        .broker
        .accounts()
        .map(|(name, account)| (name.to_owned(), AccountRows::of(world, name, account)))
        .collect();
    each_client(world, |world, client| {
        for (req_id, mut summary) in std::mem::take(&mut client.subscriptions.summaries) {
            for (name, rows) in &rows {
                let wanted = summary_rows(rows, &summary.tags);
                let sent = summary.sent.entry(name.clone()).or_default();
                send_summary(client, name, req_id, changed(&wanted, sent));
            }
            client.subscriptions.summaries.insert(req_id, summary);
        }
        for (req_id, mut updates) in std::mem::take(&mut client.subscriptions.updates_multi) {
            if let Some(rows) = rows.get(&updates.account) {
                let wanted = multi_rows(rows, updates.ledger_only);
                let changed = changed(&wanted, &mut updates.sent);
                send_multi(client, &updates.account, req_id, changed);
            }
            client.subscriptions.updates_multi.insert(req_id, updates);
        }
        if let Some(mut updates) = client.subscriptions.updates.take() {
            if let Some(rows) = rows.get(&updates.account) {
                let wanted = rows.all();
                let changed = changed(&wanted, &mut updates.sent);
                send_updates(world, client, &updates.account, changed);
            }
            client.subscriptions.updates = Some(updates);
        }
    });
}

/// What clients may be told of one account.
pub struct AccountRows {
    account: Vec<Row>,
    /// Only account updates have these.
    segments: Vec<Row>,
    ledger: Vec<Row>,
}

impl AccountRows {
    pub fn of(world: &World, name: &str, account: &Account) -> Self {
        Self {
            account: values::account(world, name, account),
            segments: values::segments(world, account),
            ledger: values::ledger(world, account),
        }
    }

    pub fn all(&self) -> Vec<Row> {
        self.account.iter().chain(&self.segments).chain(&self.ledger).cloned().collect()
    }
}

/// The rows that differ from what was sent, remembered as sent.
pub fn changed<'r>(rows: &'r [Row], sent: &mut Sent) -> Vec<&'r Row> {
    let mut changed = Vec::new();
    for row in rows {
        let key = (row.key, row.currency.clone());
        if sent.get(&key) != Some(&row.value) {
            sent.insert(key, row.value.clone());
            changed.push(row);
        }
    }
    changed
}

/// The rows that a summary's tags name: plain tags, and the ledger of one, all, or the base
/// currency.
pub fn summary_rows(known: &AccountRows, tags: &[String]) -> Vec<Row> {
    let mut rows = Vec::new();
    for tag in tags {
        match tag.strip_prefix("$LEDGER") {
            Some(which) => {
                let which = which.trim_start_matches(':');
                let wanted = |row: &&Row| match which {
                    "" => row.currency == values::BASE,
                    "ALL" => true,
                    currency => row.currency == currency,
                };
                rows.extend(known.ledger.iter().filter(wanted).cloned());
            }
            None => {
                let tag = spelled(tag);
                rows.extend(known.account.iter().filter(|row| row.key == tag).cloned());
            }
        }
    }
    rows
}

/// IB spells two tags in two ways.
fn spelled(tag: &str) -> &str {
    match tag {
        "ReqTEquity" => "RegTEquity",
        "ReqTMargin" => "RegTMargin",
        other => other,
    }
}

pub fn multi_rows(known: &AccountRows, ledger_only: bool) -> Vec<Row> {
    let account = known.account.iter().chain(&known.segments);
    let account = account.filter(|row| !ledger_only || row.key == "NetLiquidation");
    account.chain(&known.ledger).cloned().collect()
}

pub fn send_summary(client: &mut Client, account: &str, req_id: i32, rows: Vec<&Row>) {
    for row in rows {
        client.send(&AccountSummary {
            req_id: Some(req_id),
            account: Some(account.to_owned()),
            tag: Some(row.key.to_owned()),
            value: Some(row.value.clone()),
            currency: Some(row.currency.clone()),
        });
    }
}

pub fn send_multi(client: &mut Client, account: &str, req_id: i32, rows: Vec<&Row>) {
    for row in rows {
        client.send(&AccountUpdateMulti {
            req_id: Some(req_id),
            account: Some(account.to_owned()),
            model_code: None,
            key: Some(row.key.to_owned()),
            value: Some(row.value.clone()),
            currency: Some(row.currency.clone()),
        });
    }
}

/// Values, then the time they were taken; nothing when none changed.
pub fn send_updates(world: &World, client: &mut Client, account: &str, rows: Vec<&Row>) {
    if rows.is_empty() {
        return;
    }
    for row in rows {
        client.send(&AccountValue {
            key: Some(row.key.to_owned()),
            value: Some(row.value.clone()),
            currency: Some(row.currency.clone()),
            account_name: Some(account.to_owned()),
        });
    }
    client.send(&AccountUpdateTime { time_stamp: Some(world.zone.minute(world.now)) });
}

fn profit_and_loss(world: &mut World) {
    each_client(world, |world, client| {
        for (req_id, account) in client.subscriptions.pnl.clone() {
            client.send(&pnl_row(world, &account, req_id));
        }
        for (req_id, (account, con_id)) in client.subscriptions.pnl_single.clone() {
            client.send(&pnl_single_row(world, &account, req_id, con_id));
        }
    });
}

/// Daily and realised results count from the beginning of the day, unrealised from the trades.
pub fn pnl_row(world: &World, account: &str, req_id: i32) -> PnL {
    let known = world.broker.account(account);
    let sum = known.and_then(|(_, account)| values::valuation(world, account));
    let opening = known.map(|(_, account)| account.day.equity).unwrap_or_default();
    PnL {
        req_id: Some(req_id),
        daily_pnl: sum.map(|sum| double(sum.net_liquidation() - opening)),
        unrealized_pnl: sum.map(|sum| double(sum.unrealized)),
        realized_pnl: sum.map(|sum| double(sum.realized_today)),
    }
}

/// The same for one contract, in its currency.
pub fn pnl_single_row(world: &World, account: &str, req_id: i32, con_id: i32) -> PnLSingle {
    let known = world.broker.account(account);
    let position = known.and_then(|(_, account)| account.books.positions.get(&con_id));
    let position = position.cloned().unwrap_or_default();
    let listing = world.market.universe().get(con_id);
    let quoted = listing.map(|listing| (listing, world.market.quote(listing, world.now).mid()));
    let unrealized = quoted.and_then(|(listing, price)| position.unrealized(listing, price));
    let value = quoted.and_then(|(listing, price)| worth(listing, position.quantity, price));
    PnLSingle {
        req_id: Some(req_id),
        position: Some(text(position.quantity)),
        daily_pnl: unrealized.and_then(|unrealized| position.daily(unrealized)).map(double),
        unrealized_pnl: unrealized.map(double),
        realized_pnl: position.realized_today().map(double),
        value: Some(value.map_or(0.0, double)),
    }
}
