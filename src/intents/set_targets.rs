//! `set-targets`: any program, in any language, hands in what its strategy wants to hold.

use serde::Deserialize;
use serde_json::{Value, json};

use super::contracts::resolve;
use super::stored_book::{StoredBook, latest};
use super::{Context, IntentError};
use crate::domain::StrategyId;
use crate::portfolio::{
    Admission, BookMessage, BookProblems, Resolution, ResolvedBook, TargetBook,
};
use crate::runs::Outcome;
use crate::store::{DocPath, Document, StoreError, Version};

/// Takes a target book as its parameters.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub struct SetTargets(BookMessage);

impl SetTargets {
    pub(super) async fn run(self, cx: &mut Context<'_>) -> Result<Outcome, IntentError> {
        let config = cx.prepare().await?;
        let strategy = self.0.strategy.clone();
        let path = latest(&strategy)?;
        let stored = cx.store().get(&path).await?;
        let before = stored.as_ref().map(Document::parse::<StoredBook>).transpose()?;
        let admission = Admission {
            now: cx.now(),
            config: &config,
            stored: before.as_ref().map(|stored| &stored.book),
        };
        let book = TargetBook::admit(self.0, admission).map_err(refusal(&strategy))?;
        let queries = book.targets().iter().map(|target| target.contract.clone());
        let resolutions = resolve(cx, queries).await?;
        let resolved = ResolvedBook::new(&book, &resolutions).map_err(refusal(&strategy))?;
        let instruments = resolutions
            .values()
            .filter_map(|resolution| match resolution {
                Resolution::Found(contract) => {
                    Some((contract.instrument.id, contract.instrument.clone()))
                }
                _ => None,
            })
            .collect();
        let summary = match book.is_flat() {
            true => format!("{strategy} wants to hold nothing"),
            false => format!("{strategy} has {} targets", book.targets().len()),
        };
        let record = StoredBook {
            book,
            resolved,
            instruments,
            received_at: cx.now(),
            run_key: cx.run().key().to_string(),
        };
        cx.note("book", &record);
        keep(cx, &path, stored.map(|document| document.version), &record).await?;
        register(cx, &strategy).await?;
        let valid_until = record.book.valid_until();
        let summary = format!("{summary} until {valid_until}");
        Ok(Outcome::done(summary).with_details(json!(record.book)))
    }
}

fn refusal(strategy: &StrategyId) -> impl Fn(BookProblems) -> IntentError {
    move |problems| {
        let reasons = problems.0.iter().map(ToString::to_string).collect();
        let summary = format!("the target book of {strategy} is refused; its holdings are kept");
        IntentError::refused(summary, reasons)
    }
}

/// Replaces the book that was judged against, and no other: of two that come at once, the later
/// one is judged again, against the first.
async fn keep(
    cx: &Context<'_>,
    path: &DocPath,
    version: Option<Version>,
    record: &StoredBook,
) -> Result<(), StoreError> {
    let body = to_json(path, record)?;
    match version {
        Some(version) => cx.store().update(path, &version, &body).await.map(drop),
        None => match cx.store().create(path, &body).await {
            Err(StoreError::Exists(path)) => Err(StoreError::Conflict(path)),
            written => written.map(drop),
        },
    }
}

/// Makes the strategy known: lists find it by `strategies/{id}`.
async fn register(cx: &Context<'_>, strategy: &StrategyId) -> Result<(), StoreError> {
    let path = DocPath::new(format!("strategies/{strategy}"))?;
    match cx.store().create(&path, &json!({ "strategy": strategy, "since": cx.now() })).await {
        Ok(_) | Err(StoreError::Exists(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

fn to_json(path: &DocPath, record: &StoredBook) -> Result<Value, StoreError> {
    serde_json::to_value(record).map_err(|source| StoreError::Unstorable {
        path: path.clone(),
        problem: source.to_string(),
    })
}
