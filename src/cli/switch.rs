//! `rungate halt` and `rungate resume`: the trading switch.

use serde_json::json;

use super::output::Form;
use super::records::Whose;
use super::table::printable;
use super::{Exit, Lookup, app};
use crate::clock::Clock;
use crate::config::Settings;
use crate::domain::TradingMode;
use crate::orders::{control_path, read_control};
use crate::risk::{Control, TradingSwitch};

/// The longest reason or name that is kept, in characters: a sentence or two. It is shown
/// wherever an order is refused.
const TEXT_MAX: usize = 500;

const HALT_HELP: &str = "\
The switch is read before every single send, by every instance: what is not sent yet is not sent.
Orders that the broker works already stay working. The intent `close-all` cancels them, but it
sends orders itself, so run it before the halt, or with the switch at reduce-only.

Examples:
  rungate halt --reason 'odd fills in VIXY'
  rungate halt --reduce-only                  strategies can only get out
  rungate halt --mode live --by 'A. Trader'";

const RESUME_HELP: &str = "\
Locks of single contracts stay as they are. On a store that has no switch yet this creates it: until
then nothing trades.

Examples:
  rungate resume
  rungate resume --mode live --reason 'the fills were right'";

/// Options of `rungate halt`.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = HALT_HELP)]
pub(super) struct Halt {
    /// Let strategies get out of what they hold, and nothing else
    #[arg(long)]
    reduce_only: bool,
    #[command(flatten)]
    note: Note,
}

/// Options of `rungate resume`.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = RESUME_HELP)]
pub(super) struct Resume {
    #[command(flatten)]
    note: Note,
}

#[derive(clap::Args, Clone, Debug)]
struct Note {
    /// Why, for whoever finds the switch like this
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Who does it [default: the environment's USER]
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    #[command(flatten)]
    whose: Whose,
    #[command(flatten)]
    form: Form,
}

/// Stops trading, or all but exits.
pub(super) async fn halt(options: Halt, lookup: Lookup) -> anyhow::Result<Exit> {
    let to = match options.reduce_only {
        true => TradingSwitch::ReduceOnly,
        false => TradingSwitch::Off,
    };
    set(to, options.note, lookup).await
}

/// Lets trading go on.
pub(super) async fn resume(options: Resume, lookup: Lookup) -> anyhow::Result<Exit> {
    set(TradingSwitch::On, options.note, lookup).await
}

async fn set(to: TradingSwitch, note: Note, lookup: Lookup) -> anyhow::Result<Exit> {
    let settings = Settings::from_lookup(lookup)?;
    let mode = note.whose.mode(&settings)?;
    let store = app::open(&settings)?;
    let now = Clock::system().now();
    let (before, version) = read_control(&store, mode, now).await?;
    let by = name_of_person(note.by, lookup);
    let reason = note.reason.map(|text| text.chars().take(TEXT_MAX).collect());
    let after = before.clone().switched(to, reason, &by, now);
    let path = control_path(mode)?;
    // Only the document that was read is replaced: a lock that came meanwhile must not get lost.
    match &version {
        Some(version) => store.update(&path, version, &json!(after)).await?,
        None => store.create(&path, &json!(after)).await?,
    };
    let was = version.as_ref().map(|_| before.switch);
    let document = json!({ "mode": mode, "before": was, "after": after.switch, "control": after });
    note.form.show(&document, |_| told(mode, was, &after))?;
    Ok(Exit::Done)
}

fn told(mode: TradingMode, before: Option<TradingSwitch>, after: &Control) -> String {
    let before = before.map_or("never set (off)", TradingSwitch::as_str);
    let mut text =
        format!("{mode}: {before} → {}, by {}", after.switch, printable(after.by.as_str()));
    if let Some(reason) = &after.reason {
        text.push_str(&format!(": {}", printable(reason)));
    }
    text.push('\n');
    for (contract, why) in &after.locks {
        text.push_str(&format!("contract {contract} stays locked: {}\n", printable(why)));
    }
    text
}

/// Who sits at the terminal: as given, else the login name.
pub(super) fn name_of_person(given: Option<String>, lookup: Lookup) -> String {
    let name = given.or_else(|| lookup("USER")).filter(|name| !name.trim().is_empty());
    name.map_or_else(
        || "somebody at a terminal".to_owned(),
        |name| name.trim().chars().take(TEXT_MAX).collect(),
    )
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::domain::ContractId;

    #[test]
    fn the_switch_is_told_with_what_it_was_and_what_stays_locked() {
        let control = Control::absent(Timestamp::UNIX_EPOCH)
            .locked(ContractId(756_733), "break of 9 March")
            .switched(
                TradingSwitch::On,
                Some("all clear".to_owned()),
                "ops",
                Timestamp::UNIX_EPOCH,
            );
        insta::assert_snapshot!(told(TradingMode::Paper, None, &control), @r"
        paper: never set (off) → on, by ops: all clear
        contract 756733 stays locked: break of 9 March
        ");
        let off = control.switched(TradingSwitch::Off, None, "ops", Timestamp::UNIX_EPOCH);
        let text = told(TradingMode::Live, Some(TradingSwitch::On), &off);
        assert!(text.starts_with("live: on → off, by ops\n"), "{text}");
    }

    #[test]
    fn a_person_without_a_name_is_called_so() {
        assert_eq!(name_of_person(Some(" ops ".to_owned()), |_| None), "ops");
        assert_eq!(name_of_person(None, |_| Some("ada".to_owned())), "ada");
        assert_eq!(name_of_person(Some("  ".to_owned()), |_| None), "somebody at a terminal");
    }
}
