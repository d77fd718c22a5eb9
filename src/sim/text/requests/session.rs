//! The start.

use super::Reader;
use crate::sim::messages::StartApiRequest;

pub fn start(fields: &mut Reader<'_>) -> StartApiRequest {
    fields.skip(1);
    StartApiRequest { client_id: fields.int(), optional_capabilities: fields.text() }
}
