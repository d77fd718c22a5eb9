//! Faults on request: one model, [`Rule`], for the command line, the scenario file and the
//! control API, and the methods of [`Faults`] for programs.
//!
//! One file a hop: `handshake`, `incoming` (requests), `orders`, `link` (to IB), `reports`,
//! `lists`, `lens` (each frame as it leaves), `account`, `market`. `engine` knows which faults
//! stand and whether one strikes; `work` begins and ends them.

pub mod account;
mod engine;
mod fault;
pub mod handshake;
pub mod incoming;
pub mod lens;
mod link;
pub mod lists;
mod market;
mod orders;
mod parameters;
pub mod reports;
mod rule;
pub mod tap;
mod texts;
pub mod work;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::SimError;
use super::messages::Report;
use super::world::{Shared, World};

pub use engine::{Armed, Engine, RULES_MAX, Stage, Subject};
pub use fault::{Fault, Language};
pub use parameters::{
    Conduct, Ending, FrameKind, How, Lateness, List, Moment, Nonsense, On, Place, Placement, Queue,
    RequestKind, Restored, SettingsFate, Shuffle, Silence, amount,
};
pub use rule::{Bounds, Rule};

/// Prices beyond this are typing errors, and their products would leave the decimal type.
const PRICE_MAX: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 0);

/// Whether this can be the quote of a contract.
fn is_quote(bid: Decimal, ask: Decimal) -> bool {
    bid > Decimal::ZERO && bid <= ask && ask <= PRICE_MAX
}

/// What standing faults mean for the rest of the simulator, looked up at each turn.
#[derive(Clone, Debug, Default)]
pub struct Switches {
    /// Orders and fills are told to nobody: a reset follows.
    pub drop_after: Option<u32>,
    pub hold_fills: bool,
    pub read_only: bool,
    pub account_not_ready: bool,
    /// The language of errors and notices, if not English.
    pub language: Option<Language>,
}

impl Switches {
    fn of(engine: &Engine) -> Self {
        let stands = |is: fn(&Fault) -> bool| {
            let found =
                engine.look(Subject::default(), |armed| is(&armed.rule.fault).then_some(()));
            found.is_some()
        };
        Self {
            drop_after: engine.look(Subject::default(), |armed| match armed.rule.fault {
                Fault::DropAfterOrders { orders, .. } => Some(orders),
                _ => None,
            }),
            hold_fills: stands(|fault| matches!(fault, Fault::HoldFills {})),
            read_only: stands(|fault| matches!(fault, Fault::ReadOnly { .. })),
            account_not_ready: stands(|fault| matches!(fault, Fault::AccountNotReady {})),
            language: engine.look(Subject::default(), |armed| match armed.rule.fault {
                Fault::Language { language } => Some(language),
                _ => None,
            }),
        }
    }

    /// The text of an error in the gateway's language.
    pub fn worded(&self, code: i32, text: String) -> String {
        let translated = self.language.and_then(|language| texts::translated(language, code));
        translated.map_or(text, str::to_owned)
    }
}

/// All that faults keep between two instants.
#[derive(Debug)]
pub struct State {
    pub engine: Engine,
    jobs: work::Jobs,
    /// The order behind the dialog on the gateway's screen.
    dialog: Option<incoming::Arrival>,
    /// Requests that a frozen gateway has not read, each with the rule that froze it.
    frozen: Vec<(u64, incoming::Arrival)>,
    /// Connections that were open when a rule began.
    open: BTreeMap<u64, BTreeSet<u64>>,
    /// Connections whose requests are never read any more.
    lost_buffers: BTreeSet<u64>,
    lost_of_some: orders::LostOfSome,
    /// The order whose reports are being lost: client id and order id.
    silenced: Option<(i32, i32)>,
    /// Client ids that stay occupied, and until when.
    kept_ids: Vec<(i32, Timestamp)>,
    link: link::Waiting,
    /// The first of two lists, by connection.
    waiting_lists: BTreeMap<u64, incoming::Arrival>,
    shuffled: Vec<(i32, Shuffle, Report)>,
    books: Vec<account::Remembered>,
    farms_broken: bool,
}

impl State {
    pub fn new(seed: u64) -> Self {
        Self {
            engine: Engine::new(seed),
            jobs: work::Jobs::default(),
            dialog: None,
            frozen: Vec::new(),
            open: BTreeMap::new(),
            lost_buffers: BTreeSet::new(),
            lost_of_some: orders::LostOfSome::default(),
            silenced: None,
            kept_ids: Vec::new(),
            link: link::Waiting::default(),
            waiting_lists: BTreeMap::new(),
            shuffled: Vec::new(),
            books: Vec::new(),
            farms_broken: false,
        }
    }

    /// Whether nothing stands and nothing was put off.
    pub fn is_idle(&self) -> bool {
        self.engine.is_idle()
            && self.jobs.is_empty()
            && self.shuffled.is_empty()
            && self.lost_buffers.is_empty()
    }
}

/// The faults of a running simulator. None stands at the start, unless the options ask for some.
#[derive(Clone, Debug)]
pub struct Faults {
    shared: Arc<Shared>,
}

impl Faults {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Asks for a fault. It begins before this returns, unless its bounds say otherwise. Returns
    /// its number, under which [`end`](Self::end) ends it.
    ///
    /// # Errors
    ///
    /// When the rule makes no sense, or too many stand already.
    pub fn arm(&self, rule: impl Into<Rule>) -> Result<u64, SimError> {
        let rule = rule.into();
        self.shared.with(|world| arm(world, rule))
    }

    /// Ends a fault; what it put off stays put off. Returns whether it stood.
    pub fn end(&self, id: u64) -> bool {
        self.disarm(|armed| armed.id == id) > 0
    }

    /// Ends all faults. Returns how many stood.
    pub fn clear(&self) -> usize {
        self.disarm(|_| true)
    }

    /// All faults that were asked for, with where they stand and how often they struck.
    pub fn list(&self) -> Vec<Armed> {
        self.shared.with(|world| world.faults.engine.list())
    }

    fn disarm(&self, which: impl Fn(&Armed) -> bool) -> usize {
        self.shared.with(|world| {
            let ended = world.faults.engine.disarm(which);
            work::settle(world);
            ended
        })
    }

    /// One of these, or none: what stood of the same kind is replaced.
    fn switch(&self, on: bool, rule: impl Into<Rule>) {
        let rule = rule.into();
        let kind = std::mem::discriminant(&rule.fault);
        self.disarm(|armed| std::mem::discriminant(&armed.rule.fault) == kind);
        if on && let Err(error) = self.arm(rule) {
            tracing::error!(%error, "a fault does not stand");
        }
    }

    /// Resets every new connection as soon as it is accepted.
    ///
    /// The port stays bound: it could not be had back for certain once it was given up.
    pub fn refuse_connections(&self, on: bool) {
        self.switch(on, Fault::RefuseConnections {});
    }

    /// Handshake and start go well; every later request is swallowed.
    pub fn mute(&self, on: bool) {
        self.switch(on, Fault::Mute {});
    }

    /// New connections are accepted, read, and never answered.
    pub fn mute_handshake(&self, on: bool) {
        self.switch(on, Fault::MuteHandshake { from: Silence::Hello });
    }

    /// Closes every connection now.
    pub fn drop_connections(&self) {
        self.switch(true, Fault::DropConnections { how: How::Orderly });
    }

    /// The next `count` orders are read, never applied, and never answered.
    pub fn lose_orders(&self, count: u32) {
        let rule = Rule::from(Fault::LoseOrder { place: Place::Unread });
        self.switch(count > 0, rule.times(count.max(1)));
    }

    /// Applies `count` more orders, tells nobody of orders and fills meanwhile, then resets the
    /// connection that sent the last of them. With 0 every connection is reset now.
    pub fn drop_after_orders(&self, count: u32) {
        self.switch(true, Fault::DropAfterOrders { orders: count, applied: None });
    }

    /// Orders reach the broker; their frames are withheld until this is switched off, and lost
    /// when the connection ends before.
    pub fn hold_acks(&self, on: bool) {
        self.switch(on, Fault::HoldReports {});
    }

    /// Orders are accepted and work, and none fills until this is switched off.
    pub fn hold_fills(&self, on: bool) {
        self.switch(on, Fault::HoldFills {});
    }

    /// Orders fill whole, whatever size the quote displays, until this is switched off.
    pub fn fill_whole(&self, on: bool) {
        self.switch(on, Fault::FillWhole {});
    }

    /// Fixes the quote of a contract, by its local symbol (`SPY`, `EUR.USD`), until the simulator
    /// ends. Working orders that it reaches fill at once.
    ///
    /// # Errors
    ///
    /// When the universe has no such contract, or the prices are not `0 < bid <= ask`.
    pub fn set_price(&self, symbol: &str, bid: Decimal, ask: Decimal) -> Result<(), SimError> {
        if !is_quote(bid, ask) {
            return Err(SimError::BadQuote { symbol: symbol.to_owned(), bid, ask });
        }
        self.shared.with(|world| market::set_price(world, symbol, bid, ask))
    }

    /// Fills an open order by hand, whatever the market says: `quantity` of it or the rest, at
    /// `price`, or else at its limit or the middle of the quote.
    ///
    /// # Errors
    ///
    /// When there is no such open order, or an amount is not positive.
    pub fn fill(
        &self,
        perm_id: i64,
        price: Option<Decimal>,
        quantity: Option<Decimal>,
    ) -> Result<(), SimError> {
        self.shared.with(|world| fill(world, perm_id, price, quantity))
    }

    /// Orders and cancels are refused as by a gateway set to read-only.
    pub fn read_only(&self, on: bool) {
        self.switch(on, Fault::ReadOnly { strict: false });
    }

    /// With `false` the account is as in its nightly reset: `AccountReady` is false and every
    /// amount zero. Subscribers hear of the change.
    pub fn account_ready(&self, ready: bool) {
        self.switch(!ready, Fault::AccountNotReady {});
    }
}

/// Fills an open order by hand.
///
/// # Errors
///
/// When there is no such open order, or an amount is not positive.
pub fn fill(
    world: &mut World,
    perm_id: i64,
    price: Option<Decimal>,
    quantity: Option<Decimal>,
) -> Result<(), SimError> {
    if [price, quantity].iter().flatten().any(|amount| *amount <= Decimal::ZERO) {
        return Err(SimError::Faults(vec!["expected amounts above 0".to_owned()]));
    }
    let price = price.or_else(|| orders::fill_price(world, perm_id));
    let open = world.broker.order(perm_id).is_some_and(|order| order.state.is_open());
    let Some(price) = price.filter(|_| open) else {
        return Err(SimError::Faults(vec![format!("no open order has permId {perm_id}")]));
    };
    let events = world.trade(|broker, rules| broker.fill_by_hand(perm_id, price, quantity, rules));
    super::reports::report(world, &events);
    Ok(())
}

/// Adds a rule to a world and lets it begin.
///
/// # Errors
///
/// When the rule makes no sense, or too many stand already.
pub fn arm(world: &mut World, rule: Rule) -> Result<u64, SimError> {
    let mut problems = rule.problems();
    if let Fault::PinPrice { symbol, .. } = &rule.fault {
        let known =
            world.market.universe().named(symbol).any(|known| known.local_symbol() == *symbol);
        if !known {
            problems.push(format!("the universe lists no contract with local symbol {symbol}"));
        }
    }
    if !problems.is_empty() {
        return Err(SimError::Faults(problems));
    }
    let now = world.now;
    let full = || SimError::Faults(vec![format!("more than {RULES_MAX} faults stand")]);
    let id = world.faults.engine.arm(rule, now).ok_or_else(full)?;
    work::settle(world);
    Ok(id)
}
