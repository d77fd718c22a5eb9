//! The main job: books in, allocation, reconciliation, each as a pushed message.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use hyper::HeaderMap;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::seed::{SAMPLES, Sample};
use super::story;
use crate::cli::courier::{Courier, Setback, Told};
use crate::cli::letter::Letter;
use crate::cli::{Exit, order_tables, output, records, told};
use crate::clock::Clock;
use crate::dispatch::{Arrival, run_key};
use crate::domain::{RunKey, TradingMode};
use crate::orders::{Ledger, Tracked};
use crate::portfolio::LatestPortfolio;
use crate::push::read_message;
use crate::runs::RunRecord;
use crate::store::Store;

/// The schedule of the main job, as a run key names it.
const ALLOCATION_JOB: &str = "daily-allocation";

/// Posts the messages of the main job and tells what came of each.
#[derive(Debug)]
pub(super) struct Job {
    pub courier: Courier,
    pub store: Arc<dyn Store>,
    pub clock: Clock,
    pub mode: TradingMode,
    pub started_at: Timestamp,
}

impl Job {
    /// Runs it once. What is done already today is answered from its record.
    pub async fn run(&self) -> anyhow::Result<Exit> {
        for (index, sample) in SAMPLES.iter().enumerate() {
            let letter = self.book_of(sample).await?;
            output::print(&story::book_heading(index + 1, sample, letter.message_id()))?;
            let told = self.deliver(&letter).await?;
            output::print(&story::outcome(&told))?;
        }
        let allocated = self.allocate(SAMPLES.len() + 1).await?;
        let reconciled = self.reconcile(SAMPLES.len() + 2).await?;
        Ok(if allocated == Exit::Done { reconciled } else { allocated })
    }

    async fn allocate(&self, step: usize) -> anyhow::Result<Exit> {
        let letter = self.letter("allocation", Some(ALLOCATION_JOB), &Map::new());
        output::print(&story::heading(step, "allocation: trade to the books", &letter))?;
        let told = self.deliver(&letter).await?;
        output::print(&story::outcome(&told))?;
        let mut orders = self.orders_of(&told).await?;
        order_tables::as_sent(&mut orders);
        output::print(&story::trades(&orders, self.started_at))?;
        Ok(told::exit_of(&told, false))
    }

    async fn reconcile(&self, step: usize) -> anyhow::Result<Exit> {
        let letter = self.letter("reconcile", None, &Map::new());
        output::print(&story::heading(step, "reconcile: compare with the broker", &letter))?;
        let told = self.deliver(&letter).await?;
        output::print(&story::outcome(&told))?;
        let path = format!("positions/{}/portfolio/latest", self.mode);
        if let Some(portfolio) = records::document::<LatestPortfolio>(&self.store, &path).await? {
            output::print(&story::holdings(&portfolio))?;
        }
        Ok(told::exit_of(&told, false))
    }

    /// Today's message of a strategy. A day's slot has one book: what was handed in before is
    /// handed in again as it was, because another book under the same key would be refused.
    async fn book_of(&self, sample: &Sample) -> anyhow::Result<Letter> {
        let job = Some(sample.strategy);
        let new = self.letter("set-targets", job, &sample.book(self.clock.now()));
        let Arrival::Delivery(delivery) = read_message(&HeaderMap::new(), new.envelope(1)) else {
            bail!("the sample book of {} is not a message", sample.strategy);
        };
        let path = format!("runs/{}", run_key(&delivery)?);
        let before = records::document::<RunRecord>(&self.store, &path).await?;
        Ok(match before {
            Some(run) => self.letter("set-targets", job, &run.parameters),
            None => new,
        })
    }

    fn letter(&self, intent: &str, job: Option<&str>, parameters: &Map<String, Value>) -> Letter {
        let mut attributes = BTreeMap::from([("intent".to_owned(), intent.to_owned())]);
        attributes.extend(job.map(|job| ("job".to_owned(), job.to_owned())));
        Letter::new(attributes, parameters, self.clock.now())
    }

    async fn deliver(&self, letter: &Letter) -> anyhow::Result<Told> {
        let setback = |setback: &Setback| output::remark(&story::setback(setback));
        let answer = self.courier.deliver(letter, setback).await?;
        let code = answer.code;
        answer.told().with_context(|| format!("the service answered with {code} and no outcome"))
    }

    async fn orders_of(&self, told: &Told) -> anyhow::Result<Vec<Tracked>> {
        let Some(key) = &told.run_key else { return Ok(Vec::new()) };
        let ledger = Ledger::new(self.store.clone(), self.clock.clone(), 0);
        Ok(ledger.orders_of(&RunKey::new(key.as_str())?).await?)
    }
}
