//! The gateway's link to IB.

use super::fault::Fault;
use super::incoming::{Arrival, perform_later};
use super::parameters::{Conduct, Placement, Queue, RequestKind, Restored};
use super::{Subject, texts};
use crate::sim::messages::Report;
use crate::sim::world::World;

/// Orders and reports that wait for the link.
const QUEUE_MAX: usize = 10_000;

/// What a lost link does with an order or a cancel.
pub enum Fate {
    /// It waits, or is gone.
    Taken,
    /// It goes on.
    Applied { second_perm_id: bool },
}

/// What waits for the link.
#[derive(Debug, Default)]
pub struct Waiting {
    orders: Vec<Arrival>,
    reports: Vec<(i32, Vec<Report>)>,
}

/// Tells everybody about the link.
pub fn tell(world: &mut World, code: i32) {
    let notice = world.error(-1, code, texts::of(code));
    for client in world.clients.values_mut() {
        client.send(&notice);
    }
}

/// Whether a request that is no order goes unanswered.
pub fn swallows(world: &World, kind: Option<RequestKind>) -> bool {
    let needs_ib = kind.is_some_and(|kind| {
        !kind.is_local() && !matches!(kind, RequestKind::Orders | RequestKind::Cancels)
    });
    needs_ib
        && world
            .faults
            .engine
            .look(Subject::default(), |armed| match armed.rule.fault {
                Fault::LinkDown { requests: Conduct::Unanswered, .. } => Some(()),
                _ => None,
            })
            .is_some()
}

/// What becomes of an order or cancel.
pub fn fate(world: &mut World, arrival: &Arrival) -> Fate {
    let down = world.faults.engine.look(Subject::default(), |armed| match armed.rule.fault {
        Fault::LinkDown { orders, second_perm_id, .. } => Some((orders, second_perm_id)),
        _ => None,
    });
    match down {
        None => Fate::Applied { second_perm_id: false },
        Some((Queue::Applied, second_perm_id)) => Fate::Applied { second_perm_id },
        Some((Queue::Dropped, _)) => Fate::Taken,
        Some((Queue::Queued, _)) => {
            let waiting = &mut world.faults.link.orders;
            if waiting.len() < QUEUE_MAX {
                waiting.push(arrival.clone());
            }
            Fate::Taken
        }
    }
}

/// The reports that get through to the owner of an order.
pub fn let_through(world: &mut World, client_id: i32, reports: Vec<Report>) -> Vec<Report> {
    let down = world.faults.engine.look(Subject::default(), |armed| match armed.rule.fault {
        Fault::LinkDown { reports, .. } => Some(reports),
        _ => None,
    });
    match down {
        None | Some(Placement::Delivered) => reports,
        Some(Placement::Lost) => Vec::new(),
        Some(Placement::Queued) => {
            let waiting = &mut world.faults.link.reports;
            if waiting.len() < QUEUE_MAX {
                waiting.push((client_id, reports));
            }
            Vec::new()
        }
    }
}

/// The link is back.
pub fn restore(world: &mut World, restored: Restored) {
    match restored {
        Restored::DataKept => tell(world, 1102),
        Restored::DataLost => {
            tell(world, 1101);
            for client in world.clients.values_mut() {
                client.subscriptions.tickers.clear();
            }
        }
        Restored::Unannounced => {}
    }
    let Waiting { orders, reports } = std::mem::take(&mut world.faults.link);
    for (client_id, reports) in reports {
        world.deliver(client_id, reports);
    }
    for arrival in orders {
        perform_later(world, &arrival);
    }
}
