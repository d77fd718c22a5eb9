//! What `rungate dev` says of each step. Pure: records in, text out.

use std::net::SocketAddr;

use jiff::Timestamp;

use super::seed::Sample;
use crate::cli::courier::{Setback, Told};
use crate::cli::letter::Letter;
use crate::cli::table::{Look, printable};
use crate::cli::{order_tables, positions, told};
use crate::config::Settings;
use crate::orders::Tracked;
use crate::portfolio::LatestPortfolio;
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
    told::text(told).lines().map(|line| format!("   {line}\n")).collect()
}

/// A delivery that was not acknowledged.
pub(super) fn setback(setback: &Setback) -> String {
    let Setback { attempt, why, pause } = setback;
    let (why, pause) = (printable(why), pause.as_secs_f32());
    format!("   delivery {attempt} was not acknowledged ({why}); again in {pause} s")
}

/// The plan and what became of it. `since` tells new orders from those of an earlier start.
pub(super) fn trades(orders: &[Tracked], since: Timestamp) -> String {
    let new = orders.iter().filter(|order| order.record().created_at >= since).count();
    let mut told = String::new();
    if !orders.is_empty() {
        let plan = order_tables::plan(orders.iter().map(|order| &order.spec().line));
        let sent = order_tables::sent(orders);
        let heading = "on record before the first send:";
        told.push_str(&format!("\n   {heading}\n{}", indented(&plan.render(Look::Plain))));
        told.push_str(&format!("\n   sent and filled:\n{}", indented(&sent.render(Look::Plain))));
    }
    told.push_str(&match new {
        0 => "\n   nothing was traded by this start\n".to_owned(),
        new => format!("\n   {new} orders were traded by this start\n"),
    });
    told
}

/// Who holds what, by the broker's and by our own word.
pub(super) fn holdings(portfolio: &LatestPortfolio) -> String {
    format!("\n{}", indented(&positions::contracts(portfolio).render(Look::Plain)))
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
