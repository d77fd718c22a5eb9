//! The trading switch and the locks: what a person, or an alarm, has stopped.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Effect;
use crate::domain::ContractId;

/// Whether orders may be sent. Read before every send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TradingSwitch {
    /// All that risk approves.
    On,
    /// Only what takes the account's positions nearer to zero.
    ReduceOnly,
    /// Nothing.
    Off,
}

impl TradingSwitch {
    /// `on`, `reduce-only` or `off`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::ReduceOnly => "reduce-only",
            Self::Off => "off",
        }
    }

    /// Whether an order of this effect may be sent.
    pub fn permits(self, effect: Effect) -> bool {
        match (self, effect) {
            (Self::On, _) | (Self::ReduceOnly, Effect::Reduces) => true,
            (Self::ReduceOnly, Effect::Increases) | (Self::Off, _) => false,
        }
    }
}

impl fmt::Display for TradingSwitch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for TradingSwitch {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "on" => Ok(Self::On),
            "reduce-only" => Ok(Self::ReduceOnly),
            "off" => Ok(Self::Off),
            other => Err(format!("{other:?} is none of \"on\", \"reduce-only\" and \"off\"")),
        }
    }
}

/// The document `control/{mode}`. Without one nothing trades: see [`Control::absent`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Control {
    /// The trading switch.
    pub switch: TradingSwitch,
    /// Contracts that must not be traded, each with its reason.
    #[serde(default)]
    pub locks: BTreeMap<ContractId, String>,
    /// Why the switch stands as it does.
    #[serde(default)]
    pub reason: Option<String>,
    /// When it was set.
    pub changed_at: Timestamp,
    /// Who set it.
    pub by: String,
}

impl Control {
    /// Where nobody has set anything yet: off. Trading begins when a person says so
    /// (`rungate resume`).
    pub fn absent(now: Timestamp) -> Self {
        Self {
            switch: TradingSwitch::Off,
            locks: BTreeMap::new(),
            reason: Some("there is no control document: `rungate resume` creates one".to_owned()),
            changed_at: now,
            by: "rungate".to_owned(),
        }
    }

    /// Sets the switch; locks stay.
    #[must_use]
    pub fn switched(
        self,
        switch: TradingSwitch,
        reason: Option<String>,
        by: &str,
        now: Timestamp,
    ) -> Self {
        Self { switch, reason, changed_at: now, by: by.to_owned(), ..self }
    }

    /// Locks a contract. The first reason stays: it is where the trouble began.
    #[must_use]
    pub fn locked(mut self, contract: ContractId, reason: &str) -> Self {
        self.locks.entry(contract).or_insert_with(|| reason.to_owned());
        self
    }

    /// Unlocks a contract; without a lock this changes nothing.
    #[must_use]
    pub fn unlocked(mut self, contract: ContractId) -> Self {
        self.locks.remove(&contract);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exits_stay_possible_until_the_switch_is_off() {
        let table = [
            (TradingSwitch::On, true, true),
            (TradingSwitch::ReduceOnly, true, false),
            (TradingSwitch::Off, false, false),
        ];
        for (switch, reduces, increases) in table {
            assert_eq!(switch.permits(Effect::Reduces), reduces, "{switch}");
            assert_eq!(switch.permits(Effect::Increases), increases, "{switch}");
            assert_eq!(switch.as_str().parse(), Ok(switch));
        }
        assert!("ON".parse::<TradingSwitch>().is_err());
    }

    #[test]
    fn without_a_control_document_nothing_trades() {
        let control = Control::absent(Timestamp::UNIX_EPOCH);
        assert!(!control.switch.permits(Effect::Reduces));
    }

    #[test]
    fn the_document_reads_as_people_write_it() {
        let document = serde_json::json!({
            "switch": "reduce-only",
            "locks": {"756733": "break of 9 March"},
            "reason": "volatility",
            "changed_at": "2026-03-09T14:30:00Z",
            "by": "ops@example.com",
        });
        let control: Control = serde_json::from_value(document.clone()).unwrap();
        assert_eq!(control.switch, TradingSwitch::ReduceOnly);
        assert_eq!(control.locks[&ContractId(756_733)], "break of 9 March");
        assert_eq!(serde_json::to_value(&control).unwrap(), document);
        let typo = serde_json::json!({"switch": "on", "lock": {}, "changed_at": "2026-03-09T14:30:00Z", "by": "x"});
        assert!(serde_json::from_value::<Control>(typo).is_err());
    }

    #[test]
    fn a_lock_keeps_its_first_reason_and_outlives_the_switch() {
        let now = Timestamp::UNIX_EPOCH;
        let control =
            Control::absent(now).locked(ContractId(1), "first").locked(ContractId(1), "second");
        let control = control.switched(TradingSwitch::On, None, "ops", now);
        assert_eq!(control.locks[&ContractId(1)], "first");
        assert!(control.unlocked(ContractId(1)).locks.is_empty());
    }
}
