//! What a person decides beforehand: settings in the environment, and the trading configuration.
//!
//! Pure: names, texts and documents come in; checked values, or a list of all problems, come out.
//! [`Settings`] is where the process lives; [`TradingConfig`] comes from the documents
//! `config/common` and `config/{mode}`.

mod exact;
mod fields;
mod keys;
mod problems;
mod settings;
mod trading;

pub use exact::{exact_decimal, exact_optional};
pub use keys::{CONFIG_KEYS, ConfigKey};
pub use problems::{ConfigProblem, ConfigProblems};
pub use settings::{
    Budgets, GatewaySettings, HostPort, LogFormat, LogSettings, OrderWaits, Problems,
    PubSubSettings, SETTINGS, Setting, Settings, TopicId,
};
pub use trading::{
    Exposure, Limits, ORDERS_PER_RUN_MAX, OrderKind, OrderSettings, SAMPLE_CONFIG, TradingConfig,
};
