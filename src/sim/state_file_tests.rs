//! A state file cut anywhere, and what of it is found again.

use rust_decimal::Decimal;

use super::*;
use crate::sim::Options;
use crate::sim::broker::order::{Price, Proposal, Side, TimeInForce};
use crate::sim::broker::terms::Terms;
use crate::sim::messages;
use crate::sim::server::build;
use crate::sim::truth::Truth;

fn options(path: &Path) -> Options {
    Options {
        state: Some(path.to_owned()),
        accounts: vec!["DU1".into(), "DU2".into()],
        ..Options::loopback(1)
    }
}

fn place(world: &mut World, order_id: i32, account: &str, quantity: i64) {
    let listing = world.market.universe().get(756_733).unwrap();
    let proposal = Proposal {
        account: account.to_owned(),
        client_id: 1,
        order_id,
        con_id: listing.con_id,
        exchange: "SMART".to_owned(),
        side: if order_id % 2 == 0 { Side::Sell } else { Side::Buy },
        quantity: Decimal::from(quantity),
        price: Price::Market,
        tif: TimeInForce::Day,
        terms: Terms::default(),
        transmit: true,
        parent_id: None,
        wire: messages::Order::default(),
    };
    world.settings.mark_used(1, order_id);
    world.trade(|broker, rules| broker.place(proposal, rules));
}

/// The truth but for what the prices of the moment make of it.
fn facts(world: &World) -> String {
    let truth = Truth::of(world);
    let cash: Vec<_> = truth.accounts.values().map(|account| &account.cash).collect();
    let held: Vec<_> = truth.accounts.values().map(|account| &account.positions).collect();
    serde_json::to_string(&(&truth.orders, &truth.executions, cash, held)).unwrap()
}

#[test]
fn a_file_that_was_cut_anywhere_gives_the_last_change_that_was_finished() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let mut world = build(&options(&path)).unwrap();
    let mut file = StateFile::new(path.clone());
    file.save(&mut world).unwrap();
    let whole = fs::read(&path).unwrap().len();
    let mut states = vec![(whole, facts(&world))];
    for order_id in 1..=4 {
        place(&mut world, order_id, if order_id < 3 { "DU1" } else { "DU2" }, 10);
        assert!(world.broker.has_changes());
        file.save(&mut world).unwrap();
        assert!(!world.broker.has_changes());
        states.push((fs::read(&path).unwrap().len(), facts(&world)));
    }
    let text = fs::read(&path).unwrap();
    for cut in whole..=text.len() {
        fs::write(&path, &text[..cut]).unwrap();
        let found = build(&options(&path)).unwrap();
        let finished = states.iter().rev().find(|(length, _)| *length <= cut).unwrap();
        assert_eq!(facts(&found), finished.1, "cut at {cut} of {}", text.len());
    }
}

#[test]
fn an_end_between_writing_anew_and_renaming_leaves_the_old_state() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let mut world = build(&options(&path)).unwrap();
    place(&mut world, 1, "DU1", 10);
    StateFile::new(path.clone()).save(&mut world).unwrap();
    // What the next writing had got to.
    let whole = fs::read(&path).unwrap();
    fs::write(folder.path().join("state.new"), &whole[..whole.len() / 2]).unwrap();
    let found = build(&options(&path)).unwrap();
    assert_eq!(facts(&found), facts(&world));
    let mut file = StateFile::new(path.clone());
    let mut found = found;
    place(&mut found, 2, "DU2", 5);
    file.save(&mut found).unwrap();
    assert_eq!(facts(&build(&options(&path)).unwrap()), facts(&found));
}

#[test]
fn a_change_that_could_not_be_written_is_in_the_next_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gone").join("state");
    let mut world = build(&options(&path)).unwrap();
    let mut file = StateFile::new(path.clone());
    place(&mut world, 1, "DU1", 10);
    assert!(matches!(file.save(&mut world), Err(StateError::Io { .. })));
    assert!(world.broker.has_changes(), "what is not written is not forgotten");
    fs::create_dir(folder.path().join("gone")).unwrap();
    file.save(&mut world).unwrap();
    assert_eq!(facts(&build(&options(&path)).unwrap()), facts(&world));
}

#[test]
fn a_file_of_another_form_or_with_a_broken_line_is_refused_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    fs::write(&path, "{\n  \"version\": 2,\n  \"broker\": {}\n}").unwrap();
    let error = build(&options(&path)).unwrap_err().to_string();
    assert!(error.contains("it has form 2, not 4"), "{error}");

    fs::remove_file(&path).unwrap();
    let mut world = build(&options(&path)).unwrap();
    let mut file = StateFile::new(path.clone());
    file.save(&mut world).unwrap();
    place(&mut world, 1, "DU1", 10);
    file.save(&mut world).unwrap();
    let mut text = fs::read(&path).unwrap();
    text.extend_from_slice(b"{\"broker\": 7}\n");
    fs::write(&path, text).unwrap();
    let error = build(&options(&path)).unwrap_err().to_string();
    assert!(error.contains("line 3"), "{error}");
}

#[test]
fn a_thousand_orders_are_read_back_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let mut world = build(&options(&path)).unwrap();
    let mut file = StateFile::new(path.clone());
    for order_id in 1..=1_000 {
        place(&mut world, order_id, "DU1", 1);
        file.save(&mut world).unwrap();
    }
    assert_eq!(facts(&build(&options(&path)).unwrap()), facts(&world));
}
