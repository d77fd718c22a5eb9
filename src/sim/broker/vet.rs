//! Is this an order? What IB refuses before an order reaches the market.

use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive;

use super::order::{Proposal, Side};
use super::pricing::trigger_method;
use super::terms::{Kind, Oca, OcaKind, Patience, Price, Terms, TimeInForce};
use crate::sim::clock::Zone;
use crate::sim::messages;
use crate::sim::universe::{BASE_CURRENCY, Listing, SMART, SecType};

/// Larger quantities and prices are typing errors; the bound keeps products exact.
const QUANTITY_MAX: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 0);
const PRICE_MAX: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 0);

/// Prices come as doubles; beyond this many decimals they hold only rounding.
const PRICE_DECIMALS: u32 = 8;

/// An error as IB words it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub code: i32,
    pub text: String,
}

impl Refusal {
    pub fn new(code: i32, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }

    /// 321 with its cause. The letters are IB's name of the place-order request.
    pub fn invalid(cause: &str) -> Self {
        Self::new(321, format!("Error validating request.-'bN' : cause - {cause}"))
    }
}

/// Who sends an order, when, under which number, for which contract.
#[derive(Clone, Copy, Debug)]
pub struct Sender<'a> {
    pub client_id: i32,
    pub order_id: i32,
    /// The account that the order is for.
    pub account: &'a str,
    pub listing: &'a Listing,
    pub exchange: &'a str,
    pub zone: &'a Zone,
    pub at: Timestamp,
}

/// Turns the order on the wire into a proposal.
///
/// # Errors
///
/// The first thing wrong with it, as IB words it.
pub fn vet(sender: &Sender<'_>, wire: messages::Order) -> Result<Proposal, Refusal> {
    let side = match wire.action.as_deref() {
        Some("BUY") => Side::Buy,
        Some("SELL" | "SSHORT" | "SLONG") => Side::Sell,
        _ => return Err(Refusal::invalid("Invalid order action")),
    };
    is_simulated(&wire)?;
    let quantity = quantity(&wire, sender.listing)?;
    let (kind, price) = kind(&wire, sender)?;
    let tif = time_in_force(&wire, sender, kind)?;
    let terms = terms(&wire, sender, kind, price)?;
    Ok(Proposal {
        account: sender.account.to_owned(),
        client_id: sender.client_id,
        order_id: sender.order_id,
        con_id: sender.listing.con_id,
        exchange: sender.exchange.to_owned(),
        side,
        quantity,
        price,
        tif,
        terms,
        transmit: wire.transmit == Some(true),
        parent_id: wire.parent_id.filter(|id| *id > 0),
        wire,
    })
}

/// Attributes that change what an order does and that this simulator does not have: an order
/// with one is better refused than filled in another way.
fn is_simulated(wire: &messages::Order) -> Result<(), Refusal> {
    let says = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.is_empty());
    if wire.cash_qty.is_some_and(|amount| amount > 0.0 && amount < f64::MAX) {
        return Err(Refusal::new(10_244, "Cash Quantity cannot be used for this order"));
    }
    let missing = [
        ("Conditions", !wire.conditions.is_empty()),
        ("Allocation to groups", says(&wire.fa_group)),
        ("Hedging orders", says(&wire.hedge_type)),
        ("Adjusted stops", says(&wire.adjusted_order_type)),
        (
            "Scale orders",
            wire.scale_init_level_size.is_some_and(|size| (1..i32::MAX).contains(&size)),
        ),
        ("Post only", wire.post_only == Some(true)),
        ("Imbalance only", wire.imbalance_only == Some(true)),
        ("Block orders", wire.block_order == Some(true)),
        ("Active times", says(&wire.active_start_time) || says(&wire.active_stop_time)),
        ("Automatic cancel dates", says(&wire.auto_cancel_date)),
        (
            "Discretionary amounts",
            wire.discretionary_amt.is_some_and(|amount| amount > 0.0 && amount < f64::MAX),
        ),
        (
            "Minimum trade quantity",
            wire.min_trade_qty.is_some_and(|size| (1..i32::MAX).contains(&size)),
        ),
        ("Minimum quantity", wire.min_qty.is_some_and(|size| (1..i32::MAX).contains(&size))),
    ];
    match missing.iter().find(|(_, asked)| *asked) {
        Some((name, _)) => {
            Err(Refusal::invalid(&format!("{name} not supported by this simulator")))
        }
        None => Ok(()),
    }
}

fn quantity(wire: &messages::Order, listing: &Listing) -> Result<Decimal, Refusal> {
    let text = wire.total_quantity.as_deref().unwrap_or("0");
    let quantity = Decimal::from_str(text)
        .ok()
        .filter(|quantity| (-QUANTITY_MAX..=QUANTITY_MAX).contains(quantity))
        .ok_or_else(|| Refusal::invalid("Invalid order quantity"))?;
    if quantity.is_zero() {
        return Err(Refusal::new(434, "The order size cannot be zero."));
    }
    if quantity.is_sign_negative() {
        return Err(Refusal::invalid("Order quantity must be positive"));
    }
    if quantity % listing.size_increment == Decimal::ZERO {
        return Ok(quantity.normalize());
    }
    Err(match listing.sec_type {
        SecType::Stock | SecType::Future => {
            Refusal::new(10_243, "Fractional-sized order cannot be placed via API.")
        }
        SecType::Cash => Refusal::invalid("Order quantity does not conform to the size increment"),
    })
}

/// Order type and algorithm, with the prices that they need.
fn kind(wire: &messages::Order, sender: &Sender<'_>) -> Result<(Kind, Price), Refusal> {
    let listing = sender.listing;
    let limit = || limit(wire.lmt_price, listing, "limit price").map(Price::Limit);
    let stop = || -> Result<Kind, Refusal> {
        let at = self::limit(wire.aux_price, listing, "stop price")?;
        let method = wire.trigger_method.unwrap_or_default();
        let trigger = trigger_method(method, listing)
            .ok_or_else(|| Refusal::invalid("Invalid trigger method"))?;
        Ok(Kind::Stop { at, trigger })
    };
    let has_auctions = listing.sec_type != SecType::Cash;
    let has_midprice = listing.sec_type == SecType::Stock
        && listing.currency == BASE_CURRENCY
        && sender.exchange == SMART;
    let found = match wire.order_type.as_deref() {
        Some("MKT") => (Kind::Plain, Price::Market),
        Some("LMT") => (Kind::Plain, limit()?),
        Some("STP") => (stop()?, Price::Market),
        Some("STP LMT") => (stop()?, limit()?),
        Some("MOC") if has_auctions => (Kind::AtClose, Price::Market),
        Some("LOC") if has_auctions => (Kind::AtClose, limit()?),
        Some("MIDPRICE") if has_midprice => match wire.lmt_price {
            None | Some(0.0 | f64::MAX) => (Kind::Midprice, Price::Market),
            Some(_) => (Kind::Midprice, limit()?),
        },
        _ => return Err(unsupported()),
    };
    match (wire.algo_strategy.as_deref(), found) {
        (None | Some(""), found) => Ok(found),
        (Some("Adaptive"), (Kind::Plain, price)) => Ok((Kind::Adaptive(patience(wire)?), price)),
        (Some("Adaptive"), _) => {
            Err(Refusal::new(442, "Specified algorithm is not allowed for this order."))
        }
        (Some(_), _) => {
            let text = "Order processing failed. Algorithm definition not found.";
            Err(Refusal::new(439, text))
        }
    }
}

fn unsupported() -> Refusal {
    Refusal::new(387, "Unsupported order type for this exchange and security type.")
}

fn patience(wire: &messages::Order) -> Result<Patience, Refusal> {
    if let Some(tag) = wire.algo_params.keys().find(|tag| *tag != "adaptivePriority") {
        let text = format!("Order processing failed. Unknown algo attribute:{tag}");
        return Err(Refusal::new(443, text));
    }
    match wire.algo_params.get("adaptivePriority").map(String::as_str) {
        Some("Urgent") => Ok(Patience::Urgent),
        None | Some("Normal") => Ok(Patience::Normal),
        Some("Patient") => Ok(Patience::Patient),
        Some(other) => {
            let text = format!("Algo attributes validation failed: adaptivePriority={other}");
            Err(Refusal::new(441, text))
        }
    }
}

/// A price of the order, positive and on a tick.
fn limit(price: Option<f64>, listing: &Listing, what: &str) -> Result<Decimal, Refusal> {
    let price = price
        .and_then(Decimal::from_f64)
        .filter(|price| *price > Decimal::ZERO && *price <= PRICE_MAX)
        .ok_or_else(|| Refusal::invalid(&format!("Invalid or missing {what}")))?
        .round_dp(PRICE_DECIMALS);
    if price % listing.tick_at(price) == Decimal::ZERO {
        return Ok(price.normalize());
    }
    let text = "The price does not conform to the minimum price variation for this contract.";
    Err(Refusal::new(110, text))
}

fn time_in_force(
    wire: &messages::Order,
    sender: &Sender<'_>,
    kind: Kind,
) -> Result<TimeInForce, Refusal> {
    let tif = match wire.tif.as_deref() {
        None | Some("" | "DAY") => TimeInForce::Day,
        Some("GTC") => TimeInForce::GoodTillCancelled,
        Some("IOC") => TimeInForce::ImmediateOrCancel,
        Some("FOK") => TimeInForce::FillOrKill,
        Some("OPG") => TimeInForce::AtOpening,
        Some("GTD") => TimeInForce::GoodTillDate(good_till(wire, sender)?),
        Some(other) => {
            return Err(Refusal::invalid(&format!("Invalid time in force:{other}")));
        }
    };
    if kind == Kind::AtClose && tif != TimeInForce::Day {
        let text = "The Tif option should be set to DAY for MOC and LOC orders.";
        return Err(Refusal::new(113, text));
    }
    if tif == TimeInForce::AtOpening {
        if sender.listing.sec_type == SecType::Cash {
            return Err(unsupported());
        }
        if kind != Kind::Plain {
            let text = "The Time in force (tif type) and the order type are incompatible.";
            return Err(Refusal::new(111, text));
        }
    }
    Ok(tif)
}

/// The end of a GTD order; a date alone means the end of that day.
fn good_till(wire: &messages::Order, sender: &Sender<'_>) -> Result<Timestamp, Refusal> {
    let text = wire.good_till_date.as_deref().unwrap_or_default().trim();
    if text.is_empty() {
        return Err(Refusal::invalid("Missing good till date"));
    }
    let until = instant(text, sender)?;
    let until = if text.contains([' ', '-']) {
        until
    } else {
        until.checked_add(SignedDuration::from_hours(24)).unwrap_or(until)
    };
    if until <= sender.at {
        return Err(Refusal::invalid("The good till date is in the past"));
    }
    Ok(until)
}

fn instant(text: &str, sender: &Sender<'_>) -> Result<Timestamp, Refusal> {
    sender.zone.parse(text).ok_or_else(|| {
        let text = "The date, time, or time-zone entered is invalid. The correct format is \
                    yyyymmdd hh:mm:ss xxx where yyyymmdd and xxx are optional.";
        Refusal::new(343, text)
    })
}

fn terms(
    wire: &messages::Order,
    sender: &Sender<'_>,
    kind: Kind,
    price: Price,
) -> Result<Terms, Refusal> {
    let after = match wire.good_after_time.as_deref().unwrap_or_default().trim() {
        "" => None,
        text => Some(instant(text, sender)?).filter(|after| *after > sender.at),
    };
    let group = wire.oca_group.clone().filter(|name| !name.is_empty());
    let oca = group.map(|name| Oca {
        name,
        kind: if wire.oca_type == Some(1) { OcaKind::Cancel } else { OcaKind::Reduce },
    });
    let may_trade_extended =
        matches!(price, Price::Limit(_)) && matches!(kind, Kind::Plain | Kind::Stop { .. });
    Ok(Terms {
        kind,
        after,
        outside_rth: may_trade_extended && wire.outside_rth == Some(true),
        all_or_none: wire.all_or_none == Some(true),
        oca,
        inactive: wire.deactivate == Some(true),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::universe::{BUILT_IN, Universe};

    fn code(change: impl FnOnce(&mut messages::Order)) -> i32 {
        let universe = Universe::parse(BUILT_IN).unwrap();
        let listing = universe.get(756_733).unwrap();
        let zone = Zone::exchange();
        let sender = Sender {
            client_id: 1,
            order_id: 1,
            account: "DU1",
            listing,
            exchange: "SMART",
            zone: &zone,
            at: "2026-03-02T17:00:00Z".parse().unwrap(),
        };
        let mut wire = messages::Order {
            action: Some("BUY".into()),
            total_quantity: Some("10".into()),
            order_type: Some("LMT".into()),
            lmt_price: Some(500.25),
            ..Default::default()
        };
        change(&mut wire);
        vet(&sender, wire).map_or_else(|refusal| refusal.code, |_| 0)
    }

    #[test]
    fn each_mistake_gets_its_own_code() {
        assert_eq!(code(|_| ()), 0);
        assert_eq!(code(|wire| wire.total_quantity = None), 434);
        assert_eq!(code(|wire| wire.total_quantity = Some("0".into())), 434);
        assert_eq!(code(|wire| wire.total_quantity = Some("0.5".into())), 10_243);
        assert_eq!(code(|wire| wire.total_quantity = Some("-1".into())), 321);
        assert_eq!(code(|wire| wire.total_quantity = Some("many".into())), 321);
        assert_eq!(code(|wire| wire.total_quantity = Some("9e27".into())), 321);
        assert_eq!(code(|wire| wire.lmt_price = Some(500.255)), 110);
        assert_eq!(code(|wire| wire.lmt_price = Some(f64::NAN)), 321);
        assert_eq!(code(|wire| wire.lmt_price = Some(f64::MAX)), 321);
        assert_eq!(code(|wire| wire.lmt_price = None), 321);
        assert_eq!(code(|wire| wire.order_type = Some("TRAIL".into())), 387);
        assert_eq!(code(|wire| wire.tif = Some("AUC".into())), 321);
        assert_eq!(code(|wire| wire.action = Some("HOLD".into())), 321);
        assert_eq!(code(|wire| wire.cash_qty = Some(100.0)), 10_244);
        assert_eq!(code(|wire| wire.post_only = Some(true)), 321);
        assert_eq!(code(|wire| wire.min_trade_qty = Some(5)), 321);
        assert_eq!(code(|wire| wire.discretionary_amt = Some(0.05)), 321);
        assert_eq!(code(|wire| wire.discretionary_amt = Some(0.0)), 0, "as clients send it");
        assert_eq!(code(|wire| wire.min_qty = Some(5)), 321);
    }

    #[test]
    fn a_stop_needs_its_price_and_a_trigger_that_exists() {
        let stop = |price: Option<f64>, method: i32| {
            code(|wire| {
                wire.order_type = Some("STP LMT".into());
                wire.aux_price = price;
                wire.trigger_method = Some(method);
            })
        };
        assert_eq!(stop(Some(505.0), 0), 0);
        assert_eq!(stop(Some(505.0), 8), 0);
        assert_eq!(stop(None, 0), 321);
        assert_eq!(stop(Some(505.001), 0), 110);
        assert_eq!(stop(Some(505.0), 5), 321);
    }

    #[test]
    fn times_in_force_go_with_the_types_that_have_them() {
        let with = |kind: &str, tif: &str, until: &str| {
            code(|wire| {
                wire.order_type = Some(kind.into());
                wire.tif = Some(tif.into());
                wire.good_till_date = Some(until.into());
            })
        };
        assert_eq!(with("LMT", "FOK", ""), 0);
        assert_eq!(with("LMT", "OPG", ""), 0);
        assert_eq!(with("MIDPRICE", "OPG", ""), 111);
        assert_eq!(with("MOC", "DAY", ""), 0);
        assert_eq!(with("LOC", "GTC", ""), 113);
        assert_eq!(with("LMT", "GTD", "20260302 12:00:01 US/Eastern"), 0);
        assert_eq!(with("LMT", "GTD", "20260302"), 0, "to the end of today");
        assert_eq!(with("LMT", "GTD", "20260302-17:00:00"), 321, "it is that time now");
        assert_eq!(with("LMT", "GTD", "tomorrow"), 343);
        assert_eq!(with("LMT", "GTD", ""), 321);
    }

    #[test]
    fn the_adaptive_algorithm_is_for_market_and_limit_orders() {
        let with = |kind: &str, strategy: &str, tag: &str, value: &str| {
            code(|wire| {
                wire.order_type = Some(kind.into());
                wire.algo_strategy = Some(strategy.into());
                wire.algo_params.insert(tag.into(), value.into());
            })
        };
        assert_eq!(with("MKT", "Adaptive", "adaptivePriority", "Urgent"), 0);
        assert_eq!(with("LMT", "Adaptive", "adaptivePriority", "Lazy"), 441);
        assert_eq!(with("LMT", "Adaptive", "pctVol", "0.1"), 443);
        assert_eq!(with("MOC", "Adaptive", "adaptivePriority", "Normal"), 442);
        assert_eq!(with("LMT", "Twap", "strategyType", "Marketable"), 439);
    }
}
