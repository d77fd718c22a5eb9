//! `rungate config`: the trading configuration, read and written.

mod changes;
mod set;

use std::sync::Arc;

use clap::ValueEnum;
use serde_json::{Value, json};

use super::output::{self, Form};
use super::records::{self, Whose};
use super::{Exit, Lookup, app};
use crate::config::{CONFIG_KEYS, ConfigProblems, SAMPLE_CONFIG, Settings, TradingConfig};
use crate::domain::TradingMode;
use crate::store::{DocPath, Store, StoreError, Version};

/// Options of `rungate config`.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = after_help(), args_conflicts_with_subcommands = true)]
pub(super) struct Options {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    whose: Whose,
    #[command(flatten)]
    form: Form,
}

#[derive(clap::Subcommand, Clone, Debug)]
enum Command {
    /// Print a configuration to start from
    Sample,
    /// Print one document as it is stored
    Get(Get),
    /// Replace one document, if the configuration is valid with it
    Set(set::Options),
}

#[derive(clap::Args, Clone, Debug)]
struct Get {
    /// Which document
    #[arg(long, value_name = "DOCUMENT", default_value = "common")]
    document: Name,
}

/// The documents of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Name {
    /// `config/common`: both modes.
    Common,
    /// `config/paper`: what is different in paper mode.
    Paper,
    /// `config/live`: what is different in live mode, and whether live orders may be sent.
    Live,
}

impl Name {
    fn path(self) -> Result<DocPath, StoreError> {
        let id = match self {
            Self::Common => "common",
            Self::Paper => "paper",
            Self::Live => "live",
        };
        Ok(DocPath::new(format!("config/{id}"))?)
    }

    fn of(mode: TradingMode) -> Self {
        match mode {
            TradingMode::Paper => Self::Paper,
            TradingMode::Live => Self::Live,
        }
    }
}

fn after_help() -> String {
    let keys: String = CONFIG_KEYS
        .iter()
        .map(|key| format!("  {} ({})\n      {}\n", key.path, key.default, key.what))
        .collect();
    format!(
        "Without a subcommand: shows the configuration that is in force in one mode, config/common
merged with config/paper or config/live, or all that is wrong with it (exit code 64).

Examples:
  rungate config sample > config.json
  rungate config set config.json
  echo '{{\"live_trading\": true}}' | rungate config set - --document live
  rungate config --mode live

Keys, with their defaults:
{keys}"
    )
}

/// Shows, prints a sample, gets or sets.
pub(super) async fn run(options: Options, lookup: Lookup) -> anyhow::Result<Exit> {
    match options.command {
        Some(Command::Sample) => {
            output::print(SAMPLE_CONFIG)?;
            Ok(Exit::Done)
        }
        Some(Command::Get(get)) => {
            let settings = Settings::from_lookup(lookup)?;
            let store = records::open_existing(&settings)?;
            get_document(&store, get.document).await
        }
        Some(Command::Set(set)) => {
            let settings = Settings::from_lookup(lookup)?;
            set::run(set, &settings, &app::open(&settings)?).await
        }
        None => {
            let settings = Settings::from_lookup(lookup)?;
            let mode = options.whose.mode(&settings)?;
            let store = records::open_existing(&settings)?;
            let documents = Documents::read(&store).await?;
            show(&documents, mode, options.form)
        }
    }
}

async fn get_document(store: &Arc<dyn Store>, name: Name) -> anyhow::Result<Exit> {
    let path = name.path()?;
    match store.get(&path).await? {
        Some(document) => {
            output::print(&format!("{:#}\n", document.body))?;
            Ok(Exit::Done)
        }
        None => anyhow::bail!("there is no document {path}"),
    }
}

fn show(documents: &Documents, mode: TradingMode, form: Form) -> anyhow::Result<Exit> {
    match documents.merged(mode) {
        Ok(config) => {
            let document = json!({ "mode": mode, "valid": true, "config": config });
            form.show(&document, |_| format!("{:#}\n", json!(config)))?;
            Ok(Exit::Done)
        }
        Err(problems) => {
            let document = json!({ "mode": mode, "valid": false, "problems": problems });
            form.show(&document, |_| format!("{problems}\n"))?;
            Ok(Exit::Usage)
        }
    }
}

/// A document and the version that replaces it.
type Stored = Option<(Value, Version)>;

/// All documents of the configuration.
#[derive(Clone, Debug)]
struct Documents {
    common: Stored,
    paper: Stored,
    live: Stored,
}

impl Documents {
    async fn read(store: &Arc<dyn Store>) -> Result<Self, StoreError> {
        let get = async |name: Name| {
            let found = store.get(&name.path()?).await?;
            Ok::<_, StoreError>(found.map(|document| (document.body, document.version)))
        };
        Ok(Self {
            common: get(Name::Common).await?,
            paper: get(Name::Paper).await?,
            live: get(Name::Live).await?,
        })
    }

    fn stored(&self, name: Name) -> &Stored {
        match name {
            Name::Common => &self.common,
            Name::Paper => &self.paper,
            Name::Live => &self.live,
        }
    }

    fn body(&self, name: Name) -> Option<&Value> {
        self.stored(name).as_ref().map(|(body, _)| body)
    }

    /// What one mode would run with.
    fn merged(&self, mode: TradingMode) -> Result<TradingConfig, ConfigProblems> {
        self.merged_with(mode, |name| self.body(name))
    }

    /// What one mode would run with if `name` were `body`.
    fn merged_if(
        &self,
        mode: TradingMode,
        name: Name,
        body: &Value,
    ) -> Result<TradingConfig, ConfigProblems> {
        self.merged_with(mode, |other| if other == name { Some(body) } else { self.body(other) })
    }

    fn merged_with<'a>(
        &self,
        mode: TradingMode,
        body: impl Fn(Name) -> Option<&'a Value>,
    ) -> Result<TradingConfig, ConfigProblems> {
        TradingConfig::from_documents(body(Name::Common), body(Name::of(mode)), mode)
    }
}
