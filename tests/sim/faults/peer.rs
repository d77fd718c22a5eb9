//! A client that sees every frame as it is: `ibapi` hides some, retries, and gives up on others.

use std::collections::BTreeMap;

use prost::Message;
use rungate::sim::{Simulator, parse_fault};

use super::super::DEADLINE;
use super::super::robustness::Raw;

/// Message ids, as IB numbers them.
pub const STATUS: i32 = 3;
pub const ERROR: i32 = 4;
pub const OPEN_ORDER: i32 = 5;
pub const EXECUTION: i32 = 11;
pub const COMMISSION: i32 = 59;

/// Requests.
pub const OPEN_ORDERS: i32 = 5;
pub const EXECUTIONS: i32 = 7;
pub const IDS: i32 = 8;
pub const ALL_OPEN_ORDERS: i32 = 16;
pub const TIME: i32 = 49;
pub const POSITIONS: i32 = 61;
pub const SUMMARY: i32 = 62;
pub const COMPLETED_ORDERS: i32 = 99;

/// SPY.
const CON_ID: i32 = 756_733;

/// One value on the wire.
#[derive(Clone, Debug, PartialEq)]
pub enum Field {
    Number(i64),
    Double(f64),
    Bytes(Vec<u8>),
}

/// A message: its id and its fields by number.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    pub id: i32,
    fields: BTreeMap<u32, Field>,
}

impl Seen {
    pub fn read(frame: &[u8]) -> Self {
        let (id, payload) = frame.split_first_chunk::<4>().expect("a frame has an id");
        Self { id: i32::from_be_bytes(*id) - 200, fields: fields(payload) }
    }

    pub fn number(&self, field: u32) -> i64 {
        match self.fields.get(&field) {
            Some(Field::Number(number)) => *number,
            other => panic!("field {field} of {self:?} is {other:?}"),
        }
    }

    pub fn double(&self, field: u32) -> f64 {
        match self.fields.get(&field) {
            Some(Field::Double(number)) => *number,
            other => panic!("field {field} of {self:?} is {other:?}"),
        }
    }

    /// Empty if absent.
    pub fn text(&self, field: u32) -> String {
        match self.fields.get(&field) {
            Some(Field::Bytes(bytes)) => String::from_utf8(bytes.clone()).unwrap(),
            None => String::new(),
            other => panic!("field {field} of {self:?} is {other:?}"),
        }
    }

    pub fn inner(&self, field: u32) -> Self {
        match self.fields.get(&field) {
            Some(Field::Bytes(bytes)) => Self { id: self.id, fields: fields(bytes) },
            other => panic!("field {field} of {self:?} is {other:?}"),
        }
    }

    pub fn has(&self, field: u32) -> bool {
        self.fields.contains_key(&field)
    }

    /// What an order frame says, in one line.
    pub fn line(&self) -> String {
        match self.id {
            STATUS => format!("status {} {}+{}", self.text(2), self.text(3), self.text(4)),
            ERROR => format!("error {}", self.number(3)),
            OPEN_ORDER => format!("open {}", self.inner(4).text(1)),
            EXECUTION => format!("execution {}", self.inner(3).text(7)),
            COMMISSION => "commission".to_owned(),
            id => format!("message {id}"),
        }
    }
}

/// Reads protobuf without knowing the message.
fn fields(mut bytes: &[u8]) -> BTreeMap<u32, Field> {
    let mut fields = BTreeMap::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let value = match key & 7 {
            0 => Field::Number(varint(&mut bytes).cast_signed()),
            1 => {
                let (double, rest) = bytes.split_first_chunk::<8>().unwrap();
                bytes = rest;
                Field::Double(f64::from_le_bytes(*double))
            }
            2 => {
                let length = usize::try_from(varint(&mut bytes)).unwrap();
                let (part, rest) = bytes.split_at(length);
                bytes = rest;
                Field::Bytes(part.to_vec())
            }
            other => panic!("wire type {other}"),
        };
        fields.insert(u32::try_from(key >> 3).unwrap(), value);
    }
    fields
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let (mut value, mut shift) = (0, 0);
    while let Some((byte, rest)) = bytes.split_first() {
        *bytes = rest;
        value |= u64::from(byte & 127) << shift;
        shift += 7;
        if byte & 128 == 0 {
            break;
        }
    }
    value
}

/// Asks for something, with a request id or without.
#[derive(Clone, PartialEq, Message)]
struct Asked {
    #[prost(int32, optional, tag = "1")]
    req_id: Option<i32>,
    #[prost(string, optional, tag = "2")]
    group: Option<String>,
    #[prost(string, optional, tag = "3")]
    tags: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
struct PlacedContract {
    #[prost(int32, optional, tag = "1")]
    con_id: Option<i32>,
    #[prost(string, optional, tag = "8")]
    exchange: Option<String>,
}

/// An order that a test places.
#[derive(Clone, PartialEq, Message)]
pub struct PlacedOrder {
    #[prost(string, optional, tag = "5")]
    pub action: Option<String>,
    #[prost(string, optional, tag = "6")]
    pub total_quantity: Option<String>,
    #[prost(string, optional, tag = "8")]
    pub order_type: Option<String>,
    #[prost(double, optional, tag = "9")]
    pub lmt_price: Option<f64>,
    #[prost(string, optional, tag = "11")]
    pub tif: Option<String>,
    #[prost(string, optional, tag = "28")]
    pub order_ref: Option<String>,
    #[prost(bool, optional, tag = "65")]
    pub what_if: Option<bool>,
    #[prost(bool, optional, tag = "66")]
    pub transmit: Option<bool>,
}

#[derive(Clone, PartialEq, Message)]
struct Placed {
    #[prost(int32, optional, tag = "1")]
    order_id: Option<i32>,
    #[prost(message, optional, tag = "2")]
    contract: Option<PlacedContract>,
    #[prost(message, optional, tag = "3")]
    order: Option<PlacedOrder>,
}

#[derive(Clone, PartialEq, Message)]
struct Quoted {
    #[prost(int32, optional, tag = "1")]
    req_id: Option<i32>,
    #[prost(message, optional, tag = "2")]
    contract: Option<PlacedContract>,
    #[prost(bool, optional, tag = "4")]
    snapshot: Option<bool>,
}

fn contract() -> Option<PlacedContract> {
    Some(PlacedContract { con_id: Some(CON_ID), exchange: Some("SMART".into()) })
}

fn order(order_type: &str, limit: Option<f64>) -> PlacedOrder {
    PlacedOrder {
        action: Some("BUY".into()),
        total_quantity: Some("10".into()),
        order_type: Some(order_type.into()),
        lmt_price: limit,
        tif: Some("DAY".into()),
        order_ref: Some("run-1.SPY".into()),
        what_if: None,
        transmit: Some(true),
    }
}

/// Ten shares of SPY at the market.
pub fn at_market() -> PlacedOrder {
    order("MKT", None)
}

/// Ten shares of SPY at a price that the pinned market does not reach.
pub fn resting() -> PlacedOrder {
    order("LMT", Some(500.0))
}

/// A started session.
pub struct Peer {
    raw: Raw,
    pub next_id: i64,
}

impl Peer {
    /// Past the farm notices of the start.
    pub async fn start(simulator: &Simulator, client_id: i32) -> Self {
        let raw = Raw::started(simulator, client_id).await;
        let mut peer = Self { next_id: raw.next_id, raw };
        peer.settled().await;
        peer
    }

    /// A session that may meet anything at its start: what came until it answers, or its end.
    pub async fn try_start(simulator: &Simulator, client_id: u8) -> (Self, Vec<Seen>) {
        let mut raw = Raw::connect(simulator).await;
        if raw.hello("v213..226").await.is_none() {
            return (Self { raw, next_id: 0 }, Vec::new());
        }
        raw.send(&[0, 0, 0, 6, 0, 0, 1, 15, 8, client_id]).await;
        let mut peer = Self { raw, next_id: 0 };
        let seen = peer.settled().await;
        (peer, seen)
    }

    pub async fn send(&mut self, id: i32, payload: &[u8]) {
        let length = u32::try_from(payload.len() + 4).unwrap();
        let mut bytes = length.to_be_bytes().to_vec();
        bytes.extend_from_slice(&(id + 200).to_be_bytes());
        bytes.extend_from_slice(payload);
        self.raw.send(&bytes).await;
    }

    /// A request without anything, or with an id.
    pub async fn ask(&mut self, id: i32, req_id: Option<i32>) {
        let asked = Asked { req_id, group: None, tags: None };
        self.send(id, &asked.encode_to_vec()).await;
    }

    pub async fn ask_summary(&mut self, tags: &str) {
        let asked =
            Asked { req_id: Some(9), group: Some("All".into()), tags: Some(tags.to_owned()) };
        self.send(SUMMARY, &asked.encode_to_vec()).await;
    }

    pub async fn place(&mut self, order_id: i32, order: PlacedOrder) {
        let placed = Placed { order_id: Some(order_id), contract: contract(), order: Some(order) };
        self.send(3, &placed.encode_to_vec()).await;
    }

    pub async fn cancel(&mut self, order_id: i32) {
        self.ask(4, Some(order_id)).await;
    }

    pub async fn quote(&mut self, req_id: i32, snapshot: bool) {
        let quoted =
            Quoted { req_id: Some(req_id), contract: contract(), snapshot: Some(snapshot) };
        self.send(1, &quoted.encode_to_vec()).await;
    }

    /// The next message; `None` at the end of the connection.
    pub async fn next(&mut self) -> Option<Seen> {
        self.raw.frame().await.as_deref().map(Seen::read)
    }

    /// Reads on until a message of this id.
    pub async fn until(&mut self, id: i32) -> Seen {
        self.until_line(|seen| seen.id == id).await
    }

    /// Reads on until a message is as wanted.
    pub async fn until_line(&mut self, wanted: impl Fn(&Seen) -> bool) -> Seen {
        tokio::time::timeout(DEADLINE, async {
            loop {
                let seen = self.next().await.expect("the connection goes on");
                if wanted(&seen) {
                    return seen;
                }
            }
        })
        .await
        .expect("it comes within the deadline")
    }

    /// Everything that came before the answer to a request for the time, and so everything that
    /// followed from what was sent before; or up to the end of the connection.
    pub async fn settled(&mut self) -> Vec<Seen> {
        self.ask(TIME, None).await;
        let mut seen = Vec::new();
        while let Some(message) = self.next().await {
            if message.id == TIME {
                break;
            }
            seen.push(message);
        }
        seen
    }

    /// The same as lines.
    pub async fn story(&mut self) -> Vec<String> {
        self.settled().await.iter().map(Seen::line).collect()
    }

    /// How the connection ends.
    pub async fn end(self) -> std::io::Result<usize> {
        self.raw.end().await
    }

    /// Closes and waits until the simulator has, too.
    pub async fn close(mut self) {
        self.raw.close().await;
    }
}

/// Asks for a fault as the command line writes it.
pub fn arm(simulator: &Simulator, text: &str) -> u64 {
    simulator.faults().arm(parse_fault(text).unwrap()).unwrap()
}
