//! Requests as bytes: field numbers and message ids of the TWS API, written by hand, so that the
//! client costs next to nothing beside the server that is measured.

/// Added to a message id whose payload is protobuf.
const PROTOBUF: u32 = 200;

pub const COMMISSION_REPORT: u32 = 59 + PROTOBUF;
pub const CURRENT_TIME: u32 = 49 + PROTOBUF;
pub const NEXT_VALID_ID: u32 = 9 + PROTOBUF;
pub const ORDER_STATUS: u32 = 3 + PROTOBUF;

/// Hello of a client that speaks protobuf.
pub fn hello() -> Vec<u8> {
    let mut bytes = b"API\0".to_vec();
    let versions = b"v213..226";
    bytes.extend_from_slice(&length(versions.len()));
    bytes.extend_from_slice(versions);
    bytes
}

pub fn start(client_id: u32) -> Vec<u8> {
    frame(71, &Fields::default().number(1, client_id.into()))
}

pub fn current_time() -> Vec<u8> {
    frame(49, &Fields::default())
}

/// What one order asks for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    pub account: &'a str,
    pub symbol: &'a str,
    pub action: &'a str,
    /// Absent for a market order.
    pub limit: Option<f64>,
}

/// One share, good till cancelled.
pub fn place(order_id: u32, wanted: Wanted<'_>) -> Vec<u8> {
    let contract =
        Fields::default().text(2, wanted.symbol).text(3, "STK").text(8, "SMART").text(10, "USD");
    let kind = if wanted.limit.is_some() { "LMT" } else { "MKT" };
    let order = Fields::default()
        .text(5, wanted.action)
        .text(6, "1")
        .text(8, kind)
        .price(9, wanted.limit)
        .text(11, "GTC")
        .text(12, wanted.account)
        .number(66, 1);
    let request =
        Fields::default().number(1, order_id.into()).nested(2, &contract).nested(3, &order);
    frame(3, &request)
}

/// The number that is the only field of the last of these frames.
pub fn last_number(frames: &[u8]) -> u32 {
    let mut rest = frames;
    loop {
        let (length, after) = rest.split_at(4);
        let length = u32::from_be_bytes(length.try_into().expect("four bytes")) as usize;
        let (body, behind) = after.split_at(length);
        if behind.is_empty() {
            // An id of four bytes and a tag come first.
            let number = body[5..].iter().rev();
            return number.fold(0, |sum, byte| sum << 7 | u32::from(byte & 127));
        }
        rest = behind;
    }
}

fn frame(id: u32, fields: &Fields) -> Vec<u8> {
    let mut bytes = length(fields.0.len() + 4).to_vec();
    bytes.extend_from_slice(&(id + PROTOBUF).to_be_bytes());
    bytes.extend_from_slice(&fields.0);
    bytes
}

fn length(bytes: usize) -> [u8; 4] {
    u32::try_from(bytes).expect("a short frame").to_be_bytes()
}

/// A protobuf message in the making.
#[derive(Debug, Default)]
struct Fields(Vec<u8>);

impl Fields {
    fn varint(mut self, mut value: u64) -> Self {
        while value > 127 {
            self.0.push((value & 127) as u8 | 128);
            value >>= 7;
        }
        self.0.push(value as u8);
        self
    }

    fn number(self, tag: u64, value: u64) -> Self {
        self.varint(tag << 3).varint(value)
    }

    fn bytes(self, tag: u64, value: &[u8]) -> Self {
        let mut fields = self.varint(tag << 3 | 2).varint(value.len() as u64);
        fields.0.extend_from_slice(value);
        fields
    }

    fn text(self, tag: u64, value: &str) -> Self {
        self.bytes(tag, value.as_bytes())
    }

    fn nested(self, tag: u64, message: &Self) -> Self {
        self.bytes(tag, &message.0)
    }

    fn price(self, tag: u64, value: Option<f64>) -> Self {
        let Some(value) = value else { return self };
        let mut fields = self.varint(tag << 3 | 1);
        fields.0.extend_from_slice(&value.to_le_bytes());
        fields
    }
}
