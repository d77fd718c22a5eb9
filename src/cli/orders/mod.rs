//! `rungate orders`: our orders, with the state that their ledger gives them.

mod resolve;

use serde_json::{Value, json};

use super::exit::Refusal;
use super::output::Form;
use super::table::{Column, Look, Table, exact, name, number, printable, text};
use super::{Exit, Lookup, order_tables, records};
use crate::clock::Clock;
use crate::config::Settings;
use crate::domain::OrderRef;
use crate::orders::{Ledger, Tracked};

const AFTER_HELP: &str = "\
An order is planned, in doubt (sent and not yet answered), working, filled, cancelled, rejected or
withdrawn; or it is parked: it may or may not be at the broker, no automatic step is safe, and its
contract is locked until a person decides (rungate orders resolve --help).

Examples:
  rungate orders                          the latest orders of all runs
  rungate orders --open                   those that still need somebody
  rungate orders rg-2566c4beabe05aaf0249  one order, with everything that happened to it";

/// Options of `rungate orders`.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = AFTER_HELP, args_conflicts_with_subcommands = true)]
pub(super) struct Options {
    #[command(subcommand)]
    command: Option<Command>,
    /// Show this order alone, with its events
    #[arg(value_name = "REF")]
    order: Option<String>,
    /// Only orders that still need somebody: not ended, or not booked
    #[arg(long)]
    open: bool,
    /// Show the latest N
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
    #[command(flatten)]
    form: Form,
}

#[derive(clap::Subcommand, Clone, Debug)]
enum Command {
    /// Decide about a parked order
    Resolve(resolve::Options),
}

/// Prints the latest orders, or one; or decides about one.
pub(super) async fn run(options: Options, lookup: Lookup) -> anyhow::Result<Exit> {
    if let Some(Command::Resolve(options)) = options.command {
        return resolve::run(options, lookup).await;
    }
    let settings = Settings::from_lookup(lookup)?;
    let store = records::open_existing(&settings)?;
    if let Some(name) = options.order {
        let ledger = Ledger::new(store, Clock::system(), 0);
        let order = find(&ledger, &name).await?;
        let mut document = order_tables::document(&order);
        document["record"] = serde_json::to_value(order.record())?;
        options.form.show(&document, |look| order_text(&order, look))?;
        return Ok(Exit::Done);
    }
    let mut orders = records::orders(&store).await?;
    orders.retain(|order| !options.open || order.progress().is_open());
    let all = orders.len();
    orders.truncate(options.limit);
    let told: Vec<Value> = orders.iter().map(order_tables::document).collect();
    let document = json!({ "orders": told, "on_record": all });
    options.form.show(&document, |look| list_text(&orders, all, look))?;
    Ok(Exit::Done)
}

/// The order of that name.
async fn find(ledger: &Ledger, name: &str) -> anyhow::Result<Tracked> {
    let found = ledger.load(&OrderRef::from_record(name)).await?;
    found.ok_or_else(|| {
        Refusal(format!("no order {name:?} is on record; `rungate orders` lists them")).into()
    })
}

fn list_text(orders: &[Tracked], all: usize, look: Look) -> String {
    if orders.is_empty() {
        return "no such orders are on record\n".to_owned();
    }
    let mut drawn = order_tables::list(orders).render(look);
    if orders.len() < all {
        drawn.push_str(&format!("{} of {all} orders; --limit shows more\n", orders.len()));
    }
    drawn
}

const EVENTS: &[Column] = &[number("#"), name("at"), name("event"), text("what"), number("lease")];

fn order_text(order: &Tracked, look: Look) -> String {
    let (spec, progress) = (order.spec(), order.progress());
    let mut told = String::new();
    let mut line = |name: &str, value: &str| {
        told.push_str(&format!("{name:<12}{}\n", printable(value)));
    };
    line("order", &order_tables::what(&spec.line));
    line("reference", spec.line.order_ref.as_str());
    line("account", &spec.account.to_string());
    line("run", spec.run_key.as_str());
    line("for", &order_tables::for_whom(&spec.line));
    line("now", order.state().as_str());
    progress.parked_because().iter().for_each(|why| line("because", why));
    line("filled", &format!("{} of {}", exact(progress.filled()), exact(spec.line.quantity)));
    progress.average_price().iter().for_each(|price| line("at", &exact(price.round_dp(6))));
    line("booked", &exact(progress.attributed()));
    let mut table = Table::new(EVENTS);
    for (index, entry) in order.record().events.iter().enumerate() {
        let (name, what) = order_tables::tell(&entry.event);
        let at = entry.at.strftime("%Y-%m-%d %H:%M:%S%.3fZ").to_string();
        table.row([(index + 1).to_string(), at, name.to_owned(), what, entry.fence.to_string()]);
    }
    told.push_str(&format!("\n{}", table.render(look)));
    told
}

#[cfg(test)]
#[path = "orders_tests.rs"]
mod tests;
