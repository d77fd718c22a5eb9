//! Kinds of orders, their times, and their relatives, against a quote that a test sets.

use jiff::SignedDuration;
use rust_decimal::Decimal;

use super::NotCancellable;
use super::floor::{CLIENT, Floor, limit, march, story};
use super::order::{Price, Proposal, Side, State, TimeInForce};
use super::terms::{Kind, Oca, OcaKind, Patience, Trigger};
use crate::sim::hours::Hours;

fn always() -> Floor {
    Floor::new(Hours::Always, march("02T12:00"))
}

fn exchange(at: &str) -> Floor {
    Floor::new(Hours::Exchange, march(at))
}

fn stop(cents: i64) -> Kind {
    Kind::Stop { at: Decimal::new(cents, 2), trigger: Trigger::Last }
}

fn cents(amount: i64) -> Decimal {
    Decimal::new(amount, 2)
}

#[test]
fn a_stop_waits_for_its_trigger_and_fills_at_the_market() {
    let mut floor = always();
    let (id, events) = floor.place(|order| {
        order.side = Side::Sell;
        order.terms.kind = stop(55_500);
    });
    assert_eq!(story(&events), ["PreSubmitted (trigger)"]);
    assert!(floor.step().is_empty());
    let events = floor.pin(55_499, 55_501);
    assert_eq!(story(&events), ["Submitted", "Filled 10 left 0"], "the last price is the mid");
    assert_eq!(floor.average(id), cents(55_499));
}

#[test]
fn a_stop_limit_becomes_a_limit_order() {
    let mut floor = always();
    let (id, events) = floor.place(|order| {
        order.terms.kind = stop(56_500);
        order.price = limit(56_510);
    });
    assert_eq!(story(&events), ["PreSubmitted (trigger)"]);
    assert_eq!(story(&floor.pin(56_600, 56_602)), ["Submitted"], "too dear, but triggered");
    assert_eq!(story(&floor.pin(56_400, 56_402)), ["Filled 10 left 0"]);
    assert_eq!(floor.average(id), cents(56_402));
}

#[test]
fn a_stop_that_the_market_has_passed_triggers_at_once() {
    let mut floor = always();
    let (_, events) = floor.place(|order| order.terms.kind = stop(55_000));
    assert_eq!(story(&events), ["PreSubmitted (trigger)", "Submitted", "Filled 10 left 0"]);
}

#[test]
fn midprice_fills_halfway_and_not_above_its_cap() {
    let mut floor = always();
    let (id, _) = floor.place(|order| order.terms.kind = Kind::Midprice);
    assert_eq!(floor.average(id), cents(56_000));
    let (capped, events) = floor.place(|order| {
        order.terms.kind = Kind::Midprice;
        order.price = limit(55_990);
    });
    assert_eq!(story(&events), ["Submitted"]);
    floor.pin(55_988, 55_990);
    assert_eq!(floor.average(capped), cents(55_989));
}

#[test]
fn adaptive_goes_as_near_to_the_far_side_as_its_priority() {
    for (patience, buys, sells) in [
        (Patience::Urgent, 10_100, 10_000),
        (Patience::Normal, 10_050, 10_050),
        (Patience::Patient, 10_025, 10_075),
    ] {
        let mut floor = always();
        floor.pin(10_000, 10_100);
        for (side, price) in [(Side::Buy, buys), (Side::Sell, sells)] {
            let (id, _) = floor.place(|order| {
                order.side = side;
                order.terms.kind = Kind::Adaptive(patience);
            });
            assert_eq!(floor.average(id), cents(price), "{patience:?} {side:?}");
        }
    }
}

#[test]
fn a_large_order_takes_what_is_displayed_at_each_step() {
    let mut floor = always();
    let displayed = floor.quote().ask_size;
    let quantity = Decimal::from(5000);
    let (id, events) = floor.place(|order| order.quantity = quantity);
    let rest = quantity - displayed;
    assert_eq!(
        story(&events),
        ["PreSubmitted".to_owned(), format!("Submitted {displayed} left {rest}")]
    );
    assert!(floor.sweep().is_empty(), "the same step shows nothing new");
    let mut steps = 1;
    while floor.order(id).state == State::Working {
        let next = floor.quote();
        floor.step();
        steps += 1;
        assert!(steps < 60, "{next:?}");
    }
    assert_eq!(floor.stands(id), "Filled 5000/0");
    let fills: Vec<_> = floor.broker.executions().iter().collect();
    assert_eq!(fills.len(), steps);
    let shares: Decimal = fills.iter().map(|fill| fill.shares).sum();
    assert_eq!(shares, quantity);
    assert_eq!(fills.last().map(|fill| fill.cumulative), Some(quantity));
    let fees: Decimal = fills.iter().map(|fill| fill.commission).sum();
    assert_eq!(fees, Decimal::from(25), "by the order, not by the fill");
}

#[test]
fn two_orders_share_what_is_displayed_in_the_order_of_their_arrival() {
    let mut floor = always();
    let displayed = floor.quote().ask_size;
    let (first, _) = floor.place(|order| order.quantity = displayed - Decimal::ONE);
    let (second, _) = floor.place(|_| ());
    assert_eq!(floor.order(first).state, State::Filled);
    assert_eq!(floor.stands(second), "Submitted 1/9");
    floor.step();
    assert_eq!(floor.stands(second), "Filled 10/0");
}

#[test]
fn sizes_do_not_matter_when_fills_are_to_be_whole() {
    let mut floor = always();
    floor.broker.limit_sizes(false);
    let (id, events) = floor.place(|order| order.quantity = Decimal::from(1_000_000));
    assert_eq!(story(&events), ["PreSubmitted", "Filled 1000000 left 0"]);
    assert_eq!(floor.broker.executions().len(), 1);
    assert_eq!(floor.stands(id), "Filled 1000000/0");
}

#[test]
fn all_or_none_waits_for_a_size_that_is_large_enough() {
    let mut floor = always();
    let quantity = floor.quote().ask_size + Decimal::ONE;
    let (id, events) = floor.place(|order| {
        order.quantity = quantity;
        order.terms.all_or_none = true;
    });
    assert_eq!(story(&events), ["Submitted"]);
    let mut steps = 0;
    while floor.order(id).state == State::Working && steps < 400 {
        floor.step();
        steps += 1;
    }
    assert_eq!(floor.broker.executions().len(), 1);
    assert_eq!(floor.order(id).state, State::Filled);
}

#[test]
fn immediate_or_cancel_keeps_what_it_got_and_fill_or_kill_takes_all_or_nothing() {
    let mut floor = always();
    let displayed = floor.quote().ask_size;
    let (ioc, events) = floor.place(|order| {
        order.quantity = displayed + Decimal::TEN;
        order.tif = TimeInForce::ImmediateOrCancel;
    });
    assert_eq!(story(&events)[2], "Cancelled left 10");
    assert_eq!(floor.stands(ioc), format!("Cancelled {displayed}/10"));
    floor.step();
    let more = floor.quote().ask_size + Decimal::ONE;
    let (fok, _) = floor.place(|order| {
        order.quantity = more;
        order.tif = TimeInForce::FillOrKill;
    });
    assert_eq!(floor.stands(fok), format!("Cancelled 0/{more}"));
}

#[test]
fn an_order_sent_before_the_opening_waits_for_it() {
    let mut floor = exchange("02T08:00");
    let (id, events) = floor.place(|_| ());
    assert_eq!(story(&events), ["until 2026-03-02T14:30:00Z", "PreSubmitted"]);
    assert!(floor.go_to(march("02T09:29:59")).is_empty());
    let events = floor.go_to(march("02T09:30:01"));
    assert_eq!(story(&events), ["Submitted", "Filled 10 left 0"]);
    let fill = &floor.broker.executions()[0];
    assert_eq!(fill.at, march("02T09:30"), "at the opening, not at the look after it");
    assert_eq!(floor.stands(id), "Filled 10/0");
}

#[test]
fn only_a_limit_order_that_asks_to_trades_in_extended_hours() {
    let mut floor = exchange("02T08:00");
    let extended = |order: &mut Proposal| {
        order.price = limit(56_100);
        order.terms.outside_rth = true;
    };
    let (early, events) = floor.place(extended);
    assert_eq!(story(&events), ["PreSubmitted", "Filled 10 left 0"]);
    let (regular, events) = floor.place(|order| order.price = limit(56_100));
    assert_eq!(events.len(), 2, "queued, with a warning");
    floor.go_to(march("02T09:30"));
    assert_eq!((floor.stands(early), floor.stands(regular)), {
        let filled = || "Filled 10/0".to_owned();
        (filled(), filled())
    });
}

#[test]
fn a_day_order_ends_with_its_session_and_gtc_goes_on() {
    let mut floor = exchange("02T12:00");
    let resting = |tif| {
        move |order: &mut Proposal| {
            order.price = limit(50_000);
            order.tif = tif;
        }
    };
    let (day, _) = floor.place(resting(TimeInForce::Day));
    let (gtc, _) = floor.place(resting(TimeInForce::GoodTillCancelled));
    let (gtd, _) = floor.place(resting(TimeInForce::GoodTillDate(march("02T14:00"))));
    assert_eq!(story(&floor.go_to(march("02T15:59:59"))), ["Cancelled left 10"]);
    assert_eq!(floor.order(gtd).end.as_ref().unwrap().at, march("02T14:00"));
    let events = floor.go_to(march("02T16:00"));
    assert_eq!(story(&events), ["Cancelled left 10"]);
    assert_eq!(floor.order(day).end.as_ref().unwrap().how, "Expired");
    assert!(floor.pin(49_999, 50_000).is_empty(), "the exchange is closed");
    assert_eq!(floor.stands(gtc), "Submitted 0/10");
    assert_eq!(story(&floor.go_to(march("03T09:30"))), ["Filled 10 left 0"]);
}

#[test]
fn a_day_order_of_the_market_that_never_closes_ends_at_midnight() {
    let mut floor = always();
    let (id, _) = floor.place(|order| order.price = limit(50_000));
    assert!(floor.go_to(march("02T23:59:59")).is_empty());
    floor.go_to(march("03T00:00"));
    assert_eq!(floor.stands(id), "Cancelled 0/10");
    let (id, _) = floor.place(|_| ());
    assert_eq!(floor.stands(id), "Filled 10/0", "the next day has begun");
}

#[test]
fn good_after_time_is_presubmitted_until_then() {
    let mut floor = exchange("02T12:00");
    let (id, events) = floor.place(|order| order.terms.after = Some(march("02T13:00")));
    assert_eq!(story(&events), ["PreSubmitted"]);
    assert!(floor.go_to(march("02T12:59:59")).is_empty());
    floor.go_to(march("02T13:00"));
    assert_eq!(floor.stands(id), "Filled 10/0");
}

#[test]
fn orders_on_the_close_fill_in_the_closing_auction() {
    let mut floor = exchange("02T12:00");
    let (moc, events) = floor.place(|order| {
        order.quantity = Decimal::from(50_000);
        order.terms.kind = Kind::AtClose;
    });
    assert_eq!(story(&events), ["PreSubmitted"]);
    let (loc, _) = floor.place(|order| {
        order.terms.kind = Kind::AtClose;
        order.price = limit(55_000);
    });
    let late = |order: &mut Proposal| order.terms.kind = Kind::AtClose;
    assert!(!floor.is_late(late));
    floor.go_to(march("02T15:50"));
    assert!(floor.is_late(late));
    assert!(matches!(floor.broker.cancel(CLIENT, moc, floor.at), Err(NotCancellable::Locked(_))));
    assert!(floor.broker.cancel_all(floor.at).is_empty());
    floor.go_to(march("02T16:00"));
    assert_eq!(floor.stands(moc), "Filled 50000/0", "whole, whatever is displayed");
    assert_eq!(floor.average(moc), cents(56_000), "the last price");
    assert_eq!(floor.stands(loc), "Cancelled 0/10");
}

#[test]
fn orders_on_the_open_fill_in_the_opening_auction() {
    let mut floor = exchange("02T08:00");
    let (market, events) = floor.place(|order| order.tif = TimeInForce::AtOpening);
    assert_eq!(story(&events), ["PreSubmitted"]);
    let (low, _) = floor.place(|order| {
        order.tif = TimeInForce::AtOpening;
        order.price = limit(55_000);
    });
    floor.go_to(march("02T09:30"));
    assert_eq!(
        (floor.stands(market), floor.average(market)),
        ("Filled 10/0".into(), cents(56_000))
    );
    assert_eq!(floor.stands(low), "Cancelled 0/10");
    assert!(floor.is_late(|order| order.tif = TimeInForce::AtOpening));
}

#[test]
fn an_auction_waits_while_fills_are_held_back() {
    let mut floor = always();
    let (id, _) = floor.place(|order| order.terms.kind = Kind::AtClose);
    floor.hold_fills = true;
    floor.go_to(march("03T00:00"));
    assert_eq!(floor.stands(id), "PreSubmitted 0/10");
    floor.hold_fills = false;
    floor.step();
    assert_eq!(floor.stands(id), "Filled 10/0");
}

#[test]
fn a_clock_set_back_closes_what_is_not_open_yet() {
    let mut floor = exchange("03T12:00");
    let (id, _) = floor.place(|order| {
        order.tif = TimeInForce::GoodTillCancelled;
        order.price = limit(55_000);
    });
    floor.sweep();
    floor.go_to(march("03T08:00"));
    assert!(floor.pin(54_998, 55_000).is_empty());
    floor.go_to(march("03T09:30"));
    assert_eq!(floor.stands(id), "Filled 10/0");
}

/// Buys ten, with a target and a stop below them that wait for it.
fn bracket(floor: &mut Floor, change: impl FnOnce(&mut Proposal)) -> (i32, i32, i32) {
    let (parent, events) = floor.place(|order| {
        order.transmit = false;
        change(order);
    });
    assert_eq!(story(&events), ["ApiPending"]);
    let (target, _) = floor.place(|order| {
        order.side = Side::Sell;
        order.quantity = Decimal::from(50_000);
        order.parent_id = Some(parent);
        order.price = limit(57_000);
        order.transmit = false;
    });
    let (stop_loss, _) = floor.place(|order| {
        order.side = Side::Sell;
        order.quantity = Decimal::from(50_000);
        order.parent_id = Some(parent);
        order.terms.kind = stop(55_000);
    });
    (parent, target, stop_loss)
}

#[test]
fn a_bracket_wakes_with_its_entry_and_one_exit_cancels_the_other() {
    let mut floor = always();
    floor.broker.limit_sizes(false);
    let (parent, target, stop_loss) = bracket(&mut floor, |order| {
        order.quantity = Decimal::from(50_000);
        order.price = limit(55_500);
    });
    assert_eq!(floor.stands(parent), "Submitted 0/50000");
    let waits = floor.order(stop_loss).progress("PreSubmitted").why_held;
    assert_eq!(waits, Some("child,trigger"));
    floor.pin(55_498, 55_500);
    assert_eq!(floor.stands(parent), "Filled 50000/0");
    assert_eq!(floor.stands(target), "Submitted 0/50000");
    assert_eq!(floor.stands(stop_loss), "PreSubmitted 0/50000");
    floor.pin(54_999, 55_001);
    assert_eq!(floor.stands(stop_loss), "Filled 50000/0");
    assert_eq!(floor.stands(target), "Cancelled 0/50000");
}

#[test]
fn the_exits_of_a_half_filled_entry_work_for_what_it_filled() {
    let mut floor = always();
    let (parent, target, stop_loss) = bracket(&mut floor, |order| {
        order.quantity = Decimal::from(50_000);
        order.price = limit(55_500);
    });
    floor.pin(55_498, 55_500);
    let filled = floor.order(parent).filled;
    assert!(filled > Decimal::ZERO && filled < Decimal::from(50_000), "{filled}");
    assert_eq!(floor.order(stop_loss).state, State::Queued);
    // The entry is out of reach, the stop is not.
    floor.broker.limit_sizes(false);
    floor.market.pin(super::floor::SPY, cents(53_996), cents(56_002));
    floor.step();
    assert_eq!(floor.order(stop_loss).filled, filled, "no more than what is held");
    floor.step();
    assert_eq!(floor.order(stop_loss).filled, filled);
    let rest = Decimal::from(50_000) - filled;
    assert_eq!(floor.order(target).remaining(), rest, "reduced with its sibling");
    floor.cancel(parent);
    assert_eq!(floor.order(target).state, State::Cancelled);
    assert_eq!(floor.order(stop_loss).state, State::Cancelled);
}

#[test]
fn an_entry_cancelled_half_filled_leaves_exits_for_what_it_filled() {
    let mut floor = always();
    let (parent, target, _) = bracket(&mut floor, |order| {
        order.quantity = Decimal::from(50_000);
        order.price = limit(55_500);
    });
    floor.pin(55_498, 55_500);
    let filled = floor.order(parent).filled;
    floor.cancel(parent);
    assert_eq!(floor.stands(target), format!("Submitted 0/{filled}"));
    floor.broker.limit_sizes(false);
    floor.pin(57_000, 57_002);
    assert_eq!(floor.stands(target), format!("Filled {filled}/0"));
}

fn grouped(floor: &mut Floor, kind: OcaKind, quantity: i64, price: i64) -> i32 {
    let (id, _) = floor.place(|order| {
        order.quantity = Decimal::from(quantity);
        order.price = limit(price);
        order.terms.oca = Some(Oca { name: "pair".into(), kind });
    });
    id
}

#[test]
fn a_partial_fill_cancels_or_reduces_the_rest_of_its_group() {
    for kind in [OcaKind::Cancel, OcaKind::Reduce] {
        let mut floor = always();
        let first = grouped(&mut floor, kind, 8000, 55_500);
        let second = grouped(&mut floor, kind, 4000, 55_000);
        floor.pin(55_498, 55_500);
        let left = floor.order(first).remaining();
        assert!(left > Decimal::ZERO && left < Decimal::from(8000));
        match kind {
            OcaKind::Cancel => assert_eq!(floor.stands(second), "Cancelled 0/4000"),
            OcaKind::Reduce => {
                assert_eq!(floor.order(second).remaining(), left / Decimal::TWO);
                floor.broker.limit_sizes(false);
                floor.step();
                assert_eq!(floor.order(first).state, State::Filled);
                assert_eq!(floor.order(second).state, State::Cancelled);
            }
        }
    }
}

#[test]
fn cancelling_one_of_a_group_cancels_all() {
    let mut floor = always();
    let first = grouped(&mut floor, OcaKind::Reduce, 10, 55_500);
    let second = grouped(&mut floor, OcaKind::Reduce, 10, 55_000);
    assert_eq!(floor.cancel(first).len(), 2);
    assert_eq!(floor.order(second).state, State::Cancelled);
}

#[test]
fn a_deactivated_order_rests_until_it_is_sent_again() {
    let mut floor = always();
    let (id, _) = floor.place(|order| order.price = limit(55_500));
    let events = floor.modify(id, |order| {
        order.price = limit(55_500);
        order.terms.inactive = true;
    });
    assert_eq!(story(&events), ["Inactive"]);
    assert!(floor.pin(55_400, 55_402).is_empty());
    let events = floor.modify(id, |order| order.price = limit(55_500));
    assert_eq!(story(&events), ["Submitted", "Filled 10 left 0"]);
}

#[test]
fn a_change_keeps_what_was_filled_and_takes_the_new_terms() {
    let mut floor = always();
    let quantity = floor.quote().ask_size + Decimal::from(1000);
    let (id, _) = floor.place(|order| {
        order.quantity = quantity;
        order.price = limit(56_001);
    });
    let filled = floor.order(id).filled;
    floor.modify(id, |order| {
        order.quantity = filled + Decimal::ONE;
        order.price = limit(50_000);
        order.tif = TimeInForce::GoodTillCancelled;
    });
    assert_eq!(floor.stands(id), format!("Submitted {filled}/1"));
    floor.step();
    assert_eq!(floor.stands(id), format!("Submitted {filled}/1"), "the new limit is lower");
    floor.go_to(floor.at + SignedDuration::from_hours(48));
    assert_eq!(floor.order(id).state, State::Working, "the new order is good till cancelled");
    floor.modify(id, |order| {
        order.quantity = filled + Decimal::ONE;
        order.price = Price::Market;
    });
    assert_eq!(floor.order(id).state, State::Filled);
    assert_eq!(floor.broker.orders().count(), 1);
}
