//! Reports about orders on their way in: lost, doubled, late, out of order, corrected.

use std::str::FromStr;

use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive;

use super::engine::Subject;
use super::fault::Fault;
use super::link;
use super::parameters::{FrameKind, Shuffle};
use super::work::{Job, later};
use crate::sim::messages::{ExecutionDetails, OrderStatus, Report};
use crate::sim::reports;
use crate::sim::world::World;

/// Frames of one instant that wait to be shuffled.
const SHUFFLED_MAX: usize = 10_000;

fn kind(report: &Report) -> FrameKind {
    match report {
        Report::OpenOrder(_) => FrameKind::OpenOrder,
        Report::Status(_) => FrameKind::OrderStatus,
        Report::Execution(_) => FrameKind::Execution,
        Report::Commission(_) => FrameKind::Commission,
        Report::Error(_) => FrameKind::Error,
    }
}

fn order_id(report: &Report) -> Option<i32> {
    match report {
        Report::OpenOrder(frame) => frame.order_id,
        Report::Status(frame) => frame.order_id,
        Report::Execution(frame) => frame.execution.as_ref()?.order_id,
        Report::Commission(_) => None,
        Report::Error(frame) => frame.id,
    }
}

/// What is left of the reports about one order, in the order in which they go out now.
pub fn pass(world: &mut World, client_id: i32, reports: Vec<Report>) -> Vec<Report> {
    let Some(order_id) = reports.iter().find_map(order_id) else { return reports };
    if world.faults.silenced == Some((client_id, order_id)) || world.switches.drop_after.is_some() {
        return Vec::new();
    }
    let reports = link::let_through(world, client_id, reports);
    let order = world.broker.find(client_id, order_id);
    let order_ref = order.map(|order| order.order_ref().to_owned());
    let subject = Subject {
        client_id: Some(client_id),
        order_id: Some(order_id),
        order_ref: order_ref.as_deref(),
    };
    if let Some(owner) = world.client_mut(client_id) {
        owner.lens.about(order_id, order_ref.as_deref());
    }
    let held = |fault: &Fault| matches!(fault, Fault::HoldReports {}).then_some(());
    if !reports.is_empty() && world.faults.engine.ask(subject, held).is_some() {
        if let Some(owner) = world.client_mut(client_id) {
            owner.withhold(reports);
        }
        return Vec::new();
    }
    let mut passed = Vec::new();
    for report in reports {
        let more = corrections(world, subject, &report);
        frame(world, subject, client_id, report, &mut passed);
        passed.extend(more);
    }
    commission_first(world, subject, &mut passed);
    shuffle(world, subject, client_id, passed)
}

/// One frame: lost, late, doubled, or as it is.
fn frame(
    world: &mut World,
    subject: Subject<'_>,
    client_id: i32,
    report: Report,
    passed: &mut Vec<Report>,
) {
    let kind = kind(&report);
    let about = |frames: &[FrameKind]| frames.is_empty() || frames.contains(&kind);
    let engine = &world.faults.engine;
    let lost = engine.ask(subject, |fault| match fault {
        Fault::DropReports { frames } => about(frames).then_some(()),
        _ => None,
    });
    if lost.is_some() {
        return;
    }
    let copies = engine.ask(subject, |fault| match fault {
        Fault::DuplicateReports { frames, copies } => about(frames).then_some(*copies),
        _ => None,
    });
    let by = engine.ask(subject, |fault| match fault {
        Fault::DelayReports { frames, by } => about(frames).then_some(*by),
        _ => None,
    });
    let empties = |fault: &Fault| matches!(fault, Fault::EmptyLastStatus {}).then_some(());
    let report = match report {
        Report::Status(status)
            if status.status.as_deref() == Some("Cancelled")
                && engine.ask(subject, empties).is_some() =>
        {
            Report::Status(Box::new(OrderStatus {
                filled: Some("0".to_owned()),
                remaining: Some("0".to_owned()),
                avg_fill_price: Some(0.0),
                ..*status
            }))
        }
        report => report,
    };
    let count = usize::try_from(copies.unwrap_or(0)).unwrap_or_default().saturating_add(1);
    let frames = vec![report; count];
    match by {
        Some(by) => {
            let at = later(world, by);
            world.faults.jobs.put(at, Job::Reports(client_id, frames));
        }
        None => passed.extend(frames),
    }
}

/// The correction and the phantoms of an execution.
fn corrections(world: &mut World, subject: Subject<'_>, report: &Report) -> Vec<Report> {
    let Report::Execution(details) = report else { return Vec::new() };
    let mut more = Vec::new();
    let corrected = world.faults.engine.ask(subject, |fault| match fault {
        Fault::CorrectExecution { price_by, shares_by } => {
            Some(corrected(details, *price_by, *shares_by))
        }
        _ => None,
    });
    more.extend(corrected);
    let copies = world.faults.engine.ask(subject, |fault| match fault {
        Fault::PhantomExecution { copies } => Some(*copies),
        _ => None,
    });
    more.extend(
        (1..=copies.unwrap_or(0))
            .map(|number| renamed(details, |id| format!("{id}.p{number:02}.01"))),
    );
    more.into_iter().map(|details| Report::Execution(Box::new(details))).collect()
}

fn renamed(details: &ExecutionDetails, name: impl Fn(&str) -> String) -> ExecutionDetails {
    let mut details = details.clone();
    if let Some(execution) = &mut details.execution {
        execution.exec_id = execution.exec_id.as_deref().map(name);
    }
    details
}

/// The same id with its last part one higher.
fn corrected(
    details: &ExecutionDetails,
    price_by: Decimal,
    shares_by: Decimal,
) -> ExecutionDetails {
    let mut details = renamed(details, |id| match id.rsplit_once('.') {
        Some((head, last)) => {
            let number = last.parse::<u32>().unwrap_or(1).saturating_add(1);
            format!("{head}.{number:02}")
        }
        None => format!("{id}.02"),
    });
    if let Some(execution) = &mut details.execution {
        let price = execution.price.and_then(Decimal::from_f64);
        let price = price.and_then(|price| price.checked_add(price_by));
        execution.price = price.map(reports::double);
        let shares = execution.shares.as_deref().and_then(|text| Decimal::from_str(text).ok());
        let shares = shares.and_then(|shares| shares.checked_add(shares_by));
        execution.shares = shares.map(|shares| shares.normalize().to_string());
    }
    details
}

fn commission_first(world: &mut World, subject: Subject<'_>, reports: &mut Vec<Report>) {
    let commission = reports.iter().position(|report| matches!(report, Report::Commission(_)));
    let execution = reports.iter().position(|report| matches!(report, Report::Execution(_)));
    let (Some(from), Some(to)) = (commission, execution) else { return };
    let strikes = |fault: &Fault| matches!(fault, Fault::CommissionFirst {}).then_some(());
    if from > to && world.faults.engine.ask(subject, strikes).is_some() {
        let report = reports.remove(from);
        reports.insert(to, report);
    }
}

/// Keeps frames until the instant is over, if they are to come in another order.
fn shuffle(
    world: &mut World,
    subject: Subject<'_>,
    client_id: i32,
    reports: Vec<Report>,
) -> Vec<Report> {
    let into = world.faults.engine.ask(subject, |fault| match fault {
        Fault::ReorderReports { into } => Some(*into),
        _ => None,
    });
    let Some(into) = into else { return reports };
    let room = SHUFFLED_MAX.saturating_sub(world.faults.shuffled.len());
    let kept = reports.into_iter().take(room);
    world.faults.shuffled.extend(kept.map(|report| (client_id, into, report)));
    Vec::new()
}

/// Sends what was kept to be shuffled.
pub fn release_shuffled(world: &mut World) {
    let mut kept = std::mem::take(&mut world.faults.shuffled);
    match kept.first().map(|(_, into, _)| *into) {
        None => return,
        Some(Shuffle::Reversed) => kept.reverse(),
        Some(Shuffle::Random) => {
            for end in (2..=kept.len()).rev() {
                kept.swap(end - 1, world.faults.engine.draw(end));
            }
        }
    }
    for (client_id, _, report) in kept {
        if let Some(owner) = world.client_mut(client_id) {
            owner.report(&report);
        }
    }
}
