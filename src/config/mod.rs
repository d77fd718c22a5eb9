//! What a person decides beforehand: the trading configuration.
//!
//! [`TradingConfig`] comes from the documents `config/common` and `config/{mode}`. Everything in
//! it is checked at once, and all problems are reported together.

mod exact;
mod fields;
mod keys;
mod problems;
mod trading;

pub use exact::{exact_decimal, exact_optional};
pub use keys::{CONFIG_KEYS, ConfigKey};
pub use problems::{ConfigProblem, ConfigProblems};
pub use trading::{
    Exposure, Limits, ORDERS_PER_RUN_MAX, OrderKind, OrderSettings, SAMPLE_CONFIG, TradingConfig,
};
