//! The books add up, whatever is traded: a long random day against a checker that knows only the
//! executions.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;

use super::books::worth;
use super::commission::{Traded, commission_of_fill};
use super::margin::Working;
use super::order::{Price, Proposal, TimeInForce};
use super::terms::Terms;
use super::*;
use crate::sim::hours::Hours;
use crate::sim::market::Market;
use crate::sim::messages;
use crate::sim::universe::{BUILT_IN, Listing, SecType, Universe};

/// Orders, changes, cancels, and steps of the market.
const OPERATIONS: usize = 100_000;

/// Between two looks at everything; in between, what an operation touched is looked at.
const FULL_LOOK: usize = 1000;

/// More open orders than this are cancelled: every step of the market works them all.
const OPEN_MAX: usize = 40;

const SEED: u64 = 20_260_102;

const START: Decimal = Decimal::from_parts(2_000_000, 0, 0, false, 0);

const ACCOUNTS: [&str; 3] = ["DU1", "DU2", "DU3"];

/// Contracts of the built-in universe that are traded: SPY, AGG, stocks in Canadian dollars, euros
/// and pence, EUR.USD, USD.JPY, GBP.USD.
const TRADED: [i32; 8] = [
    756_733,
    900_000_001,
    900_000_006,
    900_000_007,
    900_000_008,
    12_087_792,
    15_016_059,
    12_087_797,
];

/// And some that it lacks: a pair without dollars, and a future in euros.
const MORE: &str = r#"
[[contract]]
con_id = 990000003
symbol = "EUR"
sec_type = "CASH"
currency = "GBP"
exchanges = ["IDEALPRO"]
long_name = "European Monetary Union Euro"
min_tick = "0.00005"
price = "0.85000"
volatility = 0.1
spread = "0.00005"
size_increment = "1"

[[contract]]
con_id = 990000005
symbol = "FUE"
sec_type = "FUT"
currency = "EUR"
exchanges = ["EUREX"]
primary_exchange = "EUREX"
long_name = "A FUTURE IN EUROS"
min_tick = "0.5"
price = "18000.0"
volatility = 0.3
spread = "1"
size_increment = "1"
multiplier = "5"
initial_margin = "9000"
maintenance_margin = "8000"
last_trade_date = "2030-12-20"
contract_month = "203012"
local_symbol = "FUEZ0"
"#;

/// Random numbers that are the same on every machine (SplitMix64).
struct Draws(u64);

impl Draws {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let value = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((value ^ (value >> 31)) % u64::try_from(end).unwrap()).unwrap()
    }
}

/// What the executions of one account and contract come to.
#[derive(Default)]
struct Flow {
    quantity: Decimal,
    /// Money in less money out, notionals of futures counted as if they were paid.
    money: Decimal,
    commission: Decimal,
    realized: Decimal,
}

/// The books as the executions alone tell them.
#[derive(Default)]
struct Checker {
    /// Executions counted so far.
    seen: usize,
    flows: BTreeMap<(String, i32), Flow>,
    /// What each order traded and paid.
    orders: BTreeMap<i64, (Traded, Decimal)>,
}

struct Desk {
    market: Market,
    at: Timestamp,
    broker: Broker,
    listings: Vec<i32>,
    next_id: i32,
    checker: Checker,
}

impl Desk {
    fn new() -> Self {
        let anchor = "2026-01-02T15:00:00Z".parse().unwrap();
        let universe = Universe::parse(&format!("{BUILT_IN}{MORE}")).unwrap();
        let market = Market::new(universe, Hours::Always, SEED, anchor);
        let broker = Broker::new(&ACCOUNTS.map(str::to_owned), START);
        // A future in dollars that does not expire meanwhile.
        let future = market.universe().named("ES").max_by_key(|listing| listing.last_trade_date);
        let more = [990_000_003, 990_000_005, future.unwrap().con_id];
        let listings = TRADED.into_iter().chain(more).collect();
        Self { market, at: anchor, broker, listings, next_id: 1, checker: Checker::default() }
    }

    fn act(&mut self, draws: &mut Draws) {
        match draws.below(10) {
            0..5 => self.place(draws),
            5 => self.modify(draws),
            6 => self.cancel(draws),
            _ => self.step(draws),
        }
        if self.broker.open_orders().count() > OPEN_MAX {
            self.broker.cancel_all(self.at);
        }
    }

    fn step(&mut self, draws: &mut Draws) {
        let passed = [250, 1000, 60_000, 3_600_000][draws.below(4)];
        self.at += SignedDuration::from_millis(passed);
        let rules = Rules { market: &self.market, at: self.at, hold_fills: false };
        self.broker.sweep(&rules);
    }

    fn place(&mut self, draws: &mut Draws) {
        let con_id = self.listings[draws.below(self.listings.len())];
        let listing = self.market.universe().get(con_id).unwrap();
        let lots = Decimal::from(draws.below(120) + 1);
        let size = match listing.sec_type {
            SecType::Stock => Decimal::TEN,
            SecType::Cash => Decimal::from(250),
            SecType::Future => Decimal::new(1, 1),
        };
        let mid = self.market.quote(listing, self.at).mid();
        let away = Decimal::from(draws.below(41)) - Decimal::from(20);
        let ticks = (mid / listing.min_tick).floor() + away;
        let limit = Price::Limit(ticks * listing.min_tick);
        let proposal = Proposal {
            account: ACCOUNTS[draws.below(ACCOUNTS.len())].to_owned(),
            client_id: 1,
            order_id: self.next_id,
            con_id,
            exchange: "SMART".to_owned(),
            side: if draws.below(2) == 0 { Side::Buy } else { Side::Sell },
            quantity: (lots * size).ceil(),
            price: if draws.below(2) == 0 { Price::Market } else { limit },
            tif: [TimeInForce::GoodTillCancelled, TimeInForce::ImmediateOrCancel][draws.below(2)],
            terms: Terms::default(),
            transmit: true,
            parent_id: None,
            wire: messages::Order::default(),
        };
        self.next_id += 1;
        let rules = Rules { market: &self.market, at: self.at, hold_fills: false };
        let what_if = self.broker.what_if(&proposal, &rules).unwrap();
        if what_if.is_affordable() {
            self.broker.place(proposal, &rules);
        }
    }

    /// An open order at random.
    fn open(&self, draws: &mut Draws) -> Option<&Order> {
        let open = self.broker.open_orders().count();
        if open == 0 {
            return None;
        }
        self.broker.open_orders().nth(draws.below(open))
    }

    fn modify(&mut self, draws: &mut Draws) {
        let Some(order) = self.open(draws) else { return };
        let more = Decimal::from(draws.below(9) + 1);
        let proposal = Proposal {
            account: order.account.clone(),
            client_id: order.client_id,
            order_id: order.order_id,
            con_id: order.con_id,
            exchange: order.exchange.clone(),
            side: order.side,
            quantity: order.filled + more,
            price: order.price,
            tif: order.tif,
            terms: Terms::default(),
            transmit: true,
            parent_id: None,
            wire: order.wire.clone(),
        };
        let perm_id = order.perm_id;
        let rules = Rules { market: &self.market, at: self.at, hold_fills: false };
        self.broker.modify(perm_id, proposal, &rules);
    }

    fn cancel(&mut self, draws: &mut Draws) {
        let Some(order) = self.open(draws) else { return };
        let (client_id, order_id) = (order.client_id, order.order_id);
        self.broker.cancel(client_id, order_id, self.at).unwrap();
    }

    fn listing(&self, con_id: i32) -> &Listing {
        self.market.universe().get(con_id).unwrap()
    }

    /// Counts the new executions and checks what they touched.
    fn count(&mut self) {
        let fresh = self.broker.executions()[self.checker.seen..].to_vec();
        self.checker.seen += fresh.len();
        let (mut touched, mut orders) = (BTreeSet::new(), BTreeSet::new());
        for fill in fresh {
            let listing = self.market.universe().get(fill.con_id).unwrap();
            let key = (fill.account.clone(), fill.con_id);
            let flow = self.checker.flows.entry(key).or_default();
            let quantity = fill.side.signed(fill.shares);
            flow.quantity += quantity;
            flow.money -= worth(listing, quantity, fill.price).unwrap();
            flow.commission += fill.commission;
            flow.realized += fill.realized.unwrap_or_default();
            assert!(fill.commission >= Decimal::ZERO);
            let (traded, paid) = self.checker.orders.entry(fill.perm_id).or_default();
            traded.quantity += fill.shares;
            traded.value += fill.shares * fill.price;
            *paid += fill.commission;
            touched.insert((fill.account.clone(), fill.con_id));
            orders.insert(fill.perm_id);
        }
        for perm_id in orders {
            self.check_order(perm_id);
        }
        for (account, con_id) in touched {
            self.check_position(&account, con_id);
            self.check_cash(&account);
        }
    }

    fn check_order(&self, perm_id: i64) {
        let order = self.broker.order(perm_id).unwrap();
        let (traded, paid) = self.checker.orders[&perm_id];
        assert_eq!(traded, Traded { quantity: order.filled, value: order.filled_value });
        assert!(order.filled <= order.quantity);
        let listing = self.listing(order.con_id);
        // A pair's commission is converted at the rate of each fill.
        if listing.sec_type != SecType::Cash {
            let rules = Rules { market: &self.market, at: self.at, hold_fills: false };
            let due = commission_of_fill(listing, Traded::default(), traded, &rules).unwrap();
            assert_eq!(paid, due, "order {perm_id}");
        }
    }

    fn check_position(&self, account: &str, con_id: i32) {
        let listing = self.listing(con_id);
        let flow = &self.checker.flows[&(account.to_owned(), con_id)];
        let (_, known) = self.broker.account(account).unwrap();
        if listing.sec_type == SecType::Cash {
            assert!(!known.books.positions.contains_key(&con_id));
            return;
        }
        let position = &known.books.positions[&con_id];
        assert_eq!(position.quantity, flow.quantity);
        assert_eq!(position.realized, flow.realized);
        let price = self.market.quote(listing, self.at).mid();
        let result = position.realized + position.unrealized(listing, price).unwrap();
        let gained = flow.money + worth(listing, flow.quantity, price).unwrap() - flow.commission;
        assert_eq!(result, gained, "every cent gained is realised or unrealised");
    }

    /// Balances by the executions: a future's notional was never paid, only what it gained.
    fn check_cash(&self, account: &str) {
        let mut cash = BTreeMap::from([("USD", START)]);
        for ((_, con_id), flow) in self.flows_of(account) {
            let listing = self.listing(*con_id);
            *cash.entry(commission_currency(listing)).or_default() -= flow.commission;
            let balance = cash.entry(&listing.currency).or_default();
            *balance += flow.money;
            let (_, known) = self.broker.account(account).unwrap();
            match listing.sec_type {
                SecType::Stock => {}
                SecType::Future => {
                    let open = &known.books.positions[con_id];
                    *balance += open.cost - open.fees;
                }
                SecType::Cash => *cash.entry(&listing.symbol).or_default() += flow.quantity,
            }
        }
        let (_, known) = self.broker.account(account).unwrap();
        for (currency, amount) in cash {
            let balance = known.books.cash.get(currency).copied().unwrap_or_default();
            assert_eq!(balance, amount, "{account} {currency}");
        }
    }

    fn flows_of(&self, account: &str) -> impl Iterator<Item = (&(String, i32), &Flow)> {
        let account = account.to_owned();
        self.checker.flows.iter().filter(move |((name, _), _)| *name == account)
    }

    /// Values each account anew and compares.
    fn check_all(&self) {
        for account in ACCOUNTS {
            self.check_cash(account);
            self.check_value(account);
            self.check_working(account);
        }
    }

    fn check_value(&self, account: &str) {
        let (_, known) = self.broker.account(account).unwrap();
        let value = known.value(&self.market, self.at).unwrap();
        let rate = |currency: &str| self.market.rate(currency, self.at).unwrap();
        // Without any position: money that went out and came in, and what is held at the mid.
        let mut net = START;
        for ((_, con_id), flow) in self.flows_of(account) {
            let listing = self.listing(*con_id);
            let price = self.market.quote(listing, self.at).mid();
            net -= flow.commission * rate(commission_currency(listing));
            net += flow.money * rate(&listing.currency);
            net += match listing.sec_type {
                SecType::Cash => flow.quantity * rate(&listing.symbol),
                SecType::Stock | SecType::Future => {
                    worth(listing, flow.quantity, price).unwrap() * rate(&listing.currency)
                }
            };
        }
        assert_eq!(value.net_liquidation().round_dp(8), net.round_dp(8), "{account}");
    }

    fn check_working(&self, account: &str) {
        let mut expected: BTreeMap<i32, Working> = BTreeMap::new();
        for order in self.broker.open_orders().filter(|order| order.account == account) {
            let working = expected.entry(order.con_id).or_default();
            *working = working.with(order.side, order.remaining());
        }
        let (_, known) = self.broker.account(account).unwrap();
        assert_eq!(known.working(), &expected, "{account}");
    }
}

#[test]
fn the_books_balance_under_a_hundred_thousand_random_operations() {
    eprintln!("seed {SEED}");
    let mut draws = Draws(SEED);
    let mut desk = Desk::new();
    for operation in 0..OPERATIONS {
        desk.act(&mut draws);
        desk.count();
        if operation % FULL_LOOK == 0 {
            desk.check_all();
        }
    }
    desk.check_all();
    let fills = desk.broker.executions().len();
    assert!(fills > OPERATIONS / 10, "only {fills} fills");
    let kinds = [SecType::Stock, SecType::Future, SecType::Cash];
    let traded = |kind| {
        let fills = desk.broker.executions().iter();
        fills.filter(|fill| desk.listing(fill.con_id).sec_type == kind).count()
    };
    assert!(kinds.into_iter().all(|kind| traded(kind) > 1000), "{:?}", kinds.map(traded));
}
