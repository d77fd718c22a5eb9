//! `rungate config set`: one document replaced, if what it leads to is valid.

use std::io::Read as _;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};

use super::changes::changes;
use super::{Documents, Name};
use crate::cli::Exit;
use crate::cli::exit::Misuse;
use crate::cli::output::Form;
use crate::config::Settings;
use crate::domain::TradingMode;
use crate::store::{DOCUMENT_MAX, Store};

const AFTER_HELP: &str = "\
The configuration of every mode that the document takes part in is checked with it first: both for
`common`, where live mode counts once config/live exists or TRADING_MODE is live. If anything is
wrong, all of it is listed, nothing is written, and the exit code is 64.

Begin with `common`. What lies in config/paper or config/live overrides it, key by key.

Examples:
  rungate config set config.json
  rungate config set paper.json --document paper
  rungate config get --document live | edit-it | rungate config set - --document live";

/// Options of `rungate config set`.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = AFTER_HELP)]
pub(in crate::cli) struct Options {
    /// The new document, JSON; `-` reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Which document to replace
    #[arg(long, value_name = "DOCUMENT", default_value = "common")]
    document: Name,
    #[command(flatten)]
    form: Form,
}

/// Checks, then replaces the document that was checked against and no other.
pub(in crate::cli) async fn run(
    options: Options,
    settings: &Settings,
    store: &Arc<dyn Store>,
) -> anyhow::Result<Exit> {
    let body = read(&options.file)?;
    let name = options.document;
    let documents = Documents::read(store).await?;
    let problems: Vec<String> = modes(name, &documents, settings)
        .filter_map(|mode| documents.merged_if(mode, name, &body).err().map(|found| (mode, found)))
        .map(|(mode, found)| format!("in {mode} mode, {found}"))
        .collect();
    if !problems.is_empty() {
        return Err(Misuse(format!("nothing was written: {}", problems.join("\n"))).into());
    }
    let path = name.path()?;
    let before = documents.stored(name);
    let changed = changes(before.as_ref().map(|(body, _)| body), &body);
    match before {
        Some(_) if changed.is_empty() => {}
        Some((_, version)) => drop(store.update(&path, version, &body).await?),
        None => drop(store.create(&path, &body).await?),
    }
    let document = json!({ "document": path.as_str(), "changes": changed });
    options.form.show(&document, |_| match changed.is_empty() {
        true => format!("{path} is like that already\n"),
        false => format!("{path} now reads\n  {}\n", changed.join("\n  ")),
    })?;
    Ok(Exit::Done)
}

/// The modes whose configuration changes with the document.
fn modes(
    name: Name,
    documents: &Documents,
    settings: &Settings,
) -> impl Iterator<Item = TradingMode> {
    let live_is_used = documents.live.is_some() || settings.trading_mode == Some(TradingMode::Live);
    let affected = match name {
        Name::Common if live_is_used => &[TradingMode::Paper, TradingMode::Live][..],
        Name::Common | Name::Paper => &[TradingMode::Paper],
        Name::Live => &[TradingMode::Live],
    };
    affected.iter().copied()
}

/// The object in a file, read no further than a document may be large.
fn read(file: &PathBuf) -> anyhow::Result<Value> {
    let limit = u64::try_from(DOCUMENT_MAX)?.saturating_add(1);
    let mut text = String::new();
    let cannot = |error: std::io::Error| Misuse(format!("can't read {}: {error}", file.display()));
    let length = match file.as_os_str() == "-" {
        true => std::io::stdin().take(limit).read_to_string(&mut text).map_err(cannot)?,
        false => {
            let opened = std::fs::File::open(file).map_err(cannot)?;
            opened.take(limit).read_to_string(&mut text).map_err(cannot)?
        }
    };
    if length > DOCUMENT_MAX {
        let problem = format!("{} is larger than {DOCUMENT_MAX} bytes", file.display());
        return Err(Misuse(problem).into());
    }
    let body: Value = serde_json::from_str(&text)
        .map_err(|error| Misuse(format!("{} is not JSON: {error}", file.display())))?;
    match body.is_object() {
        true => Ok(body),
        false => Err(Misuse(format!("{} is not a JSON object", file.display())).into()),
    }
}
