//! What each request of the control API does.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::routes::Refusal;
use crate::sim::SimError;
use crate::sim::broker::order::Side;
use crate::sim::broker::{Sender, vet};
use crate::sim::faults::{self, Rule};
use crate::sim::messages;
use crate::sim::reports;
use crate::sim::truth::Truth;
use crate::sim::universe::SMART;
use crate::sim::world::{Shared, World};

type Answer = Result<Value, Refusal>;

fn read<T: DeserializeOwned>(body: Map<String, Value>) -> Result<T, Refusal> {
    serde_json::from_value(Value::Object(body))
        .map_err(|error| Refusal::new(400, error.to_string()))
}

fn written(value: &impl serde::Serialize) -> Answer {
    serde_json::to_value(value).map_err(|error| Refusal::new(500, error.to_string()))
}

/// All problems of a refusal, one by one where there are several.
fn refused(error: SimError) -> Refusal {
    match error {
        SimError::Faults(problems) => Refusal::bad(problems),
        other => Refusal::new(400, other.to_string()),
    }
}

pub fn truth(shared: &Arc<Shared>) -> Answer {
    written(&shared.with(|world| Truth::of(world)))
}

pub fn clients(shared: &Arc<Shared>) -> Value {
    shared.with(|world| {
        let clients = world.clients.iter().map(|(connection, client)| {
            let tickers = client.subscriptions.tickers.len();
            json!({ "connection": connection, "client_id": client.client_id, "tickers": tickers })
        });
        Value::Array(clients.collect())
    })
}

fn shown(world: &World) -> Value {
    json!({ "now": world.now, "speed": world.clock.speed() })
}

pub fn clock(shared: &Arc<Shared>) -> Value {
    shared.with(|world| shown(world))
}

/// Exactly one of these.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockChange {
    set: Option<Timestamp>,
    advance: Option<SignedDuration>,
    #[serde(default, with = "crate::sim::faults::amount::maybe")]
    speed: Option<Decimal>,
}

pub fn set_clock(shared: &Arc<Shared>, body: Map<String, Value>) -> Answer {
    let change = read(body)?;
    shared.with(|world| {
        let moved = match change {
            ClockChange { set: Some(to), advance: None, speed: None } => world.set_clock(to),
            ClockChange { set: None, advance: Some(by), speed: None } => {
                world.advance(by).map(|_now| ())
            }
            ClockChange { set: None, advance: None, speed: Some(speed) } => world.set_speed(speed),
            ClockChange { .. } => {
                let text = "expected one of `set`, `advance` and `speed`";
                return Err(Refusal::new(400, text));
            }
        };
        moved.map_err(|error| Refusal::new(400, error.to_string()))?;
        Ok(shown(world))
    })
}

pub fn faults(shared: &Arc<Shared>) -> Answer {
    written(&shared.with(|world| world.faults.engine.list()))
}

/// One fault, or a scenario of them.
pub fn arm(shared: &Arc<Shared>, mut body: Map<String, Value>) -> Answer {
    let (seed, tables) = match body.remove("fault") {
        Some(Value::Array(list)) => {
            let seed = body.remove("seed").map(|seed| seed.as_u64());
            if seed == Some(None) || !body.is_empty() {
                let text = "expected `seed`, a whole number from 0, and `fault`, a list";
                return Err(Refusal::new(400, text));
            }
            (seed.flatten(), list)
        }
        Some(name) => {
            body.insert("fault".to_owned(), name);
            (None, vec![Value::Object(body)])
        }
        None => return Err(Refusal::new(400, "expected `fault`: a name, or a list of faults")),
    };
    let mut problems = Vec::new();
    let mut rules = Vec::new();
    for (number, table) in tables.into_iter().enumerate() {
        let Value::Object(table) = table else {
            problems.push(format!("fault {number}: expected an object"));
            continue;
        };
        match Rule::read(table) {
            Ok(rule) => rules.push(rule),
            Err(found) => {
                problems.extend(found.iter().map(|what| format!("fault {number}: {what}")));
            }
        }
    }
    if !problems.is_empty() {
        return Err(Refusal::bad(problems));
    }
    shared.with(|world| {
        if let Some(seed) = seed {
            world.faults.engine.reseed(seed);
        }
        let ids = rules.into_iter().map(|rule| faults::arm(world, rule));
        let ids = ids.collect::<Result<Vec<_>, _>>().map_err(refused)?;
        Ok(json!({ "ids": ids }))
    })
}

pub fn clear(shared: &Arc<Shared>) -> Value {
    let ended = shared.with(|world| {
        let ended = world.faults.engine.disarm(|_| true);
        faults::work::settle(world);
        ended
    });
    json!({ "ended": ended })
}

pub fn end(shared: &Arc<Shared>, id: &str) -> Answer {
    let id: u64 = id.parse().map_err(|_not| Refusal::new(404, "expected the number of a fault"))?;
    let ended = shared.with(|world| {
        let ended = world.faults.engine.disarm(|armed| armed.id == id);
        faults::work::settle(world);
        ended
    });
    match ended {
        0 => Err(Refusal::new(404, format!("no fault {id} stands"))),
        _ => Ok(json!({ "ended": ended })),
    }
}

fn armed_as(shared: &Arc<Shared>, name: &str, mut body: Map<String, Value>) -> Answer {
    body.insert("fault".to_owned(), Value::String(name.to_owned()));
    let rule = Rule::read(body).map_err(Refusal::bad)?;
    let id = shared.with(|world| faults::arm(world, rule)).map_err(refused)?;
    Ok(json!({ "id": id }))
}

pub fn restart(shared: &Arc<Shared>, body: Map<String, Value>) -> Answer {
    armed_as(shared, "restart", body)
}

pub fn pin(shared: &Arc<Shared>, body: Map<String, Value>) -> Answer {
    armed_as(shared, "pin-price", body)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fill {
    #[serde(default, with = "crate::sim::faults::amount::maybe")]
    price: Option<Decimal>,
    #[serde(default, with = "crate::sim::faults::amount::maybe")]
    quantity: Option<Decimal>,
}

/// The open order that a path names.
fn open(world: &World, perm_id: &str) -> Result<i64, Refusal> {
    let id: i64 = perm_id.parse().map_err(|_not| Refusal::new(404, "expected a permId"))?;
    match world.broker.order(id) {
        None => Err(Refusal::new(404, format!("no order has permId {id}"))),
        Some(order) if order.state.is_open() => Ok(id),
        Some(order) => {
            let status = order.state.status();
            Err(Refusal::new(409, format!("order {id} is {status}: expected an open one")))
        }
    }
}

pub fn fill(shared: &Arc<Shared>, perm_id: &str, body: Map<String, Value>) -> Answer {
    let Fill { price, quantity } = read(body)?;
    shared.with(|world| {
        let id = open(world, perm_id)?;
        faults::fill(world, id, price, quantity).map_err(refused)?;
        written(&Truth::of(world).orders.remove(&id))
    })
}

pub fn cancel(shared: &Arc<Shared>, perm_id: &str) -> Answer {
    shared.with(|world| {
        let id = open(world, perm_id)?;
        let events = world.trade(|broker, rules| broker.cancel_by_hand(id, rules.at));
        reports::report(world, &events);
        written(&Truth::of(world).orders.remove(&id))
    })
}

/// An order as a person enters it in TWS.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entered {
    symbol: String,
    action: Action,
    #[serde(with = "crate::sim::faults::amount")]
    quantity: Decimal,
    #[serde(default, with = "crate::sim::faults::amount::maybe")]
    limit: Option<Decimal>,
    #[serde(default)]
    account: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Action {
    Buy,
    Sell,
}

/// Enters an order by hand: it has no order id, no reference, and belongs to client 0.
pub fn enter(shared: &Arc<Shared>, body: Map<String, Value>) -> Answer {
    let entered: Entered = read(body)?;
    let side = match entered.action {
        Action::Buy => Side::Buy,
        Action::Sell => Side::Sell,
    };
    shared.with(|world| {
        let known = world.broker.account(&entered.account).map(|(name, _)| name.to_owned());
        let Some(account) = known else {
            return Err(Refusal::new(400, "expected an account of this login"));
        };
        let named = world.market.universe().named(&entered.symbol).next().cloned();
        let Some(listing) = named else {
            let text = format!("the universe lists no {}", entered.symbol);
            return Err(Refusal::new(400, text));
        };
        let exchange = listing.exchanges.iter().find(|name| *name == SMART);
        let exchange = exchange.or(listing.exchanges.first()).cloned().unwrap_or_default();
        let wire = messages::Order {
            action: Some(side.action().to_owned()),
            total_quantity: Some(entered.quantity.to_string()),
            order_type: Some(if entered.limit.is_some() { "LMT" } else { "MKT" }.to_owned()),
            lmt_price: entered.limit.map(reports::double),
            tif: Some("DAY".to_owned()),
            account: Some(account.clone()),
            transmit: Some(true),
            ..messages::Order::default()
        };
        let sender = Sender {
            client_id: 0,
            order_id: 0,
            account: &account,
            listing: &listing,
            exchange: &exchange,
            zone: &world.zone,
            at: world.now,
        };
        let proposal = vet(&sender, wire)
            .map_err(|refusal| Refusal::new(400, format!("{}: {}", refusal.code, refusal.text)))?;
        let events = world.trade(|broker, rules| broker.place(proposal, rules));
        world.broker.forget_name((0, 0));
        reports::report(world, &events);
        let perm_id = world.broker.latest();
        written(&perm_id.and_then(|perm_id| Truth::of(world).orders.remove(&perm_id)))
    })
}
