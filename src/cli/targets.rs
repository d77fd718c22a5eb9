//! `rungate targets`: what strategies want to hold.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::output::Form;
use super::records;
use super::table::{Column, Look, Table, exact, name, text, time};
use super::{Exit, Lookup};
use crate::clock::Clock;
use crate::config::Settings;
use crate::domain::StrategyId;
use crate::intents::StoredBook;
use crate::portfolio::{Freshness, Size};
use crate::store::{CollectionPath, DocPath};

const AFTER_HELP: &str = "\
A target book is what one strategy wants to hold, as its last `set-targets` message said. While it is
fresh, the intent `allocation` trades towards it. A strategy without a fresh book keeps what it
holds.

Examples:
  rungate targets
  rungate targets --json";

/// Options of `rungate targets`.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Options {
    #[command(flatten)]
    form: Form,
}

/// A strategy's book: none, one that reads, or what is wrong with it.
type Found = (StrategyId, Option<Result<StoredBook, String>>);

/// Prints every strategy's latest book and whether it is fresh.
pub(super) async fn run(options: Options, lookup: Lookup) -> anyhow::Result<Exit> {
    let settings = Settings::from_lookup(lookup)?;
    let store = records::open_existing(&settings)?;
    let now = Clock::system().now();
    let mut books: Vec<Found> = Vec::new();
    for document in records::all(&store, CollectionPath::new("strategies")?).await? {
        let strategy = StrategyId::new(document.path.id())?;
        let path = DocPath::new(format!("strategies/{strategy}/intent/latest"))?;
        let found = store.get(&path).await?;
        let book = found.map(|found| {
            found.parse::<StoredBook>().map_err(|error| crate::intents::chain(&error))
        });
        books.push((strategy, book));
    }
    let document = json!({
        "at": now,
        "strategies": books.iter().map(|found| described(found, now)).collect::<Vec<_>>(),
    });
    options.form.show(&document, |look| told(&books, now, look))?;
    Ok(Exit::Done)
}

fn described((strategy, book): &Found, now: Timestamp) -> Value {
    match book {
        None => json!({ "strategy": strategy, "freshness": "missing" }),
        Some(Err(problem)) => {
            json!({ "strategy": strategy, "freshness": "malformed", "problem": problem })
        }
        Some(Ok(book)) => {
            let freshness = freshness(book, now);
            json!({ "strategy": strategy, "freshness": freshness, "latest": book })
        }
    }
}

fn freshness(book: &StoredBook, now: Timestamp) -> &'static str {
    match book.resolved.freshness(now) {
        Freshness::Fresh => "fresh",
        Freshness::Expired => "over",
        Freshness::NotYet => "in the future",
    }
}

const BOOKS: &[Column] = &[
    name("strategy"),
    name("book"),
    text("wants"),
    name("as of"),
    name("valid until"),
    name("run"),
];

fn told(books: &[Found], now: Timestamp, look: Look) -> String {
    if books.is_empty() {
        return "no strategy has handed in a target book\n".to_owned();
    }
    let mut table = Table::new(BOOKS);
    for (strategy, book) in books {
        let strategy = strategy.to_string();
        let none = String::new;
        match book {
            None => table.row([strategy, "missing".to_owned(), none(), none(), none(), none()]),
            Some(Err(problem)) => table.row([
                strategy,
                "malformed".to_owned(),
                problem.clone(),
                none(),
                none(),
                none(),
            ]),
            Some(Ok(book)) => table.row([
                strategy,
                freshness(book, now).to_owned(),
                wants(book),
                time(book.resolved.as_of),
                time(book.resolved.valid_until),
                book.run_key.clone(),
            ]),
        }
    }
    table.render(look)
}

fn wants(book: &StoredBook) -> String {
    if book.resolved.targets.is_empty() {
        return "nothing (flat)".to_owned();
    }
    let targets = book.resolved.targets.iter().map(|(contract, size)| {
        let name = book.instruments.get(contract);
        let name = name.map_or_else(|| contract.to_string(), ToString::to_string);
        match size {
            Size::Weight(weight) => format!("{name} {}", exact(*weight)),
            Size::Quantity(quantity) => format!("{name} {} units", exact(*quantity)),
        }
    });
    targets.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book(targets: Value, resolved: Value) -> StoredBook {
        let flat = targets.as_array().unwrap().is_empty();
        serde_json::from_value(json!({
            "book": {
                "strategy": "balanced", "as_of": "2026-03-09T14:00:00Z",
                "valid_until": "2026-03-10T14:00:00Z", "targets": targets, "flat": flat,
            },
            "resolved": {
                "strategy": "balanced", "as_of": "2026-03-09T14:00:00Z",
                "valid_until": "2026-03-10T14:00:00Z", "targets": resolved,
            },
            "instruments": { "756733": {
                "id": 756733, "symbol": "SPY", "sec_type": "STK", "currency": "USD",
            }},
            "received_at": "2026-03-09T14:00:01Z", "run_key": "balanced.set-targets.2026-03-09",
        }))
        .unwrap()
    }

    #[test]
    fn every_strategy_is_there_with_what_its_book_is_worth_now() {
        let targets = json!([
            { "contract": { "symbol": "SPY" }, "weight": "0.6" },
            { "contract": { "con_id": 76792991 }, "quantity": "-5" },
        ]);
        let resolved = json!({ "756733": {"weight": "0.6"}, "76792991": {"quantity": "-5"} });
        let id = |name: &str| StrategyId::new(name).unwrap();
        let books = [
            (id("balanced"), Some(Ok(book(targets, resolved)))),
            (id("broken"), Some(Err("document x does not read as expected".to_owned()))),
            (id("flat"), Some(Ok(book(json!([]), json!({}))))),
            (id("silent"), None),
        ];
        let now = "2026-03-09T15:00:00Z".parse().unwrap();
        insta::assert_snapshot!(told(&books, now, Look::Plain), @r"
        strategy  book       wants                                 as of                 valid until           run
        balanced  fresh      SPY 0.6, 76792991 -5 units            2026-03-09 14:00:00Z  2026-03-10 14:00:00Z  balanced.set-targets.2026-03-09
        broken    malformed  document x does not read as expected
        flat      fresh      nothing (flat)                        2026-03-09 14:00:00Z  2026-03-10 14:00:00Z  balanced.set-targets.2026-03-09
        silent    missing
        ");
        let later = "2026-03-10T14:00:00Z".parse().unwrap();
        assert!(told(&books, later, Look::Plain).contains("balanced  over"));
    }
}
