//! What `rungate dev` says of each step. Pure: records in, text out.

use std::net::SocketAddr;

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::seed::Sample;
use crate::cli::courier::{Setback, Told};
use crate::cli::letter::Letter;
use crate::cli::table::{
    Column, Look, Table, exact, money, number, or_dash, printable, text, time,
};
use crate::config::Settings;
use crate::orders::{Event, Tracked};
use crate::portfolio::{LatestPortfolio, Line};
use crate::store::DocPath;

/// What runs where.
pub(super) fn opening(
    settings: &Settings,
    gateway: SocketAddr,
    service: SocketAddr,
    seed: u64,
    new: &[DocPath],
) -> String {
    let mut told = format!(
        "rungate dev: the whole system on this machine\n\n  \
         gateway   simulated IB Gateway at {gateway}, prices from seed {seed}\n  \
         records   {}\n  \
         service   http://{service}/push\n",
        settings.store_url
    );
    if !new.is_empty() {
        let paths: Vec<&str> = new.iter().map(DocPath::as_str).collect();
        told.push_str(&format!("  seeded    {}\n", paths.join(", ")));
    }
    told
}

/// A strategy's program hands in its book.
pub(super) fn book_heading(step: usize, sample: &Sample, message_id: &str) -> String {
    let Sample { strategy, .. } = sample;
    let wishes = sample.wishes();
    format!("\n{step}. set-targets: {strategy} wants {wishes}\n   message {message_id}\n")
}

/// A step and its message.
pub(super) fn heading(step: usize, what: &str, letter: &Letter) -> String {
    format!("\n{step}. {what}\n   message {}\n", letter.message_id())
}

/// What the service answered.
pub(super) fn outcome(told: &Told) -> String {
    let mut text = String::new();
    if let Some(key) = &told.run_key {
        text.push_str(&format!("   run     {}\n", printable(key)));
    }
    text.push_str(&format!("   {:<7} {}\n", told.status, printable(&told.summary)));
    if told.replayed {
        text.push_str("           this run was done before: answered from its record\n");
    }
    for line in &told.attention {
        text.push_str(&format!("   look at {}\n", printable(line)));
    }
    if let Some(reasons) = told.details.get("reasons").and_then(|reasons| reasons.as_array()) {
        for reason in reasons.iter().filter_map(|reason| reason.as_str()) {
            text.push_str(&format!("   because {}\n", printable(reason)));
        }
    }
    text
}

/// A delivery that was not acknowledged.
pub(super) fn setback(setback: &Setback) -> String {
    let Setback { attempt, why, pause } = setback;
    let (why, pause) = (printable(why), pause.as_secs_f32());
    format!("   delivery {attempt} was not acknowledged ({why}); again in {pause} s")
}

const PLAN: &[Column] =
    &[text("plan"), number("price"), number("value"), text("for"), text("order reference")];

const SENDS: &[Column] = &[
    text("order"),
    number("id"),
    text("sent"),
    number("filled"),
    number("at"),
    number("commission"),
    text("now"),
];

/// The plan and what became of it. `since` tells new orders from those of an earlier start.
pub(super) fn trades(orders: &[Tracked], since: Timestamp) -> String {
    let new = orders.iter().filter(|order| order.record().created_at >= since).count();
    let mut told = String::new();
    if !orders.is_empty() {
        let (mut plan, mut sends) = (Table::new(PLAN), Table::new(SENDS));
        for order in orders {
            plan.row(plan_row(order));
            sends.row(send_row(order));
        }
        let heading = "on record before the first send:";
        told.push_str(&format!("\n   {heading}\n{}", indented(&plan.render(Look::Plain))));
        told.push_str(&format!("\n   sent and filled:\n{}", indented(&sends.render(Look::Plain))));
    }
    told.push_str(&match new {
        0 => "\n   nothing was traded by this start\n".to_owned(),
        new => format!("\n   {new} orders were traded by this start\n"),
    });
    told
}

/// Side, quantity and contract.
fn what(line: &Line) -> String {
    format!("{} {} {}", line.side, exact(line.quantity), line.instrument)
}

fn plan_row(order: &Tracked) -> [String; 5] {
    let line = &order.spec().line;
    let shares = line
        .contributions
        .iter()
        .map(|(strategy, share)| format!("{strategy} {}", exact(*share)))
        .collect::<Vec<_>>();
    [
        what(line),
        or_dash(line.reference_price, money),
        or_dash(line.value, |value| value.round_dp(0).to_string()),
        shares.join(", "),
        line.order_ref.to_string(),
    ]
}

fn send_row(order: &Tracked) -> [String; 7] {
    let progress = order.progress();
    let sent = order.record().events.iter().find_map(|entry| match entry.event {
        Event::Sending { order_id, .. } => Some((order_id, entry.at)),
        _ => None,
    });
    let commission: Decimal = progress
        .fills()
        .filter_map(|fill| progress.commission(&fill.execution_id))
        .map(|commission| commission.amount)
        .sum();
    [
        what(&order.spec().line),
        or_dash(sent, |(id, _)| id.to_string()),
        or_dash(sent, |(_, at)| time(at)),
        exact(progress.filled()),
        or_dash(progress.average_price(), money),
        money(commission),
        order.state().as_str().to_owned(),
    ]
}

const HOLDINGS: &[Column] = &[
    text("contract"),
    number("position"),
    number("average cost"),
    text("held by"),
    number("unclaimed"),
];

/// Who holds what, by the broker's and by our own word.
pub(super) fn holdings(portfolio: &LatestPortfolio) -> String {
    let mut table = Table::new(HOLDINGS);
    for row in portfolio.contracts.values() {
        let held: Vec<String> = row
            .by_strategy
            .iter()
            .map(|(strategy, quantity)| format!("{strategy} {}", exact(*quantity)))
            .collect();
        table.row([
            row.instrument.to_string(),
            exact(row.position),
            or_dash(row.average_cost, money),
            held.join(", "),
            exact(row.unclaimed),
        ]);
    }
    format!("\n{}", indented(&table.render(Look::Plain)))
}

/// How to look further.
pub(super) fn closing(settings: &Settings, service: SocketAddr, once: bool) -> String {
    let url = quoted(&settings.store_url);
    let look = format!(
        "\nLook further, in another terminal:\n\n  \
         export STORE_URL={url} TRADING_MODE=paper\n  \
         rungate runs\n  \
         rungate orders\n  \
         rungate positions\n"
    );
    match once {
        true => look,
        false => format!(
            "{look}  \
             curl http://{service}/summary\n  \
             rungate trigger allocation --push http://{service}/push\n\n\
             Ctrl-C stops everything.\n"
        ),
    }
}

/// As a shell takes it for one word.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:".contains(c);
    match word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("     {line}\n")).collect()
}
