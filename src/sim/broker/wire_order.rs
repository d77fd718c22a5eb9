//! The order as it was sent, in the state file: its bytes in base64, since the echo must not
//! lose a field that only the protocol knows.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use prost::Message;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};

use crate::sim::messages::Order;

pub fn serialize<S: Serializer>(order: &Order, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&STANDARD.encode(order.encode_to_vec()))
}

pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Order, D::Error> {
    let text = String::deserialize(from)?;
    let bytes = STANDARD.decode(text).map_err(D::Error::custom)?;
    Order::decode(bytes.as_slice()).map_err(D::Error::custom)
}
