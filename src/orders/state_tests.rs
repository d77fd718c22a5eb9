use proptest::prelude::*;

use super::*;

fn sending(id: i32) -> Event {
    Event::Sending { order_id: OrderId(id), client_id: 10, next_valid_id: OrderId(id) }
}

fn acknowledged() -> Event {
    Event::Acknowledged { perm_id: PermId(77), status: "Submitted".into() }
}

fn executed(id: &str, quantity: i64) -> Event {
    Event::Executed(Fill {
        execution_id: ExecutionId::new(id),
        quantity: quantity.into(),
        price: Decimal::new(1050, 1),
        cumulative_quantity: quantity.into(),
        time: "20260309 10:30:00 US/Eastern".into(),
    })
}

fn ended(how: End) -> Event {
    Event::Ended { how, evidence: "completed orders".into() }
}

fn replay(events: &[Event]) -> Result<Progress, IllegalStep> {
    Progress::replay(100.into(), events)
}

fn state_after(events: &[Event]) -> State {
    replay(events).unwrap().state()
}

#[test]
fn an_order_is_in_doubt_from_the_record_before_the_send() {
    assert_eq!(state_after(&[]), State::Planned);
    assert_eq!(state_after(&[sending(1)]), State::InDoubt);
    assert_eq!(state_after(&[sending(1), acknowledged()]), State::Working);
}

#[test]
fn what_was_certainly_not_sent_may_be_sent_again_under_another_id() {
    let again = [sending(1), Event::NotSent { reason: "down".into() }, sending(2)];
    let order = replay(&again).unwrap();
    assert_eq!(order.state(), State::InDoubt);
    assert_eq!(order.order_ids(), [OrderId(1), OrderId(2)]);
}

#[test]
fn nothing_in_doubt_is_ever_sent_or_taken_back_by_us() {
    for events in [
        vec![sending(1), sending(1)],
        vec![sending(1), acknowledged(), sending(2)],
        vec![sending(1), acknowledged(), Event::NotSent { reason: "late".into() }],
        vec![sending(1), Event::Withdrawn { reason: "switch".into() }],
        vec![sending(1), executed("a.01", 100), sending(2)],
        vec![sending(1), Event::Parked { reason: "absent".into() }, sending(2)],
        vec![ended(End::Cancelled)],
    ] {
        assert!(replay(&events).is_err(), "{events:?}");
    }
}

#[test]
fn executions_alone_end_an_order() {
    let order = replay(&[sending(1), executed("a.01", 60), executed("b.01", 40)]).unwrap();
    assert_eq!(order.state(), State::Ended(End::Filled));
    assert_eq!(order.average_price(), Some(Decimal::new(1050, 1)));
}

#[test]
fn the_word_filled_without_the_executions_ends_nothing() {
    let events = [sending(1), acknowledged(), executed("a.01", 60), ended(End::Filled)];
    assert_eq!(state_after(&events), State::Working);
}

#[test]
fn the_same_fill_counts_once_and_a_correction_replaces_it() {
    let order = replay(&[
        sending(1),
        executed("a.01", 60),
        executed("a.01", 60),
        executed("a.02", 50),
        executed("a.01", 60),
    ])
    .unwrap();
    assert_eq!(order.filled(), 50.into());
    assert_eq!(order.state(), State::Working);
}

#[test]
fn a_fill_that_crosses_a_cancel_is_ours_all_the_same() {
    let cancelled = [sending(1), acknowledged(), ended(End::Cancelled), executed("a.01", 60)];
    let order = replay(&cancelled).unwrap();
    assert_eq!((order.state(), order.filled()), (State::Ended(End::Cancelled), 60.into()));
}

#[test]
fn a_contradiction_is_for_a_person() {
    for events in [
        vec![acknowledged()],
        vec![executed("a.01", 1)],
        vec![sending(1), executed("a.01", 101)],
        vec![sending(1), ended(End::Rejected), executed("a.01", 10)],
        vec![Event::Withdrawn { reason: "off".into() }, acknowledged()],
    ] {
        let order = replay(&events).unwrap();
        assert_eq!(order.state(), State::Parked, "{events:?}");
        assert!(order.parked_because().is_some());
        assert!(order.blocks_contract() && order.is_open());
    }
}

#[test]
fn an_order_stays_open_until_its_fills_are_booked() {
    let mut events = vec![sending(1), executed("a.01", 100)];
    assert!(replay(&events).unwrap().is_open());
    events.push(Event::Attributed { filled: Decimal::from(-100) });
    assert!(!replay(&events).unwrap().is_open());
}

#[test]
fn an_overfill_that_a_person_resolved_is_closed_once_what_was_ordered_is_booked() {
    let mut events = vec![sending(1), executed("a.01", 101)];
    assert_eq!(replay(&events).unwrap().attributable(), 100.into());
    events.push(Event::Attributed { filled: 100.into() });
    assert!(replay(&events).unwrap().is_open(), "a person has to look");
    let (by, why) = ("me".into(), "one share too many, sold by hand".into());
    events.push(Event::Resolved { how: End::Filled, by, why });
    assert!(!replay(&events).unwrap().is_open());
}

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        (1i32..4).prop_map(sending),
        Just(Event::NotSent { reason: "down".into() }),
        Just(Event::Withdrawn { reason: "off".into() }),
        (0i64..3)
            .prop_map(|id| Event::Acknowledged { perm_id: PermId(id), status: "Submitted".into() }),
        ("[a-c]\\.0[12]", 1i64..60).prop_map(|(id, quantity)| executed(&id, quantity)),
        prop_oneof![Just(End::Filled), Just(End::Cancelled), Just(End::Rejected)].prop_map(ended),
        Just(Event::Parked { reason: "absent".into() }),
        Just(Event::Resolved { how: End::Cancelled, by: "me".into(), why: "statement".into() }),
        (0i32..500).prop_map(|code| Event::Noticed { code, text: String::new() }),
        Just(Event::CancelRequested { reason: "close-all".into() }),
    ]
}

proptest! {
    /// Whatever happens, in whatever order: an order that is not parked never holds more than was
    /// ordered, only a step of ours can be illegal, and no event but a certain non-send makes an
    /// order sendable again.
    #[test]
    fn the_fold_keeps_its_invariants(events in prop::collection::vec(any_event(), 0..40)) {
        let mut order = Progress::new(100.into());
        for event in &events {
            let before = order.state();
            match order.clone().next(event) {
                Ok(after) => {
                    if after.state() != State::Parked
                        && !matches!(event, Event::Resolved { .. })
                        && before != State::Ended(End::Cancelled)
                    {
                        prop_assert!(after.filled() <= 100.into() || before.is_ended());
                    }
                    if after.state() == State::Planned && before != State::Planned {
                        let not_sent = matches!(event, Event::NotSent { .. });
                        prop_assert!(before == State::InDoubt && not_sent);
                    }
                    order = after;
                }
                Err(illegal) => prop_assert!(
                    matches!(illegal.step, "send" | "withdraw" | "take back" | "end" | "resolve")
                ),
            }
        }
    }

    /// Reports may come in any order and any number of times: what was executed is the same.
    #[test]
    fn the_order_of_reports_does_not_matter(
        mut reports in prop::collection::vec(("[a-d]\\.0[1-3]", 1i64..25), 1..12),
    ) {
        reports.sort();
        reports.dedup_by(|a, b| a.0 == b.0);
        let fold = |reports: &[(String, i64)]| {
            let mut events = vec![sending(1)];
            events.extend(reports.iter().map(|(id, quantity)| executed(id, *quantity)));
            replay(&events).unwrap()
        };
        let forwards = fold(&reports);
        reports.reverse();
        prop_assert_eq!(forwards.filled(), fold(&reports).filled());
    }
}
