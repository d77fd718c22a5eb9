//! Which faults stand, which begin and end, and whether one strikes.
//!
//! The rules are shared by the world and by the ways out to its clients, which see each frame
//! last. Nobody holds the lock for longer than one question.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::Serialize;

use super::fault::Fault;
use super::rule::{Bounds, Rule};

/// More faults at once than this is a loop in the caller.
pub const RULES_MAX: usize = 1000;

/// Orders that are inactive at once.
const INACTIVE_MAX: usize = 10_000;

/// What has come in, to count triggers from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub orders: u64,
    pub frames: u64,
    pub connections: u64,
}

/// Where a fault stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Its trigger has not come.
    Waiting,
    Active,
    Over,
}

/// A fault that was asked for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Armed {
    pub id: u64,
    #[serde(flatten)]
    pub rule: Rule,
    pub stage: Stage,
    /// How often it struck.
    pub fired: u64,
    #[serde(skip)]
    armed_at: Timestamp,
    #[serde(skip)]
    armed_counts: Counts,
    #[serde(skip)]
    begun: Option<Timestamp>,
    #[serde(skip)]
    until: Option<Timestamp>,
}

/// Whom a chance to strike is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Subject<'a> {
    pub client_id: Option<i32>,
    pub order_id: Option<i32>,
    pub order_ref: Option<&'a str>,
}

impl Subject<'_> {
    pub fn client(client_id: i32) -> Self {
        Self { client_id: Some(client_id), ..Self::default() }
    }

    fn fits(&self, bounds: &Bounds) -> bool {
        let fits = |wanted: Option<i32>, known: Option<i32>| wanted.is_none() || wanted == known;
        fits(bounds.client_id, self.client_id)
            && fits(bounds.order_id, self.order_id)
            && bounds.order_ref.as_deref().is_none_or(|pattern| {
                self.order_ref.is_some_and(|order_ref| matches(pattern, order_ref))
            })
    }
}

/// Whether `text` fits `pattern`, in which `*` stands for any text.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(text) = text.strip_prefix(first) else { return false };
    let mut rest = rest;
    let mut text = text;
    while let Some((part, after)) = rest.split_once('*') {
        let Some(at) = text.find(part) else { return false };
        text = &text[at + part.len()..];
        rest = after;
    }
    text.ends_with(rest)
}

/// What begins or ends now.
#[derive(Clone, Debug, PartialEq)]
pub enum Turn {
    Begins(u64, Fault),
    Ends(u64, Fault),
}

/// All rules, and the numbers that decide.
#[derive(Debug)]
struct Rules {
    armed: Vec<Armed>,
    next_id: u64,
    random: u64,
    counts: Counts,
    /// Why an order is inactive, by client id and order id.
    inactive: BTreeMap<(i32, i32), String>,
}

/// A handle on the rules.
#[derive(Clone, Debug)]
pub struct Engine {
    rules: Arc<Mutex<Rules>>,
    /// Whether any rule stands: one look for the many frames that meet none.
    busy: Arc<AtomicBool>,
}

impl Engine {
    pub fn new(seed: u64) -> Self {
        let rules = Rules {
            armed: Vec::new(),
            next_id: 1,
            random: seed,
            counts: Counts::default(),
            inactive: BTreeMap::new(),
        };
        Self { rules: Arc::new(Mutex::new(rules)), busy: Arc::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Rules> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether no fault stands or waits.
    pub fn is_idle(&self) -> bool {
        !self.busy.load(Ordering::Relaxed)
    }

    /// Draws go on from another seed.
    pub fn reseed(&self, seed: u64) {
        self.lock().random = seed;
    }

    /// Adds a rule; it begins at the next [`turns`](Self::turns). `None` when there are too many.
    pub fn arm(&self, rule: Rule, now: Timestamp) -> Option<u64> {
        let mut rules = self.lock();
        if rules.armed.len() >= RULES_MAX {
            rules.armed.retain(|armed| armed.stage != Stage::Over);
        }
        if rules.armed.len() >= RULES_MAX {
            return None;
        }
        let id = rules.next_id;
        rules.next_id = id.wrapping_add(1);
        let armed_counts = rules.counts;
        rules.armed.push(Armed {
            id,
            rule,
            stage: Stage::Waiting,
            fired: 0,
            armed_at: now,
            armed_counts,
            begun: None,
            until: None,
        });
        self.busy.store(true, Ordering::Relaxed);
        Some(id)
    }

    /// Ends the rules that `which` names, at the next [`turns`](Self::turns). Those that had not
    /// begun are gone at once.
    pub fn disarm(&self, which: impl Fn(&Armed) -> bool) -> usize {
        let mut rules = self.lock();
        let mut ended = 0;
        for armed in rules.armed.iter_mut().filter(|armed| armed.stage != Stage::Over) {
            if which(armed) {
                ended += 1;
                match armed.stage {
                    Stage::Waiting => armed.stage = Stage::Over,
                    Stage::Active | Stage::Over => armed.until = Some(Timestamp::MIN),
                }
            }
        }
        ended
    }

    /// All rules, those that are over too.
    pub fn list(&self) -> Vec<Armed> {
        self.lock().armed.clone()
    }

    /// Counts what came in.
    pub fn count(&self, add: Counts) {
        let mut rules = self.lock();
        rules.counts.orders = rules.counts.orders.wrapping_add(add.orders);
        rules.counts.frames = rules.counts.frames.wrapping_add(add.frames);
        rules.counts.connections = rules.counts.connections.wrapping_add(add.connections);
    }

    /// What ends and begins at `now`, marked as such. Ends come first.
    pub fn turns(&self, now: Timestamp) -> Vec<Turn> {
        let mut rules = self.lock();
        let Rules { armed, random, counts, inactive, .. } = &mut *rules;
        let mut turns = Vec::new();
        for armed in armed.iter_mut().filter(|armed| armed.stage == Stage::Active) {
            if armed.until.is_some_and(|until| until <= now) || armed.is_spent() {
                armed.end(now);
                turns.push(Turn::Ends(armed.id, armed.rule.fault.clone()));
            }
        }
        for armed in armed.iter_mut().filter(|armed| armed.stage == Stage::Waiting) {
            if armed.is_due(now, counts) && armed.begin(now, random) {
                turns.push(Turn::Begins(armed.id, armed.rule.fault.clone()));
            }
        }
        let busy = !inactive.is_empty() || armed.iter().any(|armed| armed.stage != Stage::Over);
        self.busy.store(busy, Ordering::Relaxed);
        turns
    }

    /// Asks every active rule about `subject` in the order in which they were asked for. The
    /// first that `answers` and takes its chance strikes.
    pub fn ask<T>(
        &self,
        subject: Subject<'_>,
        mut answers: impl FnMut(&Fault) -> Option<T>,
    ) -> Option<T> {
        if self.is_idle() {
            return None;
        }
        let mut rules = self.lock();
        let Rules { armed, random, .. } = &mut *rules;
        for armed in armed.iter_mut().filter(|armed| armed.stage == Stage::Active) {
            if armed.is_spent() || !subject.fits(&armed.rule.bounds) {
                continue;
            }
            let Some(answer) = answers(&armed.rule.fault) else { continue };
            if armed.takes_its_chance(random) {
                armed.fired = armed.fired.wrapping_add(1);
                return Some(answer);
            }
        }
        None
    }

    /// The same of all that answer, without counting a strike: for states that others look at.
    pub fn look<T>(
        &self,
        subject: Subject<'_>,
        answers: impl FnMut(&Armed) -> Option<T>,
    ) -> Option<T> {
        if self.is_idle() {
            return None;
        }
        let rules = self.lock();
        let active = rules.armed.iter().filter(|armed| armed.stage == Stage::Active);
        active
            .filter(|armed| !armed.is_spent() && subject.fits(&armed.rule.bounds))
            .find_map(answers)
    }

    /// Calls an order of a client inactive from now on.
    pub fn hold_inactive(&self, key: (i32, i32), why: String) {
        let mut rules = self.lock();
        if rules.inactive.len() < INACTIVE_MAX {
            rules.inactive.insert(key, why);
        }
    }

    /// The order is as any other again.
    pub fn revive(&self, key: (i32, i32)) {
        self.lock().inactive.remove(&key);
    }

    /// Why an order is inactive, if it is.
    pub fn inactive(&self, key: (i32, i32)) -> Option<String> {
        self.lock().inactive.get(&key).cloned()
    }

    /// A number below `end`, drawn from the seed; 0 when there is none.
    pub fn draw(&self, end: usize) -> usize {
        let drawn = next(&mut self.lock().random);
        let end = u64::try_from(end).unwrap_or(u64::MAX).max(1);
        usize::try_from(drawn % end).unwrap_or_default()
    }
}

impl Armed {
    /// Whether it struck as often as it may. What acts when it begins counts beginnings.
    fn is_spent(&self) -> bool {
        let acts = self.rule.fault.acts_at_start();
        !acts && self.rule.bounds.times.is_some_and(|times| self.fired >= u64::from(times))
    }

    fn is_due(&self, now: Timestamp, counts: &Counts) -> bool {
        let Bounds { at, after, after_orders, after_frames, after_connections, every, .. } =
            &self.rule.bounds;
        if let (Some(begun), Some(every)) = (self.begun, every) {
            return begun.checked_add(*every).is_ok_and(|due| due <= now);
        }
        let since = |wanted: &Option<u32>, now: u64, then: u64| {
            wanted.is_none_or(|wanted| now.wrapping_sub(then) >= u64::from(wanted))
        };
        at.is_none_or(|at| at <= now)
            && after
                .is_none_or(|after| self.armed_at.checked_add(after).is_ok_and(|due| due <= now))
            && since(after_orders, counts.orders, self.armed_counts.orders)
            && since(after_frames, counts.frames, self.armed_counts.frames)
            && since(after_connections, counts.connections, self.armed_counts.connections)
    }

    /// Whether it really begins: what acts at its start takes its chance here.
    fn begin(&mut self, now: Timestamp, random: &mut u64) -> bool {
        self.begun = Some(now);
        let acts = self.rule.fault.acts_at_start();
        let begins = !acts || self.takes_its_chance(random);
        if acts && begins {
            self.fired = self.fired.wrapping_add(1);
        }
        let lasts = match &self.rule.fault {
            Fault::Restart { refuse, .. } => Some(*refuse),
            _ => self.rule.bounds.lasts,
        };
        self.until = lasts.and_then(|lasts| now.checked_add(lasts).ok());
        self.stage = Stage::Active;
        if !begins || self.rule.fault.is_act() {
            self.end(now);
        }
        begins
    }

    /// Over, or waiting for its next beginning.
    fn end(&mut self, now: Timestamp) {
        let told_to = self.until == Some(Timestamp::MIN);
        let bounds = &self.rule.bounds;
        let enough = match bounds.times {
            Some(times) => self.fired >= u64::from(times),
            None => bounds.every.is_none(),
        };
        let again = bounds.every.is_some() && !enough && !told_to;
        self.stage = if again { Stage::Waiting } else { Stage::Over };
        self.begun = self.begun.or(Some(now));
        self.until = None;
    }

    fn takes_its_chance(&self, random: &mut u64) -> bool {
        match self.rule.bounds.probability {
            None => true,
            Some(chance) => unit(next(random)) < chance,
        }
    }
}

/// SplitMix64, the generator that seeds others; see
/// <https://doi.org/10.1145/2660193.2660195>.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// A number from 0 up to, and without, 1.
fn unit(drawn: u64) -> f64 {
    let high = u32::try_from(drawn >> 32).unwrap_or(u32::MAX);
    f64::from(high) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn strikes(engine: &Engine) -> bool {
        let subject = Subject::default();
        engine.ask(subject, |fault| (*fault == Fault::Mute {}).then_some(())).is_some()
    }

    #[test]
    fn a_fault_lasts_as_long_as_it_was_asked_to() {
        let engine = Engine::new(1);
        let rule = Rule::from(Fault::Mute {}).lasting(SignedDuration::from_secs(5));
        let id = engine.arm(rule, at(0)).unwrap();
        assert!(!strikes(&engine), "it begins at the next turn");
        assert_eq!(engine.turns(at(1)), [Turn::Begins(id, Fault::Mute {})]);
        assert!(strikes(&engine));
        assert_eq!(engine.turns(at(5)), []);
        assert_eq!(engine.turns(at(6)), [Turn::Ends(id, Fault::Mute {})]);
        assert!(!strikes(&engine) && engine.is_idle());
    }

    #[test]
    fn a_fault_strikes_as_often_as_it_may_and_tells_how_often() {
        let engine = Engine::new(1);
        engine.arm(Rule::from(Fault::Mute {}).times(2), at(0)).unwrap();
        engine.turns(at(0));
        assert_eq!([strikes(&engine), strikes(&engine), strikes(&engine)], [true, true, false]);
        engine.turns(at(0));
        let [armed] = engine.list().try_into().unwrap();
        assert_eq!((armed.fired, armed.stage), (2, Stage::Over));
    }

    #[test]
    fn a_fault_waits_for_the_orders_that_come_before_it() {
        let engine = Engine::new(1);
        let mut rule = Rule::from(Fault::Mute {});
        rule.bounds.after_orders = Some(2);
        engine.arm(rule, at(0)).unwrap();
        engine.count(Counts { orders: 1, ..Counts::default() });
        assert_eq!(engine.turns(at(1)), []);
        engine.count(Counts { orders: 1, ..Counts::default() });
        assert_eq!(engine.turns(at(1)).len(), 1);
    }

    #[test]
    fn chance_is_drawn_from_the_seed_alone() {
        let story = |seed| {
            let engine = Engine::new(seed);
            let mut rule = Rule::from(Fault::Mute {});
            rule.bounds.probability = Some(0.5);
            engine.arm(rule, at(0)).unwrap();
            engine.turns(at(0));
            (0..64).map(|_| strikes(&engine)).collect::<Vec<_>>()
        };
        assert_eq!(story(3), story(3));
        assert_ne!(story(3), story(4));
        let struck = story(3).into_iter().filter(|struck| *struck).count();
        assert!((16..48).contains(&struck), "{struck} of 64");
    }

    #[test]
    fn an_act_happens_again_after_its_pause() {
        let engine = Engine::new(1);
        let mut rule = Rule::from(Fault::FarmFlap {}).times(2);
        rule.bounds.every = Some(SignedDuration::from_secs(5));
        engine.arm(rule, at(0)).unwrap();
        let begun = |second| engine.turns(at(second)).len();
        assert_eq!([begun(0), begun(4), begun(5), begun(10), begun(99)], [1, 0, 1, 0, 0]);
    }

    #[test]
    fn a_pattern_fits_what_its_stars_stand_for() {
        for (pattern, text, fits) in [
            ("run-1", "run-1", true),
            ("run-1", "run-12", false),
            ("run-*", "run-12", true),
            ("*.SPY", "run-1.SPY", true),
            ("run-*.SPY", "run-1.QQQ", false),
            ("a*b*c", "a1b2c", true),
            ("a*b*c", "a1c", false),
            ("*", "", true),
        ] {
            assert_eq!(matches(pattern, text), fits, "{pattern} {text}");
        }
    }

    #[test]
    fn a_fault_about_one_order_leaves_the_others_alone() {
        let engine = Engine::new(1);
        engine.arm(Rule::from(Fault::SwallowCancel {}).on_order(5), at(0)).unwrap();
        engine.turns(at(0));
        let about = |order_id| Subject { order_id: Some(order_id), ..Subject::client(1) };
        assert!(engine.ask(about(4), |_| Some(())).is_none());
        assert!(engine.ask(about(5), |_| Some(())).is_some());
    }
}
