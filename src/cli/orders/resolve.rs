//! `rungate orders resolve`: a person's decision about a parked order.

use clap::ValueEnum;
use serde_json::json;

use super::super::exit::Refusal;
use super::super::output::Form;
use super::super::{Exit, Lookup, order_tables, records, switch};
use super::find;
use crate::clock::Clock;
use crate::config::Settings;
use crate::orders::{Decision, End, Ledger, OrderError, ResolutionProblem};

const AFTER_HELP: &str = "\
Look at the broker first: open orders, trades, positions, of the order's whole day. Then say how
the order ended. Its fills are what the ledger has, and a decision that contradicts them is
refused: if the broker shows more fills than `rungate orders REF` does, run the intent `reconcile`.
If the broker still works the order, cancel it there first.

  filled      all of it was executed, and the ledger has the executions
  cancelled   it works no longer, and was executed in part or not at all
  rejected    the broker never took it, and nothing of it was executed

The decision is final, is on record with name and reason, and unlocks the contract.

Example:
  rungate orders resolve rg-2566c4beabe05aaf0249 --as cancelled \\
      --why 'not in TWS, no execution in the day report of 9 March' --by 'A. Trader'";

/// Options of `rungate orders resolve`.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = AFTER_HELP)]
pub(in crate::cli) struct Options {
    /// The order's reference
    #[arg(value_name = "REF")]
    order: String,
    /// How it ended
    #[arg(long = "as", value_name = "HOW")]
    how: How,
    /// What you saw at the broker
    #[arg(long, value_name = "TEXT")]
    why: String,
    /// Who decides [default: the environment's USER]
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    #[command(flatten)]
    form: Form,
}

/// The ends that a person can find.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum How {
    Filled,
    Cancelled,
    Rejected,
}

impl From<How> for End {
    fn from(how: How) -> Self {
        match how {
            How::Filled => Self::Filled,
            How::Cancelled => Self::Cancelled,
            How::Rejected => Self::Rejected,
        }
    }
}

/// Records the decision, unless it contradicts the ledger.
pub(in crate::cli) async fn run(options: Options, lookup: Lookup) -> anyhow::Result<Exit> {
    let settings = Settings::from_lookup(lookup)?;
    let store = records::open_existing(&settings)?;
    let why = options.why.trim().to_owned();
    if why.is_empty() {
        return Err(Refusal("--why: say what you saw at the broker".to_owned()).into());
    }
    let by = switch::name_of_person(options.by, lookup);
    let clock = Clock::system();
    let mut order = find(&Ledger::new(store.clone(), clock.clone(), 0), &options.order).await?;
    let before = order.state().as_str();
    let decision = Decision { how: options.how.into(), by: by.clone(), why: why.clone() };
    let resolved = Ledger::resolve(&store, &clock, &mut order, decision).await;
    match resolved {
        Ok(()) => {}
        Err(OrderError::Unresolvable(problem)) => return Err(refusal(&options.order, &problem)),
        Err(error) => return Err(error.into()),
    }
    let after = order.state().as_str();
    let document =
        json!({ "before": before, "after": after, "order": order_tables::document(&order) });
    options.form.show(&document, |_| {
        let what = order_tables::what(&order.spec().line);
        format!("{} ({what}): {before} → {after}, by {by}: {why}\n", options.order)
    })?;
    Ok(Exit::Done)
}

fn refusal(order: &str, problem: &ResolutionProblem) -> anyhow::Error {
    Refusal(format!("order {order}: {problem}")).into()
}
