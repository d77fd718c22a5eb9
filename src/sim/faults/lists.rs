//! Two lists of orders at once, answered as if there were one; executions that no list has.

use super::engine::Subject;
use super::fault::Fault;
use super::incoming::{Arrival, perform};
use crate::sim::broker::Execution;
use crate::sim::requests::Undecodable;
use crate::sim::wire;
use crate::sim::world::World;

/// Whether an execution is in no list.
pub fn hides(world: &World, execution: &Execution) -> bool {
    let hidden = world.faults.engine.look(Subject::default(), |armed| match armed.rule.fault {
        Fault::HideExecutions { younger_than } => {
            let is_old = world.zone.date(execution.at) < world.zone.date(world.now);
            let is_new = younger_than
                .and_then(|span| execution.at.checked_add(span).ok())
                .is_some_and(|shown| shown > world.now);
            (is_old || is_new).then_some(())
        }
        _ => None,
    });
    hidden.is_some()
}

/// Takes in a request for a list: the first of two waits for the second.
///
/// # Errors
///
/// [`Undecodable`]: close that connection.
pub fn receive(world: &mut World, arrival: &Arrival) -> Result<(), Undecodable> {
    let connection = arrival.connection;
    if let Some(first) = world.faults.waiting_lists.remove(&connection) {
        return interleave(world, &first, arrival);
    }
    let strikes = |fault: &Fault| matches!(fault, Fault::InterleaveLists {}).then_some(());
    if world.faults.engine.ask(arrival.subject(), strikes).is_some() {
        world.faults.waiting_lists.insert(connection, arrival.clone());
        return Ok(());
    }
    perform(world, arrival)
}

fn interleave(world: &mut World, first: &Arrival, second: &Arrival) -> Result<(), Undecodable> {
    let before = taken(world, first.connection);
    let second_part = answered(world, second)?;
    let first_part = answered(world, first)?;
    if let Some(client) = world.clients.get_mut(&first.connection) {
        client.append(&before);
        client.append(&mixed(&second_part, &first_part));
    }
    Ok(())
}

fn answered(world: &mut World, arrival: &Arrival) -> Result<Vec<u8>, Undecodable> {
    perform(world, arrival)?;
    Ok(taken(world, arrival.connection))
}

fn taken(world: &mut World, connection: u64) -> Vec<u8> {
    world.clients.get_mut(&connection).map(crate::sim::client::Client::take).unwrap_or_default()
}

/// Frames of both in turn; the last of each is its end.
fn mixed(first: &[u8], second: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(first.len().saturating_add(second.len()));
    let (mut first, mut second) = (wire::frames(first), wire::frames(second));
    loop {
        let (one, other) = (first.next(), second.next());
        if one.is_none() && other.is_none() {
            return bytes;
        }
        for frame in [one, other].into_iter().flatten() {
            bytes.extend_from_slice(frame);
        }
    }
}
