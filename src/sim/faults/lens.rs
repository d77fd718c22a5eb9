//! What a client sees of each frame: the last hand on it before it is written.

use std::any::Any;
use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::engine::{Engine, Subject};
use super::fault::Fault;
use super::parameters::{Ending, List, Nonsense};
use crate::sim::messages::{
    AccountSummary, AccountUpdateMulti, AccountValue, Answer, CommissionAndFeesReport,
    CompletedOrder, ExecutionDetails, OpenOrder, OrderState, OrderStatus, PnL, PnLSingle,
    PortfolioValue, TickGeneric, TickPrice, TickSize, TickString,
};
use crate::sim::wire;

/// IB's word for an unset double.
const UNSET: f64 = f64::MAX;

/// Orders whose frames are counted for one client.
const COUNTED_MAX: usize = 10_000;

/// Message ids of ticks, and of account values.
const TICKS: [i32; 4] = [TickPrice::ID, TickSize::ID, TickGeneric::ID, TickString::ID];
const ACCOUNT_ROWS: [i32; 3] = [AccountValue::ID, AccountSummary::ID, AccountUpdateMulti::ID];

/// One client's view.
#[derive(Debug, Default)]
pub struct Lens {
    engine: Option<Engine>,
    client_id: i32,
    /// The request that is being answered; 0 for what comes unasked.
    answering: i32,
    /// Rows of that answer so far.
    rows: u32,
    /// Nothing more is written.
    cut: bool,
    /// Frames without a permId so far, by order id.
    zeroed: BTreeMap<i32, u32>,
    /// The order that frames without a reference are about.
    subject: Option<(i32, String)>,
    /// Frames written since the start.
    frames: u32,
    late: Vec<(SignedDuration, Vec<u8>)>,
}

/// What becomes of one frame.
#[derive(Debug)]
pub struct Seen<M> {
    pub messages: Vec<M>,
    /// Nothing now: the frame comes so much later.
    pub late: Option<SignedDuration>,
    /// The connection ends here.
    pub cut: bool,
}

impl<M> Seen<M> {
    fn nothing() -> Self {
        Self { messages: Vec::new(), late: None, cut: false }
    }
}

impl Lens {
    pub fn new(engine: &Engine, client_id: i32) -> Self {
        Self { engine: Some(engine.clone()), client_id, ..Self::default() }
    }

    /// Whether no fault stands in the way of anything.
    pub fn is_clear(&self) -> bool {
        !self.cut && self.engine.as_ref().is_none_or(Engine::is_idle)
    }

    /// What follows answers this request.
    pub fn answer(&mut self, request: i32) {
        (self.answering, self.rows) = (request, 0);
    }

    /// What follows is about this order.
    pub fn about(&mut self, order_id: i32, order_ref: Option<&str>) {
        self.subject = Some((order_id, order_ref.unwrap_or_default().to_owned()));
    }

    /// Keeps a frame for later.
    pub fn put_off(&mut self, by: SignedDuration, bytes: Vec<u8>) {
        self.late.push((by, bytes));
    }

    pub fn take_late(&mut self) -> impl Iterator<Item = (SignedDuration, Vec<u8>)> {
        std::mem::take(&mut self.late).into_iter()
    }

    /// Looks at one frame.
    pub fn see<M: Answer>(&mut self, message: &M) -> Seen<M> {
        let Some(engine) = self.engine.clone() else {
            return Seen { messages: vec![message.clone()], late: None, cut: false };
        };
        if self.cut {
            return Seen::nothing();
        }
        if let Some(seen) = self.list::<M>(&engine) {
            return seen;
        }
        if TICKS.contains(&M::ID) && self.asks(&engine, |fault| *fault == Fault::NoTicks {}) {
            return Seen::nothing();
        }
        let mut changed = message.clone();
        let any: &mut dyn Any = &mut changed;
        if self.is_missing(&engine, any) {
            return Seen::nothing();
        }
        self.note_subject(any);
        self.edit_orders(&engine, any);
        edit_values(self.subject(), &engine, any);
        let mut messages = Vec::new();
        messages.extend(self.without_margins(&engine, any).and_then(downcast::<M>));
        messages.push(changed);
        Seen { messages, late: None, cut: false }
    }

    fn subject(&self) -> Subject<'_> {
        let order = self.subject.as_ref();
        Subject {
            client_id: Some(self.client_id),
            order_id: order.map(|(order_id, _)| *order_id),
            order_ref: order.map(|(_, order_ref)| order_ref.as_str()),
        }
    }

    fn asks(&self, engine: &Engine, strikes: impl Fn(&Fault) -> bool) -> bool {
        engine.ask(self.subject(), |fault| strikes(fault).then_some(())).is_some()
    }

    /// Rows and ends of lists that faults cut short.
    fn list<M: Answer>(&mut self, engine: &Engine) -> Option<Seen<M>> {
        let asked = self.answering;
        if asked == 0 {
            return None;
        }
        let ends = |list: &List| list.asked_by(asked) && list.end() == M::ID;
        let of = |list: &List| list.asked_by(asked);
        let rows = self.rows;
        let struck = engine.ask(Subject::client(self.client_id), |fault| match fault {
            Fault::WithholdEnd { list } => ends(list).then(Seen::nothing),
            Fault::EndWithoutRows { list } => {
                (of(list) && list.end() != M::ID && M::ID != 4).then(Seen::nothing)
            }
            Fault::LateEnd { list, by } => {
                ends(list).then(|| Seen { late: Some(*by), ..Seen::nothing() })
            }
            Fault::TruncateList { list, rows: most, then } if of(list) && rows >= *most => {
                match (then, ends(list)) {
                    (Ending::End, true) => None,
                    (Ending::Close, _) => Some(Seen { cut: true, ..Seen::nothing() }),
                    _ => Some(Seen::nothing()),
                }
            }
            _ => None,
        });
        self.rows = rows.saturating_add(1);
        self.cut |= struck.as_ref().is_some_and(|seen| seen.cut);
        struck
    }

    /// Account values that are left out.
    fn is_missing(&self, engine: &Engine, any: &dyn Any) -> bool {
        let key = if let Some(row) = any.downcast_ref::<AccountValue>() {
            row.key.as_deref()
        } else if let Some(row) = any.downcast_ref::<AccountSummary>() {
            row.tag.as_deref()
        } else if let Some(row) = any.downcast_ref::<AccountUpdateMulti>() {
            row.key.as_deref()
        } else {
            None
        };
        let Some(key) = key else { return false };
        self.asks(engine, |fault| match fault {
            Fault::MissingTags { tags } => tags.iter().any(|tag| tag == key),
            _ => false,
        })
    }

    /// Frames that name their order say whom the next ones are about.
    fn note_subject(&mut self, any: &dyn Any) {
        if let Some(frame) = any.downcast_ref::<OpenOrder>() {
            let order_ref = frame.order.as_ref().and_then(|order| order.order_ref.as_deref());
            self.about(frame.order_id.unwrap_or_default(), order_ref);
        } else if let Some(frame) = any.downcast_ref::<ExecutionDetails>()
            && let Some(execution) = &frame.execution
        {
            let order_ref = execution.order_ref.clone();
            self.about(execution.order_id.unwrap_or_default(), order_ref.as_deref());
        }
    }

    fn edit_orders(&mut self, engine: &Engine, any: &mut dyn Any) {
        let zero = self.without_perm_id(engine, any);
        if let Some(frame) = any.downcast_mut::<OpenOrder>() {
            let (order, state) = (frame.order.as_mut(), frame.order_state.as_mut());
            if let (Some(order), Some(state)) = (order, state) {
                let key = (order.client_id.unwrap_or_default(), frame.order_id.unwrap_or_default());
                let status = state.status.as_deref().unwrap_or_default();
                if masked(engine, key, status).is_some() {
                    state.status = Some("Inactive".to_owned());
                    order.transmit = Some(true);
                }
                state.status = self.word(engine).or_else(|| state.status.take());
                order.order_ref = self.reference(engine).or_else(|| order.order_ref.take());
                order.perm_id = if zero { Some(0) } else { order.perm_id };
            }
        } else if let Some(frame) = any.downcast_mut::<OrderStatus>() {
            let key = (frame.client_id.unwrap_or_default(), frame.order_id.unwrap_or_default());
            let status = frame.status.as_deref().unwrap_or_default();
            if let Some(why) = masked(engine, key, status) {
                frame.status = Some("Inactive".to_owned());
                frame.why_held = Some(why);
            }
            frame.status = self.word(engine).or_else(|| frame.status.take());
            frame.perm_id = if zero { Some(0) } else { frame.perm_id };
            let wrong = engine.ask(self.subject(), |fault| match fault {
                Fault::WrongOrderId { id } => Some(*id),
                _ => None,
            });
            frame.order_id = wrong.or(frame.order_id);
        } else if let Some(frame) = any.downcast_mut::<ExecutionDetails>() {
            if let Some(execution) = &mut frame.execution {
                execution.order_ref = self.reference(engine).or_else(|| execution.order_ref.take());
                execution.perm_id = if zero { Some(0) } else { execution.perm_id };
            }
        } else if let Some(frame) = any.downcast_mut::<CompletedOrder>()
            && let Some(order) = &mut frame.order
        {
            order.order_ref = self.reference(engine).or_else(|| order.order_ref.take());
            if self.asks(engine, |fault| *fault == Fault::UnsetCompletedIds {}) {
                order.order_id = None;
            }
        }
    }

    /// Whether this is one of the first frames about its order, which have no permId.
    fn without_perm_id(&mut self, engine: &Engine, any: &dyn Any) -> bool {
        let about_order =
            any.is::<OpenOrder>() || any.is::<OrderStatus>() || any.is::<ExecutionDetails>();
        let Some((order_id, _)) = self.subject.as_ref().filter(|_| about_order) else {
            return false;
        };
        let order_id = *order_id;
        let before = self.zeroed.get(&order_id).copied().unwrap_or_default();
        let zero = self.asks(engine, |fault| match fault {
            Fault::ZeroPermId { frames } => before < *frames,
            _ => false,
        });
        if zero && self.zeroed.len() < COUNTED_MAX {
            self.zeroed.insert(order_id, before.saturating_add(1));
        }
        zero
    }

    fn word(&self, engine: &Engine) -> Option<String> {
        engine.ask(self.subject(), |fault| match fault {
            Fault::StatusWord { word } => Some(word.clone()),
            _ => None,
        })
    }

    fn reference(&self, engine: &Engine) -> Option<String> {
        engine.ask(self.subject(), |fault| match fault {
            Fault::BlankOrderRef { instead } => Some(instead.clone()),
            _ => None,
        })
    }

    /// The open order that comes before the answer to a what-if.
    fn without_margins(&self, engine: &Engine, any: &dyn Any) -> Option<Box<dyn Any>> {
        let frame = any.downcast_ref::<OpenOrder>()?;
        let what_if = frame.order.as_ref().is_some_and(|order| order.what_if == Some(true));
        let strikes = |fault: &Fault| *fault == Fault::WhatIfUnsetFirst {};
        if !what_if || !self.asks(engine, strikes) {
            return None;
        }
        let status = frame.order_state.as_ref().and_then(|state| state.status.clone());
        let order_state = Some(OrderState { status, ..OrderState::default() });
        Some(Box::new(OpenOrder { order_state, ..frame.clone() }))
    }

    /// The bytes of one instant as they go out, and whether the connection ends after them.
    pub fn shape(&mut self, burst: Vec<u8>) -> (Vec<u8>, bool) {
        let Some(engine) = self.engine.clone() else { return (burst, false) };
        let burst = if self.asks(&engine, |fault| *fault == Fault::ShuffleAccountRows {}) {
            shuffled(&engine, &burst)
        } else {
            burst
        };
        let end = engine.look(Subject::client(self.client_id), |armed| match armed.rule.fault {
            Fault::EndAfterFrames { frames } => Some((frames, false)),
            Fault::CutFrame { frames } => Some((frames, true)),
            _ => None,
        });
        let mut bytes = Vec::with_capacity(burst.len());
        for frame in wire::frames(&burst) {
            let Some((frames, half)) = end.filter(|(frames, _)| self.frames >= *frames) else {
                self.frames = self.frames.saturating_add(1);
                bytes.extend_from_slice(frame);
                continue;
            };
            let cut = if half { &frame[..frame.len().div_ceil(2)] } else { &[] };
            tracing::debug!(frames, "a fault ends a connection");
            bytes.extend_from_slice(cut);
            self.cut = true;
            return (bytes, true);
        }
        (bytes, end.is_some_and(|(frames, half)| !half && self.frames >= frames))
    }

    /// Whether bytes go out one at a time.
    pub fn dribbles(&self) -> bool {
        let dribbles = |fault: &Fault| matches!(fault, Fault::Dribble {});
        self.engine.as_ref().is_some_and(|engine| self.asks(engine, dribbles))
    }
}

fn downcast<M: 'static>(any: Box<dyn Any>) -> Option<M> {
    any.downcast::<M>().ok().map(|message| *message)
}

/// Runs of account values in a random order.
fn shuffled(engine: &Engine, burst: &[u8]) -> Vec<u8> {
    let frames: Vec<&[u8]> = wire::frames(burst).collect();
    let is_row = |frame: &&[u8]| wire::frame_id(frame).is_some_and(|id| ACCOUNT_ROWS.contains(&id));
    let mut rows: Vec<&[u8]> = frames.iter().copied().filter(|frame| is_row(frame)).collect();
    for end in (2..=rows.len()).rev() {
        rows.swap(end - 1, engine.draw(end));
    }
    let mut rows = rows.into_iter();
    let mut bytes = Vec::with_capacity(burst.len());
    for frame in frames {
        let frame = if is_row(&frame) { rows.next().unwrap_or(frame) } else { frame };
        bytes.extend_from_slice(frame);
    }
    bytes
}

/// Sentinels and prices that are none.
fn edit_values(subject: Subject<'_>, engine: &Engine, any: &mut dyn Any) {
    let unset = |engine: &Engine| {
        let strikes = |fault: &Fault| matches!(fault, Fault::SentinelValues {}).then_some(());
        engine.ask(subject, strikes).is_some()
    };
    if let Some(frame) = any.downcast_mut::<CommissionAndFeesReport>() {
        if unset(engine) {
            (frame.commission_and_fees, frame.realized_pnl) = (Some(UNSET), Some(UNSET));
        }
    } else if let Some(frame) = any.downcast_mut::<OpenOrder>() {
        if let Some(state) = frame.order_state.as_mut().filter(|_| unset(engine)) {
            state.init_margin_before = Some(UNSET);
            state.init_margin_change = Some(UNSET);
            state.init_margin_after = Some(UNSET);
            state.maint_margin_before = Some(UNSET);
            state.maint_margin_change = Some(UNSET);
            state.maint_margin_after = Some(UNSET);
            state.commission_and_fees = Some(UNSET);
        }
    } else if let Some(frame) = any.downcast_mut::<PortfolioValue>() {
        if unset(engine) {
            (frame.unrealized_pnl, frame.realized_pnl) = (Some(UNSET), Some(UNSET));
        }
    } else if let Some(frame) = any.downcast_mut::<PnL>() {
        if unset(engine) {
            frame.daily_pnl = Some(UNSET);
            (frame.unrealized_pnl, frame.realized_pnl) = (Some(UNSET), Some(UNSET));
        }
    } else if let Some(frame) = any.downcast_mut::<PnLSingle>() {
        if unset(engine) {
            frame.daily_pnl = Some(UNSET);
            (frame.unrealized_pnl, frame.realized_pnl) = (Some(UNSET), Some(UNSET));
        }
    } else {
        edit_ticks(subject, engine, any);
    }
}

fn edit_ticks(subject: Subject<'_>, engine: &Engine, any: &mut dyn Any) {
    if !(any.is::<TickPrice>() || any.is::<TickSize>()) {
        return;
    }
    let value = engine.ask(subject, |fault| match fault {
        Fault::TickValues { value } => Some(*value),
        _ => None,
    });
    let Some(value) = value else { return };
    let price = match value {
        Nonsense::MinusOne => -1.0,
        Nonsense::Zero => 0.0,
        Nonsense::NotANumber => f64::NAN,
    };
    if let Some(frame) = any.downcast_mut::<TickPrice>() {
        (frame.price, frame.size) = (Some(price), Some("0".to_owned()));
    } else if let Some(frame) = any.downcast_mut::<TickSize>() {
        frame.size = Some("0".to_owned());
    }
}
/// Why an order is called inactive in a frame of this status. One that has ended is not, and is
/// forgotten.
fn masked(engine: &Engine, key: (i32, i32), status: &str) -> Option<String> {
    let why = engine.inactive(key)?;
    if matches!(status, "Filled" | "Cancelled" | "ApiCancelled") {
        engine.revive(key);
        return None;
    }
    Some(why)
}
