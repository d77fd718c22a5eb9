//! Positions and account values that lag behind.

use jiff::{SignedDuration, Timestamp};

use super::engine::Subject;
use super::fault::Fault;
use super::work::{Job, later};
use crate::sim::broker::books::Books;
use crate::sim::world::World;

/// Instants that are remembered: more fills than this within the lag are shown early.
const REMEMBERED_MAX: usize = 1000;

/// The books of all accounts at one instant.
#[derive(Debug)]
pub struct Remembered {
    since: Timestamp,
    books: Vec<Books>,
}

fn lag(world: &World) -> Option<SignedDuration> {
    world.faults.engine.look(Subject::default(), |armed| match armed.rule.fault {
        Fault::LagPositions { by } => Some(by),
        _ => None,
    })
}

/// Remembers the books of this instant if they changed, while somebody is to see old ones.
pub fn remember(world: &mut World) {
    if lag(world).is_none() {
        return;
    }
    let books: Vec<Books> =
        world.broker.accounts().map(|(_, account)| account.books.clone()).collect();
    let remembered = &mut world.faults.books;
    if remembered.last().is_none_or(|last| last.books != books) {
        remembered.push(Remembered { since: world.now, books });
    }
    if remembered.len() > REMEMBERED_MAX {
        remembered.remove(0);
    }
}

/// Runs `work` on a world whose books are as old as they are to be seen.
pub fn lagged<T>(world: &mut World, work: impl FnOnce(&mut World) -> T) -> T {
    let then = lag(world).and_then(|by| world.now.checked_sub(by).ok());
    let Some(then) = then else { return work(world) };
    let remembered = &world.faults.books;
    let known = remembered.iter().rev().find(|known| known.since <= then);
    let Some(known) = known.or(remembered.first()) else { return work(world) };
    let mut books = known.books.clone();
    world.broker.swap_books(&mut books);
    let result = work(world);
    world.broker.swap_books(&mut books);
    result
}

/// Whether those who watch positions hear of trades later.
pub fn put_off(world: &mut World, traded: &[(String, i32)]) -> bool {
    if traded.is_empty() || world.faults.is_idle() {
        return false;
    }
    let Some(by) = lag(world) else { return false };
    let at = later(world, by);
    world.faults.jobs.put(at, Job::Positions(traded.to_vec()));
    true
}
