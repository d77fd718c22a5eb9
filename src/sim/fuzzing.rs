//! What the fuzz target drives: a connection without a socket, from its hello to its end.

use tokio::runtime::{Builder, Runtime};

use super::Options;
use super::connection;
use super::server;
use super::world::Shared;

/// Inputs that share a world: orders of earlier ones are there to be found, and there is an end
/// to what they pile up.
const INPUTS_OF_A_WORLD: u64 = 500;

/// A simulated gateway that is fed bytes.
#[derive(Debug)]
pub struct Fed {
    runtime: Runtime,
    shared: Shared,
    inputs: u64,
}

impl Default for Fed {
    fn default() -> Self {
        let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
        Self { runtime, shared: fresh(), inputs: 0 }
    }
}

fn fresh() -> Shared {
    Shared::new(server::build(&Options::loopback(1)).expect("the built-in universe"), None)
}

impl Fed {
    /// Serves `bytes` as one client that sends them and closes. Whatever they are, this returns.
    pub fn connection(&mut self, bytes: &[u8]) {
        if self.inputs.is_multiple_of(INPUTS_OF_A_WORLD) {
            self.shared = fresh();
        }
        self.inputs += 1;
        self.runtime.block_on(connection::serve_bytes(bytes, self.inputs, &self.shared));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A hello of either generation and the start of a session, and then anything.
    fn session() -> impl Strategy<Value = Vec<u8>> {
        let text = b"API\0\0\0\0\x09v157..178\0\0\0\x0871\x002\x007\0\0".to_vec();
        let protobuf = b"API\0\0\0\0\x09v213..226\0\0\0\x06\0\0\x01\x0f\x08\x07".to_vec();
        let start = prop_oneof![Just(text), Just(protobuf), Just(b"API\0".to_vec())];
        (start, prop::collection::vec(frame(), 0..6)).prop_map(|(mut bytes, frames)| {
            bytes.extend(frames.concat());
            bytes
        })
    }

    fn frame() -> impl Strategy<Value = Vec<u8>> {
        let id = prop_oneof![(200..320_i32).prop_map(|id| id.to_be_bytes().to_vec()), any_text()];
        (id, prop::collection::vec(any::<u8>(), 0..40)).prop_map(|(mut body, rest)| {
            body.extend(rest);
            let mut frame = u32::try_from(body.len()).unwrap().to_be_bytes().to_vec();
            frame.extend(body);
            frame
        })
    }

    fn any_text() -> impl Strategy<Value = Vec<u8>> {
        let field = prop_oneof![Just(String::new()), "[0-9]{1,3}", "[A-Z]{1,4}", "-?[0-9.e]{1,9}"];
        (1..110_i32, prop::collection::vec(field, 0..90))
            .prop_map(|(id, fields)| format!("{id}\0{}\0", fields.join("\0")).into_bytes())
    }

    #[test]
    fn whatever_a_client_sends_is_survived() {
        let mut fed = Fed::default();
        let config = ProptestConfig { cases: 512, failure_persistence: None, ..Default::default() };
        let cell = std::cell::RefCell::new(&mut fed);
        proptest!(config, |(bytes in session())| {
            cell.borrow_mut().connection(&bytes);
        });
    }
}
