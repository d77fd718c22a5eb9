//! The vocabulary: every fault by name, with its parameters.
//!
//! One model for the command line, the scenario file and the control API, so the names below are
//! what a person writes: `lose-order`, `place = "gateway"`. Durations are texts such as `500ms` or
//! `2m`, in the time of the simulated clock.

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::parameters::{
    Bytes, Conduct, Ending, FrameKind, How, Lateness, List, Moment, Nonsense, On, Place, Placement,
    Queue, RequestKind, Restored, SettingsFate, Shuffle, Silence, amount, many,
};

/// What goes wrong. The doc of each says exactly what is then different.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "fault",
    rename_all = "kebab-case",
    rename_all_fields = "kebab-case",
    deny_unknown_fields
)]
pub enum Fault {
    // The connection.
    /// Resets every new connection as soon as it is accepted. The port stays bound.
    RefuseConnections {},
    /// New connections are accepted, read, and never answered; with `from = "version"` the
    /// server's version line still goes out.
    MuteHandshake {
        #[serde(default)]
        from: Silence,
    },
    /// New connections are reset once `bytes` bytes were read from them; the rest is never read.
    ResetAfterBytes { bytes: Bytes },
    /// A connection ends in order after `frames` frames to its client, counted from the start of
    /// its session.
    EndAfterFrames { frames: u32 },
    /// Everything after the start of a session is written one byte at a time.
    Dribble {},
    /// After `frames` whole frames, half of the next one is written and the connection ends.
    CutFrame { frames: u32 },
    /// Requests stay unread while this lasts, and are worked in order when it ends, even if their
    /// connection is gone by then. With `connections = "open"` only for the connections that were
    /// open when it began.
    Freeze {
        #[serde(default)]
        connections: Lateness,
    },
    /// Closes every connection, once.
    DropConnections {
        #[serde(default)]
        how: How,
    },
    /// Handshake and start go well; every later request is swallowed.
    Mute {},
    /// Works `orders` more orders, tells nobody of orders and fills meanwhile, then resets the
    /// connection that sent the last of them. Of these only the first `applied` reach the broker.
    DropAfterOrders {
        orders: u32,
        #[serde(default)]
        applied: Option<u32>,
    },

    // The start of a session.
    /// `frames` farm notices come before the accounts and the next order id.
    NoticesFirst { frames: u32 },
    /// The start tells the accounts and no next order id.
    NoNextValidId {},
    /// The start, and every later request for ids, tells this next order id.
    NextValidId { id: i32 },
    /// The start, and every later request for accounts, tells these.
    AccountList {
        #[serde(deserialize_with = "many")]
        accounts: Vec<String>,
    },
    /// New clients get 326, whatever their client id, and are closed.
    ClientIdInUse {},
    /// A client id stays occupied for so long after its connection ended.
    KeepClientId { hold: SignedDuration },
    /// No more than so many clients at once; the next is reset.
    Seats { clients: usize },
    /// The handshake answers with this version of the protocol.
    ServerVersion { version: i32 },

    // The gateway and what it remembers.
    /// The gateway ends and comes back: connections close, new ones are refused for `refuse`, and
    /// its settings are kept, wiped (next id 1, known orders forgotten) or rolled back by `back`
    /// ids. The broker does not notice.
    Restart {
        #[serde(default)]
        settings: SettingsFate,
        #[serde(default)]
        back: i32,
        #[serde(default)]
        refuse: SignedDuration,
        #[serde(default)]
        how: How,
    },
    /// Forgets the highest `by` order ids of every client: they are issued once more.
    RollBackIds { by: i32 },
    /// Forgets which order each id belongs to; the next id stays. A cancel of such an order gets
    /// 10147, a change of it 103.
    ForgetIds {},
    /// Orders, cancels and, when `strict`, requests for ids and for open and completed orders get
    /// 321. When `strict` all of it comes under id -1 and the lists never end, as from a gateway
    /// whose API is set to read-only.
    ReadOnly {
        #[serde(default)]
        strict: bool,
    },
    /// The next order opens a dialog on the gateway's screen: it is held with no frame, and orders
    /// behind it are swallowed. After `click` the held one is worked; without it, never.
    Dialog {
        #[serde(default)]
        click: Option<SignedDuration>,
    },
    /// Orders of more than `size` get 383, of more than `value` (at the quote, in the currency of
    /// the contract) 451, and stay in the gateway.
    Precaution {
        #[serde(default, with = "amount::maybe")]
        size: Option<Decimal>,
        #[serde(default, with = "amount::maybe")]
        value: Option<Decimal>,
    },
    /// Times are written in this zone (a name of the IANA database), and with `spelled` instead of
    /// its name; an empty `spelled` writes none.
    TimeZone {
        zone: String,
        #[serde(default)]
        spelled: Option<String>,
    },
    /// Errors and notices come in this language where this simulator knows it: `de` or `zh`.
    Language { language: Language },

    // The gateway's link to IB.
    /// The link to IB is down: 1100 goes out unless `unannounced`, and what needs IB's servers
    /// is not answered unless `requests = "answered"`. At its end `restored` says which notice
    /// goes out; after 1101 the old subscriptions get no more ticks.
    LinkDown {
        #[serde(default)]
        restored: Restored,
        #[serde(default)]
        orders: Queue,
        #[serde(default)]
        reports: Placement,
        #[serde(default)]
        requests: Conduct,
        /// A modify meanwhile makes a second order under the same order id.
        #[serde(default)]
        second_perm_id: bool,
        #[serde(default)]
        unannounced: bool,
    },
    /// Tells every client 1100, 1101 or 1102, with nothing behind it.
    LinkNotice { code: i32 },

    // Orders on their way out.
    /// The order is lost at one of four places.
    LoseOrder { place: Place },
    /// Of every `of` orders `lost` are dropped without a frame; which ones, the seed decides.
    LoseSomeOrders { lost: u32, of: u32 },
    /// The order waits in the gateway.
    DelayOrder { by: SignedDuration },
    /// These errors about the order come before its reports, after the first of them, or instead
    /// of all of them. Instead means that the order goes no further, unless it is `live`.
    OrderErrors {
        #[serde(deserialize_with = "many")]
        codes: Vec<i32>,
        #[serde(default)]
        when: Moment,
        #[serde(default)]
        on: On,
        #[serde(default)]
        text: Option<String>,
        #[serde(default)]
        live: bool,
    },
    /// IB accepts the order and then cancels it by itself.
    CancelByBroker {},
    /// The order is held as Inactive, for the reason `why`, and works after `revive`; without it,
    /// never.
    HoldInactive {
        #[serde(default = "locate")]
        why: String,
        #[serde(default)]
        revive: Option<SignedDuration>,
    },
    /// A cancel is answered with this error, and carried out only when `applied`.
    CancelAnswer {
        code: i32,
        #[serde(default)]
        applied: bool,
    },
    /// A cancel is neither worked nor answered.
    SwallowCancel {},
    /// The order fills while its cancel is on the way: PendingCancel, then the fill, then 10148.
    FillOnCancel {},
    /// Orders are accepted and work, and none fills.
    HoldFills {},
    /// Orders fill whole, whatever size the quote displays.
    FillWhole {},

    // Reports on their way in.
    /// Frames of these kinds about the order are lost.
    DropReports {
        #[serde(default, deserialize_with = "many")]
        frames: Vec<FrameKind>,
    },
    /// Frames of these kinds come `copies` more times.
    DuplicateReports {
        #[serde(default, deserialize_with = "many")]
        frames: Vec<FrameKind>,
        #[serde(default = "one")]
        copies: u32,
    },
    /// All frames of one instant come in another order.
    ReorderReports {
        #[serde(default)]
        into: Shuffle,
    },
    /// Frames of these kinds come later.
    DelayReports {
        #[serde(default, deserialize_with = "many")]
        frames: Vec<FrameKind>,
        by: SignedDuration,
    },
    /// All frames about orders are withheld while this lasts, and lost if the connection ends.
    HoldReports {},
    /// The order reference of these frames (open orders, executions, completed orders) reads
    /// `instead`.
    BlankOrderRef {
        #[serde(default)]
        instead: String,
    },
    /// The permId is 0 in the first `frames` frames about an order.
    ZeroPermId {
        #[serde(default = "two")]
        frames: u32,
    },
    /// The order id in order statuses is this one.
    WrongOrderId { id: i32 },
    /// An execution is followed by its correction: the same id with a higher last part, and the
    /// price moved by `price-by`, the shares by `shares-by`. The books keep the first.
    CorrectExecution {
        #[serde(default, with = "amount")]
        price_by: Decimal,
        #[serde(default, with = "amount")]
        shares_by: Decimal,
    },
    /// An execution is reported again under `copies` other ids.
    PhantomExecution {
        #[serde(default = "one")]
        copies: u32,
    },
    /// Commissions, margins and profits read 1.7976931348623157E308, IB's word for unset.
    SentinelValues {},
    /// Order statuses and open orders say this word.
    StatusWord { word: String },
    /// The commission comes before its execution.
    CommissionFirst {},
    /// An order that ended unfilled says 0 filled and 0 remaining in its last status.
    EmptyLastStatus {},
    /// The answer to a what-if begins with an open order without margins.
    WhatIfUnsetFirst {},

    // Lists.
    /// The list's end marker is not sent.
    WithholdEnd { list: List },
    /// The list has its end marker and no row.
    EndWithoutRows { list: List },
    /// The list stops after `rows` rows: with its end, without, or with the connection.
    TruncateList {
        list: List,
        rows: u32,
        #[serde(default)]
        then: Ending,
    },
    /// The end marker comes later than the rows.
    LateEnd { list: List, by: SignedDuration },
    /// The first of two lists of orders that a client asked for waits for the second; their rows
    /// come mixed, the second one's end first.
    InterleaveLists {},
    /// Completed orders carry no order id, as from a gateway that has forgotten it.
    UnsetCompletedIds {},
    /// Executions of earlier days are in no list, whatever the filter; with `younger-than` the
    /// latest are missing too.
    HideExecutions {
        #[serde(default)]
        younger_than: Option<SignedDuration>,
    },

    // Account.
    /// The account is as in its nightly reset: `AccountReady` is false and every amount zero.
    AccountNotReady {},
    /// Positions and account values are those of so long ago.
    LagPositions { by: SignedDuration },
    /// Account values come in another order each time.
    ShuffleAccountRows {},
    /// These account values are not sent.
    MissingTags {
        #[serde(deserialize_with = "many")]
        tags: Vec<String>,
    },

    // Market data.
    /// The quote of a contract, by its local symbol, is this one until the simulator ends.
    PinPrice {
        symbol: String,
        #[serde(with = "amount")]
        bid: Decimal,
        #[serde(with = "amount")]
        ask: Decimal,
    },
    /// Prices in ticks are `minus-one`, `zero` or `not-a-number`, their sizes 0.
    TickValues { value: Nonsense },
    /// No ticks, although all farms are well.
    NoTicks {},
    /// Another session has the market data: 10197 on every stream, and on new ones.
    CompetingSession {},
    /// Farm notices say broken and well in turn. Give `every`.
    FarmFlap {},
    /// Every client's market data type is live again.
    ResetDataType {},

    // Any request.
    /// Requests of these kinds are swallowed.
    SwallowRequests {
        #[serde(deserialize_with = "many")]
        requests: Vec<RequestKind>,
    },
    /// Requests of these kinds are answered with an error under their request id.
    RefuseRequests {
        #[serde(deserialize_with = "many")]
        requests: Vec<RequestKind>,
        code: i32,
        #[serde(default)]
        text: Option<String>,
    },

    // The clock.
    /// The simulated clock jumps to this instant.
    SetClock { to: Timestamp },
    /// The simulated clock jumps ahead.
    AdvanceClock { by: SignedDuration },
}

/// Languages of the gateway's texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Language {
    /// German.
    De,
    /// Chinese.
    Zh,
}

fn one() -> u32 {
    1
}

fn two() -> u32 {
    2
}

fn locate() -> String {
    "locate".to_owned()
}

impl Fault {
    /// Whether it happens in one instant, rather than lasting.
    pub fn is_act(&self) -> bool {
        matches!(
            self,
            Self::DropConnections { .. }
                | Self::RollBackIds { .. }
                | Self::ForgetIds {}
                | Self::LinkNotice { .. }
                | Self::PinPrice { .. }
                | Self::FarmFlap {}
                | Self::ResetDataType {}
                | Self::SetClock { .. }
                | Self::AdvanceClock { .. }
        )
    }

    /// Whether it acts when it begins, so that chance and count apply to beginnings, not to the
    /// frames that it touches.
    pub fn acts_at_start(&self) -> bool {
        self.is_act() || matches!(self, Self::Restart { .. } | Self::LinkDown { .. })
    }
}
