//! The keys of the trading configuration, as a table for people.

/// One key of the trading configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConfigKey {
    /// Its path, such as `limits.order_value`.
    pub path: &'static str,
    /// Its default, or `required`.
    pub default: &'static str,
    /// What it means, with its unit.
    pub what: &'static str,
}

const fn key(path: &'static str, default: &'static str, what: &'static str) -> ConfigKey {
    ConfigKey { path, default, what }
}

/// Every key of `config/common` and `config/{mode}`.
pub const CONFIG_KEYS: &[ConfigKey] = &[
    key("market_data_type", "required", "live, frozen, delayed or delayed-frozen"),
    key("exposure.overall", "required", "scales all strategies' weights, 0 to 20"),
    key(
        "exposure.strategies",
        "required",
        "strategy id to factor, 0 to 20; a strategy without an entry does not trade",
    ),
    key("limits.order_value", "required", "largest order that increases risk, base currency"),
    key(
        "limits.gross_exposure",
        "required",
        "largest sum of absolute position values after a plan, in net liquidations",
    ),
    key("limits.quote_age_seconds", "required", "oldest usable quote, 1 to 3600 seconds"),
    key("limits.orders_per_run", "required", "most orders that increase risk in a plan, 1 to 500"),
    key("limits.weight", "1", "largest absolute weight of one target"),
    key("limits.book_gross_weight", "1", "largest sum of absolute weights of one target book"),
    key("orders.type", "market", "market or limit"),
    key(
        "orders.limit_offset_bps",
        "0; required for limit orders",
        "how far a limit may be worse than the far side of the market, hundredths of a percent",
    ),
    key("orders.time_in_force", "day", "day, good-till-cancelled or immediate-or-cancel"),
    key("orders.whole_shares", "true", "trade stocks and ETFs in whole units only"),
    key("minimum_trade_value", "0", "smaller changes are left, base currency; exits never are"),
    key(
        "minimum_trade_weight",
        "0",
        "the same as a fraction of net liquidation; the larger counts",
    ),
    key("allow_short", "false", "whether the account may be short in a contract"),
    key(
        "live_trading",
        "required in config/live, refused elsewhere",
        "whether live orders may be sent",
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;
    use crate::config::TradingConfig;
    use crate::domain::TradingMode;

    fn paths(prefix: &str, value: &Value, into: &mut BTreeSet<String>) {
        match value {
            Value::Object(object) if prefix != "exposure.strategies" => {
                for (key, value) in object {
                    let dot = if prefix.is_empty() { "" } else { "." };
                    paths(&format!("{prefix}{dot}{key}"), value, into);
                }
            }
            _ => {
                into.insert(prefix.to_owned());
            }
        }
    }

    #[test]
    fn the_table_has_every_key_and_no_other() {
        let sample = TradingConfig::sample_document();
        let config = TradingConfig::from_documents(Some(&sample), None, TradingMode::Paper);
        let mut found = BTreeSet::new();
        paths("", &serde_json::to_value(config.unwrap()).unwrap(), &mut found);
        let listed: BTreeSet<String> = CONFIG_KEYS.iter().map(|key| key.path.to_owned()).collect();
        assert_eq!(listed, found);
        assert_eq!(listed.len(), CONFIG_KEYS.len());
    }

    #[test]
    fn a_default_is_what_an_absent_key_becomes() {
        let full = TradingConfig::sample_document();
        let mut bare = full.clone();
        for section in ["limits", "orders"] {
            let keys = bare[section].as_object_mut().unwrap();
            keys.retain(|key, _| {
                CONFIG_KEYS.iter().any(|listed| {
                    listed.path == format!("{section}.{key}") && listed.default == "required"
                })
            });
        }
        let root = bare.as_object_mut().unwrap();
        root.retain(|key, value| value.is_object() || key == "market_data_type");
        let config = TradingConfig::from_documents(Some(&bare), None, TradingMode::Paper).unwrap();
        let config = serde_json::to_value(config).unwrap();
        for key in CONFIG_KEYS.iter().filter(|key| !key.default.contains("required")) {
            let pointer = format!("/{}", key.path.replace('.', "/"));
            let value = config.pointer(&pointer).unwrap();
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            assert_eq!(text, key.default, "{}", key.path);
        }
    }
}
