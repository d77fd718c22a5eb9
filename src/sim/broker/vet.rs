//! Is this an order? What IB refuses before an order reaches the market.

use std::str::FromStr;

use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive;

use super::order::{Price, Proposal, Side, TimeInForce};
use crate::sim::messages;
use crate::sim::universe::{Listing, SecType};

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

/// Who sends an order, under which number, for which contract.
#[derive(Clone, Copy, Debug)]
pub struct Sender<'a> {
    pub client_id: i32,
    pub order_id: i32,
    /// The account that the order is for.
    pub account: &'a str,
    pub listing: &'a Listing,
    pub exchange: &'a str,
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
    let quantity = quantity(&wire, sender.listing)?;
    let price = price(&wire, sender.listing)?;
    let tif = match wire.tif.as_deref() {
        None | Some("" | "DAY") => TimeInForce::Day,
        Some("GTC") => TimeInForce::GoodTillCancelled,
        Some("IOC") => TimeInForce::ImmediateOrCancel,
        Some(other) => {
            return Err(Refusal::invalid(&format!("Invalid time in force:{other}")));
        }
    };
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
        transmit: wire.transmit == Some(true),
        parent_id: wire.parent_id.filter(|id| *id > 0),
        wire,
    })
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

fn price(wire: &messages::Order, listing: &Listing) -> Result<Price, Refusal> {
    match wire.order_type.as_deref() {
        Some("MKT") => return Ok(Price::Market),
        Some("LMT") => {}
        _ => {
            let text = "Unsupported order type for this exchange and security type.";
            return Err(Refusal::new(387, text));
        }
    }
    let limit = wire
        .lmt_price
        .and_then(Decimal::from_f64)
        .filter(|limit| *limit > Decimal::ZERO && *limit <= PRICE_MAX)
        .ok_or_else(|| Refusal::invalid("Invalid or missing limit price"))?
        .round_dp(PRICE_DECIMALS);
    if limit % listing.tick_at(limit) == Decimal::ZERO {
        return Ok(Price::Limit(limit.normalize()));
    }
    let text = "The price does not conform to the minimum price variation for this contract.";
    Err(Refusal::new(110, text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::universe::{BUILT_IN, Universe};

    fn code(change: impl FnOnce(&mut messages::Order)) -> i32 {
        let universe = Universe::parse(BUILT_IN).unwrap();
        let listing = universe.get(756_733).unwrap();
        let sender =
            Sender { client_id: 1, order_id: 1, account: "DU1", listing, exchange: "SMART" };
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
        assert_eq!(code(|wire| wire.order_type = Some("STP".into())), 387);
        assert_eq!(code(|wire| wire.tif = Some("FOK".into())), 321);
        assert_eq!(code(|wire| wire.action = Some("HOLD".into())), 321);
    }
}
