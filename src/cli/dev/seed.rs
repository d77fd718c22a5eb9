//! What `rungate dev` begins with. Nothing that is there already is touched.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use crate::config::TradingConfig;
use crate::domain::TradingMode;
use crate::orders::control_path;
use crate::risk::{Control, TradingSwitch};
use crate::store::{DocPath, Store, StoreError};

/// How long the books are good for: until the next day's are handed in.
const BOOK_VALID: SignedDuration = SignedDuration::from_hours(24);

/// A strategy of the demonstration, with the weights that it always wants.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    /// As `data/sample-config.json` names it.
    pub strategy: &'static str,
    /// Symbol and weight.
    pub weights: &'static [(&'static str, &'static str)],
}

/// Two strategies that hold different things.
pub(super) const SAMPLES: &[Sample] = &[
    Sample { strategy: "balanced", weights: &[("SPY", "0.6"), ("AGG", "0.4")] },
    Sample { strategy: "tactical", weights: &[("QQQ", "0.5"), ("VIXY", "0.1")] },
];

impl Sample {
    /// The parameters of its `set-targets` message.
    pub fn book(&self, now: Timestamp) -> Map<String, Value> {
        let targets: Vec<Value> = self
            .weights
            .iter()
            .map(|(symbol, weight)| json!({ "contract": { "symbol": symbol }, "weight": weight }))
            .collect();
        Map::from_iter([
            ("strategy".to_owned(), json!(self.strategy)),
            ("as_of".to_owned(), json!(now)),
            ("valid_until".to_owned(), json!(now.saturating_add(BOOK_VALID).unwrap_or(now))),
            ("targets".to_owned(), json!(targets)),
        ])
    }

    /// `SPY 0.6, AGG 0.4`.
    pub fn wishes(&self) -> String {
        let wishes = self.weights.iter().map(|(symbol, weight)| format!("{symbol} {weight}"));
        wishes.collect::<Vec<_>>().join(", ")
    }
}

/// Writes the sample configuration and switches trading on, where there is neither. Returns the
/// paths that are new.
pub(super) async fn documents(
    store: &Arc<dyn Store>,
    mode: TradingMode,
    now: Timestamp,
) -> anyhow::Result<Vec<DocPath>> {
    let reason = Some("a simulated account".to_owned());
    let control = Control::absent(now).switched(TradingSwitch::On, reason, "rungate dev", now);
    let seeds = [
        (DocPath::new("config/common")?, TradingConfig::sample_document()),
        (control_path(mode)?, json!(control)),
    ];
    let mut new = Vec::new();
    for (path, body) in seeds {
        match store.create(&path, &body).await {
            Ok(_) => new.push(path),
            Err(StoreError::Exists(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intents::Intent;

    #[test]
    fn the_sample_configuration_has_a_budget_for_each_sample() {
        let sample = TradingConfig::sample_document();
        let config = TradingConfig::from_documents(Some(&sample), None, TradingMode::Paper);
        let strategies = config.unwrap().exposure.strategies;
        let names: Vec<&str> = strategies.keys().map(|id| id.as_str()).collect();
        let samples: Vec<&str> = SAMPLES.iter().map(|sample| sample.strategy).collect();
        assert_eq!(names, samples);
    }

    #[test]
    fn a_sample_book_reads_as_the_parameters_of_set_targets() {
        for sample in SAMPLES {
            let book = sample.book("2026-03-09T14:30:00Z".parse().unwrap());
            assert!(Intent::parse("set-targets", &book).is_ok(), "{book:?}");
            assert_eq!(book["valid_until"], "2026-03-10T14:30:00Z");
        }
    }
}
