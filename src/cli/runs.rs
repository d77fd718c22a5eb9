//! `rungate runs`: what was asked for, and how it ended.

use serde_json::{Value, json};

use super::exit::Refusal;
use super::output::Form;
use super::table::{Column, Look, Table, name, number, or_dash, printable, text, time};
use super::{Exit, Lookup, order_tables, records};
use crate::clock::Clock;
use crate::config::Settings;
use crate::domain::RunKey;
use crate::orders::{Ledger, Tracked};
use crate::runs::{RunRecord, RunState};

const AFTER_HELP: &str = "\
A run is one execution of one intent. Its key is the same for every message that means the same
work, and its record is kept for ever.

Examples:
  rungate runs                                     the latest runs
  rungate runs --limit 5 --json                    five of them, for a program
  rungate runs daily-allocation.allocation.2026-03-09
                                                   one run: its plan, its orders, what it said";

/// Options of `rungate runs`.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Options {
    /// Show this run alone, with its plan and its orders
    #[arg(value_name = "RUN")]
    run: Option<RunKey>,
    /// Show the latest N
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = at_least_one)]
    limit: usize,
    #[command(flatten)]
    form: Form,
}

/// Prints the latest runs, or one.
pub(super) async fn run(options: Options, lookup: Lookup) -> anyhow::Result<Exit> {
    let settings = Settings::from_lookup(lookup)?;
    let store = records::open_existing(&settings)?;
    let Some(key) = options.run else {
        let mut runs = records::runs(&store).await?;
        let all = runs.len();
        runs.truncate(options.limit);
        let document = json!({ "runs": runs, "on_record": all });
        options.form.show(&document, |look| list_text(&runs, all, look))?;
        return Ok(Exit::Done);
    };
    let Some(record) = records::document::<RunRecord>(&store, &format!("runs/{key}")).await? else {
        return Err(Refusal(format!("no run {key} is on record; `rungate runs` lists them")).into());
    };
    let ledger = Ledger::new(store.clone(), Clock::system(), 0);
    let mut orders = ledger.orders_of(&key).await?;
    order_tables::as_sent(&mut orders);
    let activity: Option<Value> = match &record.activity {
        Some(id) => records::document(&store, &format!("activity/{id}")).await?,
        None => None,
    };
    let told: Vec<Value> = orders.iter().map(order_tables::document).collect();
    let document = json!({ "run": record, "orders": told, "activity": activity });
    options.form.show(&document, |look| run_text(&record, &orders, look))?;
    Ok(Exit::Done)
}

const LIST: &[Column] =
    &[name("created"), name("run"), name("intent"), name("now"), number("took"), text("summary")];

fn list_text(runs: &[RunRecord], on_record: usize, look: Look) -> String {
    if runs.is_empty() {
        return "no runs are on record\n".to_owned();
    }
    let mut table = Table::new(LIST);
    for run in runs {
        table.row([
            time(run.created_at),
            run.run_key.to_string(),
            run.intent.clone(),
            match run.attempts {
                0 | 1 => state(run).to_owned(),
                more => format!("{} ({more} attempts)", state(run)),
            },
            or_dash(run.ended_at, |at| {
                let took = at.duration_since(run.created_at);
                format!("{:.2} s", took.as_secs_f64())
            }),
            run.outcome.as_ref().map(|outcome| outcome.summary.clone()).unwrap_or_default(),
        ]);
    }
    let mut drawn = table.render(look);
    if runs.len() < on_record {
        drawn.push_str(&format!("{} of {on_record} runs; --limit shows more\n", runs.len()));
    }
    drawn
}

/// `running` until the first attempt ends, then how the last one ended.
fn state(run: &RunRecord) -> &'static str {
    match (run.state, &run.outcome) {
        (RunState::Running, _) | (_, None) => "running",
        (RunState::Failed | RunState::Ended, Some(outcome)) => outcome.status.as_str(),
    }
}

fn run_text(run: &RunRecord, orders: &[Tracked], look: Look) -> String {
    let mut told = String::new();
    let mut line = |name: &str, value: &str| {
        told.push_str(&format!("{name:<12}{}\n", printable(value)));
    };
    line("run", run.run_key.as_str());
    line("intent", &run.intent);
    line("parameters", &Value::Object(run.parameters.clone()).to_string());
    line("now", state(run));
    line("created", &time(run.created_at));
    run.planned_at.iter().for_each(|at| line("planned", &time(*at)));
    run.ended_at.iter().for_each(|at| line("ended", &time(*at)));
    line("attempts", &run.attempts.to_string());
    line("messages", &run.message_ids.join(", "));
    run.activity.iter().for_each(|id| line("activity", &format!("activity/{id}")));
    if let Some(outcome) = &run.outcome {
        line("summary", &outcome.summary);
        outcome.attention.iter().for_each(|attention| line("look at", attention));
        let reasons = outcome.details.get("reasons").and_then(Value::as_array);
        for reason in reasons.into_iter().flatten().filter_map(Value::as_str) {
            line("because", reason);
        }
    }
    if !orders.is_empty() {
        let plan = order_tables::plan(orders.iter().map(|order| &order.spec().line));
        told.push_str(&format!("\n{}", plan.render(look)));
        told.push_str(&format!("\n{}", order_tables::sent(orders).render(look)));
    }
    told
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err(format!("{text:?} is not a number from 1")),
        Ok(number) => Ok(number),
    }
}

#[cfg(test)]
#[path = "runs_tests.rs"]
mod tests;
