//! Settings from the environment, and the trading configuration from the store. Pure: names and
//! texts come in, checked values or a list of all problems come out.

mod settings;

pub use settings::{
    Budgets, GatewaySettings, HostPort, LogFormat, LogSettings, Problems, PubSubSettings, SETTINGS,
    Setting, Settings, TopicId,
};
