//! The values that parameters of faults can have.

use std::fmt;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{self, IntoDeserializer};
use serde::{Deserialize, Deserializer, Serialize};

use crate::sim::messages::request;

/// More parts than this in one parameter is a typing error.
const MANY_MAX: usize = 100;

/// Bytes read of a connection.
pub type Bytes = u64;

macro_rules! words {
    ($($(#[$about:meta])* $name:ident { $($(#[$note:meta])* $word:ident,)* })*) => {
        $($(#[$about])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum $name { $($(#[$note])* $word,)* })*
    };
}

words! {
    /// Where a handshake falls silent.
    Silence {
        /// After the client's hello.
        #[default]
        Hello,
        /// After the server's version.
        Version,
    }
    /// Which connections a fault is about.
    Lateness {
        /// All, new ones too.
        #[default]
        All,
        /// Those that are open when it begins.
        Open,
    }
    /// How connections end.
    How {
        /// After what was written, with an orderly close.
        #[default]
        Orderly,
        /// With a reset.
        Hard,
    }
    /// What becomes of the gateway's settings.
    SettingsFate {
        #[default]
        Kept,
        Wiped,
        RolledBack,
    }
    /// Which notice follows a lost link.
    Restored {
        /// 1102: subscriptions go on.
        #[default]
        DataKept,
        /// 1101: subscriptions are dead.
        DataLost,
        /// None.
        Unannounced,
    }
    /// What becomes of orders and cancels while the link is down.
    Queue {
        /// Read by the gateway and gone.
        #[default]
        Dropped,
        /// Sent when the link is back.
        Queued,
        /// They reach IB after all.
        Applied,
    }
    /// What becomes of reports while the link is down.
    Placement {
        /// Sent when the link is back.
        #[default]
        Queued,
        Lost,
        /// They come through.
        Delivered,
    }
    /// Whether a request is answered.
    Conduct {
        #[default]
        Unanswered,
        Answered,
    }
    /// Where an order is lost.
    Place {
        /// Before the gateway read it: it and its id are as if never sent.
        #[default]
        Unread,
        /// In the buffer: it and all that its connection sends after it are never read.
        Buffer,
        /// In the gateway: its id is used, IB never sees it.
        Gateway,
        /// On the way back: IB works it, and its first reports are lost.
        Report,
    }
    /// When an error comes.
    Moment {
        Before,
        After,
        #[default]
        Instead,
    }
    /// Which orders a fault is about.
    On {
        #[default]
        Any,
        /// Under an id that has no open order.
        New,
        /// Under the id of an open order.
        Modify,
    }
    /// A kind of frame about orders.
    FrameKind {
        #[default]
        OrderStatus,
        OpenOrder,
        Execution,
        Commission,
        Error,
    }
    /// A price that is none.
    Nonsense {
        #[default]
        MinusOne,
        Zero,
        NotANumber,
    }
    /// Another order of frames.
    Shuffle {
        #[default]
        Reversed,
        /// As the seed decides.
        Random,
    }
    /// What follows the last row of a list that is cut short.
    Ending {
        #[default]
        End,
        Silence,
        /// The connection ends.
        Close,
    }
    /// A list with rows and an end.
    List {
        #[default]
        OpenOrders,
        CompletedOrders,
        Executions,
        Positions,
        PositionsMulti,
        AccountSummary,
        AccountUpdates,
        AccountUpdatesMulti,
        Contracts,
        TickSnapshot,
    }
    /// A family of requests.
    RequestKind {
        #[default]
        Orders,
        Cancels,
        OpenOrders,
        CompletedOrders,
        Executions,
        Positions,
        Account,
        Contracts,
        MarketData,
        History,
        Ids,
        Time,
    }
}

impl List {
    /// The requests that ask for it.
    pub fn asked_by(self, id: i32) -> bool {
        match self {
            Self::OpenOrders => matches!(
                id,
                request::OPEN_ORDERS | request::ALL_OPEN_ORDERS | request::AUTO_OPEN_ORDERS
            ),
            Self::CompletedOrders => id == request::COMPLETED_ORDERS,
            Self::Executions => id == request::EXECUTIONS,
            Self::Positions => id == request::POSITIONS,
            Self::PositionsMulti => id == request::POSITIONS_MULTI,
            Self::AccountSummary => id == request::ACCOUNT_SUMMARY,
            Self::AccountUpdates => id == request::ACCOUNT_DATA,
            Self::AccountUpdatesMulti => id == request::ACCOUNT_UPDATES_MULTI,
            Self::Contracts => id == request::CONTRACT_DATA,
            Self::TickSnapshot => id == request::MARKET_DATA,
        }
    }

    /// The message that ends it.
    pub fn end(self) -> i32 {
        match self {
            Self::OpenOrders => 53,
            Self::CompletedOrders => 102,
            Self::Executions => 55,
            Self::Positions => 62,
            Self::PositionsMulti => 72,
            Self::AccountSummary => 64,
            Self::AccountUpdates => 54,
            Self::AccountUpdatesMulti => 74,
            Self::Contracts => 52,
            Self::TickSnapshot => 57,
        }
    }
}

impl RequestKind {
    /// The family of a request; `None` for what only sets something.
    pub fn of(id: i32) -> Option<Self> {
        Some(match id {
            request::PLACE_ORDER => Self::Orders,
            request::CANCEL_ORDER | request::GLOBAL_CANCEL => Self::Cancels,
            request::OPEN_ORDERS | request::ALL_OPEN_ORDERS | request::AUTO_OPEN_ORDERS => {
                Self::OpenOrders
            }
            request::COMPLETED_ORDERS => Self::CompletedOrders,
            request::EXECUTIONS => Self::Executions,
            request::POSITIONS | request::POSITIONS_MULTI => Self::Positions,
            request::ACCOUNT_DATA
            | request::ACCOUNT_SUMMARY
            | request::ACCOUNT_UPDATES_MULTI
            | request::PNL
            | request::PNL_SINGLE => Self::Account,
            request::CONTRACT_DATA | request::MATCHING_SYMBOLS | request::MARKET_RULE => {
                Self::Contracts
            }
            request::MARKET_DATA => Self::MarketData,
            request::HISTORICAL_DATA | request::HEAD_TIMESTAMP => Self::History,
            request::IDS => Self::Ids,
            request::CURRENT_TIME | request::CURRENT_TIME_IN_MILLIS => Self::Time,
            _ => return None,
        })
    }

    /// Whether the gateway answers it without IB's servers.
    pub fn is_local(self) -> bool {
        matches!(self, Self::Ids | Self::Time)
    }
}

/// Reads one value or a list of them.
///
/// # Errors
///
/// When a part is not of its type, or there are too many.
pub fn many<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let list = deserializer.deserialize_any(Many(std::marker::PhantomData))?;
    if list.len() > MANY_MAX {
        return Err(de::Error::custom(format!("more than {MANY_MAX} values")));
    }
    Ok(list)
}

struct Many<T>(std::marker::PhantomData<T>);

impl<'de, T: Deserialize<'de>> de::Visitor<'de> for Many<T> {
    type Value = Vec<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value or a list of values")
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Vec<T>, E> {
        T::deserialize(value.into_deserializer()).map(|value| vec![value])
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Vec<T>, E> {
        T::deserialize(value.into_deserializer()).map(|value| vec![value])
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Vec<T>, E> {
        T::deserialize(value.into_deserializer()).map(|value| vec![value])
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Vec<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(|value| vec![value])
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, list: A) -> Result<Vec<T>, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(list))
    }
}

/// Decimals as texts or numbers.
pub mod amount {
    use rust_decimal::Decimal;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Whole(i64),
        Number(f64),
        Text(String),
    }

    fn read<E: de::Error>(written: &Written) -> Result<Decimal, E> {
        let text = match written {
            Written::Whole(number) => number.to_string(),
            Written::Number(number) => number.to_string(),
            Written::Text(text) => text.clone(),
        };
        let problem = |error| E::custom(format!("`{text}` is not a decimal number: {error}"));
        text.parse().map_err(problem)
    }

    /// # Errors
    ///
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(amount: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
        Serialize::serialize(amount, serializer)
    }

    /// # Errors
    ///
    /// When it is no decimal number.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
        read(&Written::deserialize(deserializer)?)
    }

    /// The same where it may be absent.
    pub mod maybe {
        use super::{Decimal, Deserialize, Deserializer, Serialize, Serializer, Written, read};

        /// # Errors
        ///
        /// Those of the serializer.
        pub fn serialize<S: Serializer>(
            amount: &Option<Decimal>,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            amount.serialize(serializer)
        }

        /// # Errors
        ///
        /// When it is there and no decimal number.
        pub fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<Decimal>, D::Error> {
            Option::<Written>::deserialize(deserializer)?.as_ref().map(read).transpose()
        }
    }
}
