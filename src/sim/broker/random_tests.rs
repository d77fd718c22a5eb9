//! Whatever clients and clock do, no quantity is lost or doubled.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::floor::{ACCOUNT, march};
use super::order::{Order, Price, Proposal, Side, State, TimeInForce};
use super::terms::{Kind, Oca, OcaKind, Patience, Terms, Trigger};
use super::{Broker, Event, Rules};
use crate::sim::hours::Hours;
use crate::sim::market::Market;
use crate::sim::messages;
use crate::sim::universe::{BUILT_IN, Listing, Universe};

const ACCOUNTS: [&str; 2] = [ACCOUNT, "DU2"];

/// What happens next.
#[derive(Clone, Debug)]
enum Act {
    Place(Draft),
    /// Which of all orders so far, and what it is to become.
    Modify(usize, Draft),
    Cancel(usize),
    CancelAll,
    Step,
    /// Seconds.
    Jump(u32),
    Back(u32),
    HoldFills(bool),
    Pin(usize, i8),
}

/// An order to be.
#[derive(Clone, Debug)]
struct Draft {
    contract: usize,
    account: usize,
    buy: bool,
    lots: u16,
    limit: Option<i8>,
    kind: u8,
    tif: u8,
    parent: Option<usize>,
    group: Option<bool>,
    flags: [bool; 4],
}

fn draft() -> impl Strategy<Value = Draft> {
    let what = (0..3_usize, 0..2_usize, any::<bool>(), 1..3000_u16, any::<Option<i8>>());
    let how = (0..8_u8, 0..8_u8);
    let relatives = (
        prop::option::weighted(0.2, any::<prop::sample::Index>()),
        prop::option::weighted(0.2, any::<bool>()),
    );
    let flags = [
        prop::bool::weighted(0.9),
        prop::bool::weighted(0.1),
        prop::bool::weighted(0.05),
        prop::bool::weighted(0.2),
    ];
    (what, how, relatives, flags).prop_map(
        |((contract, account, buy, lots, limit), (kind, tif), (parent, group), flags)| Draft {
            contract,
            account,
            buy,
            lots,
            limit,
            kind,
            tif,
            parent: parent.map(|index| index.index(1_000)),
            group,
            flags,
        },
    )
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        8 => draft().prop_map(Act::Place),
        3 => (0..1_000_usize, draft()).prop_map(|(which, draft)| Act::Modify(which, draft)),
        2 => (0..1_000_usize).prop_map(Act::Cancel),
        6 => Just(Act::Step),
        3 => (1..40_000_u32).prop_map(Act::Jump),
        1 => (1..40_000_u32).prop_map(Act::Back),
        1 => any::<bool>().prop_map(Act::HoldFills),
        2 => (0..3_usize, any::<i8>()).prop_map(|(contract, ticks)| Act::Pin(contract, ticks)),
        1 => prop::bool::weighted(0.2).prop_map(|all| if all { Act::CancelAll } else { Act::Step }),
    ];
    prop::collection::vec(act, 1..80)
}

/// The market and the broker of one case, and what was seen of each order.
struct Case {
    market: Market,
    broker: Broker,
    at: jiff::Timestamp,
    hold_fills: bool,
    next_id: i32,
    /// By permId: filled and remaining as last told, and how it ended.
    told: BTreeMap<i64, (Decimal, Decimal)>,
    ended: BTreeMap<i64, Order>,
}

impl Case {
    fn new(hours: Hours, seed: u64) -> Self {
        let at = march("02T09:00");
        let market = Market::new(Universe::parse(BUILT_IN).unwrap(), hours, seed, at);
        let broker = Broker::new(&ACCOUNTS.map(str::to_owned), Decimal::from(1_000_000));
        Self {
            market,
            broker,
            at,
            hold_fills: false,
            next_id: 1,
            told: BTreeMap::new(),
            ended: BTreeMap::new(),
        }
    }

    fn listing(&self, number: usize) -> &Listing {
        let con_id = [756_733, 265_598, 12_087_792][number];
        self.market.universe().get(con_id).unwrap()
    }

    fn proposal(&self, order_id: i32, draft: &Draft) -> Proposal {
        let listing = self.listing(draft.contract);
        let last = self.market.quote(listing, self.at).last;
        let near = |ticks: i8| last + Decimal::from(ticks) * listing.min_tick;
        let kind = match draft.kind {
            0 => Kind::Stop { at: near(draft.limit.unwrap_or(3)), trigger: Trigger::Last },
            1 => Kind::Stop { at: near(-3), trigger: Trigger::LastOrBidAsk },
            2 => Kind::AtClose,
            3 => Kind::Midprice,
            4 => Kind::Adaptive(Patience::Patient),
            _ => Kind::Plain,
        };
        let tif = match draft.tif {
            _ if kind == Kind::AtClose => TimeInForce::Day,
            0 => TimeInForce::GoodTillCancelled,
            1 => TimeInForce::ImmediateOrCancel,
            2 => TimeInForce::FillOrKill,
            3 if kind == Kind::Plain => TimeInForce::AtOpening,
            4 => TimeInForce::GoodTillDate(self.at + SignedDuration::from_mins(90)),
            _ => TimeInForce::Day,
        };
        let [transmit, all_or_none, inactive, outside_rth] = draft.flags;
        let oca = draft.group.map(|cancels| Oca {
            name: "g".to_owned(),
            kind: if cancels { OcaKind::Cancel } else { OcaKind::Reduce },
        });
        let after = (draft.kind == 7).then(|| self.at + SignedDuration::from_mins(45));
        let parent = draft.parent.and_then(|which| self.any_order(which));
        Proposal {
            account: ACCOUNTS[draft.account].to_owned(),
            client_id: 1,
            order_id,
            con_id: listing.con_id,
            exchange: "SMART".to_owned(),
            side: if draft.buy { Side::Buy } else { Side::Sell },
            quantity: Decimal::from(draft.lots),
            price: draft.limit.map_or(Price::Market, |ticks| Price::Limit(near(ticks))),
            tif,
            terms: Terms { kind, after, outside_rth, all_or_none, oca, inactive },
            transmit,
            parent_id: parent.map(|order| order.order_id),
            wire: messages::Order::default(),
        }
    }

    fn any_order(&self, which: usize) -> Option<&Order> {
        let count = self.broker.orders().count();
        self.broker.orders().nth(which.checked_rem(count)?)
    }

    fn act(&mut self, act: &Act) -> Vec<Event> {
        match act {
            Act::Step => self.at += SignedDuration::from_millis(250),
            Act::Jump(seconds) => self.at += SignedDuration::from_secs(i64::from(*seconds)),
            Act::Back(seconds) => self.at -= SignedDuration::from_secs(i64::from(*seconds)),
            Act::HoldFills(on) => self.hold_fills = *on,
            Act::Pin(contract, ticks) => {
                let listing = self.listing(*contract);
                let (con_id, tick) = (listing.con_id, listing.min_tick);
                let bid = listing.price + Decimal::from(*ticks) * tick;
                self.market.pin(con_id, bid, bid + tick);
            }
            _ => {}
        }
        let draft = match act {
            Act::Place(draft) | Act::Modify(_, draft) => Some(self.proposal(self.next_id, draft)),
            _ => None,
        };
        let target = match act {
            Act::Modify(which, _) | Act::Cancel(which) => self.any_order(*which).cloned(),
            _ => None,
        };
        let rules = Rules { market: &self.market, at: self.at, hold_fills: self.hold_fills };
        match (act, draft, target) {
            (Act::Place(_), Some(proposal), _) => {
                self.next_id += 1;
                let parent = proposal.parent_id.and_then(|id| self.broker.find(1, id));
                let deep = parent.is_some_and(|order| self.broker.generation(order) >= 5);
                if deep || self.broker.is_late(&proposal, &rules) {
                    return Vec::new();
                }
                self.broker.place(proposal, &rules)
            }
            // As the gateway checks it before.
            (Act::Modify(..), Some(mut proposal), Some(order)) => {
                proposal.con_id = order.con_id;
                proposal.side = order.side;
                proposal.account.clone_from(&order.account);
                proposal.order_id = order.order_id;
                let fits = order.state.is_open()
                    && proposal.quantity > order.filled
                    && !self.broker.is_late(&proposal, &rules);
                if fits { self.broker.modify(order.perm_id, proposal, &rules) } else { Vec::new() }
            }
            (Act::Cancel(_), _, Some(order)) => {
                self.broker.cancel(order.client_id, order.order_id, self.at).unwrap_or_default()
            }
            (Act::CancelAll, ..) => self.broker.cancel_all(self.at),
            _ => self.broker.sweep(&rules),
        }
    }

    /// Every event follows from what was told before of its order.
    fn hear(&mut self, events: &[Event]) -> Result<(), TestCaseError> {
        for event in events {
            let perm_id = event.perm_id();
            prop_assert!(!self.ended.contains_key(&perm_id), "after the end: {event:?}");
            let (progress, shares) = match event {
                Event::Queued { .. } => continue,
                Event::Filled { progress, execution, .. } => {
                    let fill = &self.broker.executions()[*execution];
                    prop_assert_eq!(fill.perm_id, perm_id);
                    prop_assert_eq!(fill.cumulative, progress.filled);
                    (progress, fill.shares)
                }
                Event::Accepted { progress, .. }
                | Event::Cancelled { progress, .. }
                | Event::Rejected { progress, .. } => (progress, Decimal::ZERO),
            };
            let before = self.told.get(&perm_id).map_or(Decimal::ZERO, |told| told.0);
            prop_assert_eq!(progress.filled, before + shares, "{:?}", event);
            prop_assert!(progress.remaining >= Decimal::ZERO);
            if matches!(event, Event::Filled { .. }) {
                let known = self.told.get(&perm_id).map(|told| told.1);
                prop_assert_eq!(known, Some(progress.remaining + shares), "{:?}", event);
                prop_assert_eq!(progress.status == "Filled", progress.remaining.is_zero());
            }
            self.told.insert(perm_id, (progress.filled, progress.remaining));
            if matches!(progress.status, "Filled" | "Cancelled") {
                self.ended.insert(perm_id, self.broker.order(perm_id).unwrap().clone());
            }
        }
        Ok(())
    }

    fn check(&self) -> Result<(), TestCaseError> {
        let mut filled: BTreeMap<i64, Decimal> = BTreeMap::new();
        for fill in self.broker.executions() {
            prop_assert!(fill.shares > Decimal::ZERO);
            *filled.entry(fill.perm_id).or_default() += fill.shares;
        }
        for order in self.broker.orders() {
            let executed = filled.get(&order.perm_id).copied().unwrap_or_default();
            prop_assert_eq!(executed, order.filled);
            prop_assert!(order.filled <= order.quantity);
            prop_assert!(order.quantity <= order.asked);
            prop_assert_eq!(order.state == State::Filled, order.remaining().is_zero());
            let told = self.told.get(&order.perm_id);
            prop_assert_eq!(told, Some(&(order.filled, order.remaining())));
            if let Some(end) = self.ended.get(&order.perm_id) {
                prop_assert_eq!(end, order, "an ended order changed");
            }
            prop_assert_eq!(order.state.is_open(), order.end.is_none());
        }
        let open = self.broker.orders().filter(|order| order.state.is_open());
        let open: Vec<_> = open.map(|order| order.perm_id).collect();
        let listed: Vec<_> = self.broker.open_orders().map(|order| order.perm_id).collect();
        prop_assert_eq!(open, listed);
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_quantity_is_lost_or_doubled(
        always in any::<bool>(),
        seed in any::<u64>(),
        acts in acts(),
    ) {
        let hours = if always { Hours::Always } else { Hours::Exchange };
        let mut case = Case::new(hours, seed);
        for act in &acts {
            let events = case.act(act);
            case.hear(&events)?;
            case.check()?;
        }
        // The index that a restart rebuilds finds the same orders.
        let listed: Vec<_> = case.broker.open_orders().cloned().collect();
        case.broker.index();
        let again: Vec<_> = case.broker.open_orders().cloned().collect();
        prop_assert_eq!(listed, again);
    }
}
