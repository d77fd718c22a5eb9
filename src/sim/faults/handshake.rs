//! The start of a session, and its end.

use super::engine::{Counts, Subject};
use super::fault::Fault;
use super::parameters::Silence;
use crate::sim::client::Client;
use crate::sim::world::World;

/// Client ids that are kept occupied at once; IB Gateway serves no more clients.
const KEPT_MAX: usize = 32;

/// Whether a connection that was just accepted is reset.
pub fn turns_away(world: &mut World) -> bool {
    if world.faults.is_idle() {
        return false;
    }
    world.faults.engine.count(Counts { connections: 1, ..Counts::default() });
    let clients = world.clients.len();
    let down = world.faults.engine.look(Subject::default(), |armed| {
        matches!(armed.rule.fault, Fault::Restart { .. }).then_some(())
    });
    let refused = world.faults.engine.ask(Subject::default(), |fault| match fault {
        Fault::RefuseConnections {} => Some(()),
        Fault::Seats { clients: most } => (clients >= *most).then_some(()),
        _ => None,
    });
    down.or(refused).is_some()
}

/// The bytes that are read of a new connection before it is reset.
pub fn bytes_until_reset(world: &World) -> Option<u64> {
    world.faults.engine.ask(Subject::default(), |fault| match fault {
        Fault::ResetAfterBytes { bytes } => Some(*bytes),
        _ => None,
    })
}

/// Where the handshake falls silent, if it does.
pub fn silence(world: &World) -> Option<Silence> {
    world.faults.engine.ask(Subject::default(), |fault| match fault {
        Fault::MuteHandshake { from } => Some(*from),
        _ => None,
    })
}

/// The latest version of the protocol that is spoken now.
pub fn version(world: &World) -> i32 {
    let version = world.faults.engine.ask(Subject::default(), |fault| match fault {
        Fault::ServerVersion { version } => Some(*version),
        _ => None,
    });
    version.unwrap_or(world.server_version)
}

/// Whether a client id is in use although nobody is connected under it.
pub fn is_occupied(world: &mut World, client_id: i32) -> bool {
    let now = world.now;
    world.faults.kept_ids.retain(|(_, until)| *until > now);
    world.faults.kept_ids.iter().any(|(kept, _)| *kept == client_id)
        || world
            .faults
            .engine
            .ask(Subject::client(client_id), |fault| {
                matches!(fault, Fault::ClientIdInUse {}).then_some(())
            })
            .is_some()
}

/// The farm notices that come before everything else.
pub fn early_notices(world: &World, client_id: i32) -> u32 {
    let frames = world.faults.engine.ask(Subject::client(client_id), |fault| match fault {
        Fault::NoticesFirst { frames } => Some(*frames),
        _ => None,
    });
    frames.unwrap_or_default()
}

/// The next order id that a start tells.
pub fn first_id(world: &World, client_id: i32) -> Option<i32> {
    let strikes = |fault: &Fault| matches!(fault, Fault::NoNextValidId {}).then_some(());
    match world.faults.engine.ask(Subject::client(client_id), strikes) {
        Some(()) => None,
        None => Some(next_id(world, client_id)),
    }
}

/// The next order id that a client is told.
pub fn next_id(world: &World, client_id: i32) -> i32 {
    let told = world.faults.engine.ask(Subject::client(client_id), |fault| match fault {
        Fault::NextValidId { id } => Some(*id),
        _ => None,
    });
    told.unwrap_or_else(|| world.settings.next_id(client_id))
}

/// The accounts that a client is told.
pub fn accounts(world: &World) -> String {
    let told = world.faults.engine.ask(Subject::default(), |fault| match fault {
        Fault::AccountList { accounts } => Some(accounts.join(",")),
        _ => None,
    });
    told.unwrap_or_else(|| world.broker.account_list())
}

/// A connection ended.
pub fn left(world: &mut World, connection: u64, client: Option<&Client>) {
    world.faults.lost_buffers.remove(&connection);
    world.faults.waiting_lists.remove(&connection);
    let Some(client_id) = client.map(|client| client.client_id) else { return };
    let hold = world.faults.engine.ask(Subject::client(client_id), |fault| match fault {
        Fault::KeepClientId { hold } => Some(*hold),
        _ => None,
    });
    let until = hold.and_then(|hold| world.now.checked_add(hold).ok());
    if let Some(until) = until.filter(|_| world.faults.kept_ids.len() < KEPT_MAX) {
        world.faults.kept_ids.push((client_id, until));
    }
}
