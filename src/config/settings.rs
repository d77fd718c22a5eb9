//! The environment, parsed once. Every setting is a row of [`SETTINGS`]; all problems come back
//! together, so that one failed start names everything there is to mend.

use std::fmt::{self, Display};
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use tracing_subscriber::EnvFilter;

use crate::domain::{Account, TradingMode};

/// One row of the settings table.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The environment variable.
    pub name: &'static str,
    /// What an absent variable means, in the spelling of the variable itself.
    pub default: Option<&'static str>,
    /// What it decides, in one sentence.
    pub what: &'static str,
}

macro_rules! settings {
    ($($name:ident, $default:expr, $what:expr;)+) => {
        $(const $name: Setting =
            Setting { name: stringify!($name), default: $default, what: $what };)+

        /// Every setting there is, in the order in which a reader needs them.
        pub const SETTINGS: &[Setting] = &[$($name),+];
    };
}

settings! {
    TRADING_MODE, None, "`paper` or `live`; required by whatever touches an account";
    IB_ACCOUNT, None, "the account to trade; without it the gateway must serve exactly one";
    IB_GATEWAY_ADDR, Some("127.0.0.1:4002"), "`HOST:PORT` of IB Gateway's API";
    IB_CLIENT_ID, Some("10"), "the API client id, 1 or more, never shared and never changed";
    STORE_URL, Some("sqlite:rungate.db"), "where the records live: `sqlite:PATH`";
    PORT, Some("8080"), "the port that the service listens on";
    BIND_ADDR, Some("127.0.0.1"), "the IP address that the service listens on";
    HANDLER_BUDGET_SECONDS, Some("540"), "how long one delivery may work; below the next";
    ACK_DEADLINE_SECONDS, Some("600"), "the push subscription's ack deadline, at most 600";
    REQUEST_TIMEOUT_SECONDS, Some("600"), "the platform's request timeout; not below the former";
    LEASE_SECONDS, Some("660"), "how long a claimed run stays claimed; above the former";
    ACKNOWLEDGE_SECONDS, Some("10"), "how long a sent order may stay unanswered before we ask";
    FILL_WAIT_SECONDS, Some("60"), "how long a run waits for fills before orders count as working";
    ABSENCE_BETWEEN_SECONDS, Some("30"), "between the two looks that make an absence believable";
    ABSENCE_AFTER_WRITE_SECONDS, Some("120"), "from a send to the second of these looks";
    GATEWAY_MESSAGES_PER_SECOND, Some("40"), "how fast we talk to the gateway; IB's limit is 50";
    PUBSUB_PROJECT, None, "the Google Cloud project of the topics and the traces";
    GOOGLE_CLOUD_PROJECT, None, "stands in for `PUBSUB_PROJECT`";
    PUBSUB_TOPIC, None, "the topic that `trigger` publishes to, by its short name";
    QUARANTINE_TOPIC, None, "the topic for messages that can never work, by its short name";
    PUBSUB_EMULATOR_HOST, None, "`HOST:PORT` of a Pub/Sub emulator, used without credentials";
    LOG_FORMAT, Some("auto"), "`json`, `text`, or `auto`: text on a terminal, JSON elsewhere";
    RUST_LOG, Some("info"), "which log events are written, as `tracing` directives";
}

/// Pub/Sub's longest ack deadline (<https://cloud.google.com/pubsub/docs/lease-management>).
const ACK_DEADLINE_MAX: Duration = Duration::from_secs(600);

/// Cloud Run's longest request timeout
/// (<https://cloud.google.com/run/docs/configuring/request-timeout>). No other budget needs more
/// than this and a margin, so the bound also catches milliseconds given for seconds.
const BUDGET_MAX: Duration = Duration::from_secs(2 * 3600);

/// IB's allowance is half the market data lines of an account, 50 a second for the usual 100 lines
/// (<https://interactivebrokers.github.io/tws-api/order_limitations.html>); nobody rents this many.
const MESSAGES_MAX: usize = 1_000;

/// What the process was told by its environment.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `TRADING_MODE`. [`Settings::for_account`] insists on it.
    pub trading_mode: Option<TradingMode>,
    /// How to reach IB Gateway.
    pub gateway: GatewaySettings,
    /// `STORE_URL`: what [`crate::store`] opens.
    pub store_url: String,
    /// `BIND_ADDR` and `PORT`. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// How long things may take.
    pub budgets: Budgets,
    /// How long orders are waited for.
    pub waits: OrderWaits,
    /// Where to publish.
    pub pubsub: PubSubSettings,
    /// How to log.
    pub logs: LogSettings,
}

/// How to reach IB Gateway, and as whom.
#[derive(Clone, Debug)]
pub struct GatewaySettings {
    /// `IB_GATEWAY_ADDR`.
    pub addr: HostPort,
    /// `IB_CLIENT_ID`, 1 or more.
    pub client_id: i32,
    /// `IB_ACCOUNT`.
    pub account: Option<Account>,
    /// `GATEWAY_MESSAGES_PER_SECOND`, 1 or more.
    pub messages_per_second: usize,
}

/// How long orders are waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderWaits {
    /// `ACKNOWLEDGE_SECONDS`.
    pub acknowledge: Duration,
    /// `FILL_WAIT_SECONDS`.
    pub fills: Duration,
    /// `ABSENCE_BETWEEN_SECONDS`.
    pub absence_between: Duration,
    /// `ABSENCE_AFTER_WRITE_SECONDS`.
    pub absence_after_write: Duration,
}

/// The chain of deadlines: handler budget < ack deadline ≤ request timeout < lease. A handler
/// answers before Pub/Sub delivers again, the platform does not cut it off earlier, and the lease
/// outlives every request that may hold it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budgets {
    /// `HANDLER_BUDGET_SECONDS`: what one delivery may take.
    pub handler: Duration,
    /// `ACK_DEADLINE_SECONDS`: after it Pub/Sub delivers again.
    pub ack_deadline: Duration,
    /// `REQUEST_TIMEOUT_SECONDS`: after it Cloud Run closes the connection.
    pub request_timeout: Duration,
    /// `LEASE_SECONDS`: after it another delivery may resume the run.
    pub lease: Duration,
}

/// Where to publish.
#[derive(Clone, Debug, Default)]
pub struct PubSubSettings {
    /// `PUBSUB_PROJECT`, else `GOOGLE_CLOUD_PROJECT`.
    pub project: Option<String>,
    /// `PUBSUB_TOPIC`: where `trigger` publishes.
    pub topic: Option<TopicId>,
    /// `QUARANTINE_TOPIC`: where messages go that can never work.
    pub quarantine: Option<TopicId>,
    /// `PUBSUB_EMULATOR_HOST`: an emulator instead of the service, without credentials.
    pub emulator: Option<HostPort>,
}

/// How to log.
#[derive(Clone, Debug)]
pub struct LogSettings {
    /// `LOG_FORMAT`.
    pub format: LogFormat,
    /// `RUST_LOG`: directives that are known to parse.
    pub filter: String,
    /// The project whose traces the log entries point to.
    pub project: Option<String>,
}

/// In what form log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    Auto,
    /// Cloud Logging's structured entries, one JSON object a line.
    Json,
    /// For a person.
    Text,
}

impl FromStr for LogFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "json" => Ok(Self::Json),
            "text" => Ok(Self::Text),
            other => Err(format!("{other:?} is none of \"auto\", \"json\" and \"text\"")),
        }
    }
}

/// A host, by name or address, and a port. The name is resolved when it is used, not here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPort(String);

impl HostPort {
    /// `HOST:PORT`, an IPv6 address in brackets.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for HostPort {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = |why: &str| Err(format!("{text:?} is not HOST:PORT: {why}"));
        let Some((host, port)) = text.rsplit_once(':') else {
            return bad("there is no port");
        };
        let port_is_valid = port.bytes().all(|b| b.is_ascii_digit())
            && port.parse::<u16>().is_ok_and(|port| port != 0);
        if !port_is_valid {
            return bad("the port is a number from 1 to 65535");
        }
        let bracketed = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        match bracketed {
            Some(inner) if inner.parse::<std::net::Ipv6Addr>().is_ok() => {}
            Some(_) => return bad("only an IPv6 address stands in brackets"),
            None if host.is_empty() => return bad("there is no host"),
            None if host.contains(':') => {
                return bad("give no scheme, and put an IPv6 address in brackets");
            }
            None if !host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b)) => {
                return bad("the host holds characters that no host name has");
            }
            None => {}
        }
        Ok(Self(text.to_owned()))
    }
}

/// A topic's short name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicId(String);

impl TopicId {
    /// The short name, without the project.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Display for TopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for TopicId {
    type Err = String;

    /// Pub/Sub's rules: <https://cloud.google.com/pubsub/docs/pubsub-basics#resource_names>.
    fn from_str(text: &str) -> Result<Self, String> {
        let legal = |b: u8| b.is_ascii_alphanumeric() || b"-_.~+%".contains(&b);
        let valid = (3..=255).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.bytes().all(legal)
            && !text.starts_with("goog");
        if valid {
            return Ok(Self(text.to_owned()));
        }
        Err(format!(
            "{text:?} is not a topic's short name: 3 to 255 letters, digits and any of -_.~+%, \
             starting with a letter and not with \"goog\" (no projects/…/topics/ in front)"
        ))
    }
}

/// Everything that is wrong with the environment, a line each.
#[derive(Clone, Debug, Default, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct Problems(Vec<String>);

impl Problems {
    /// One sentence a problem, each starting with the setting's name.
    pub fn lines(&self) -> &[String] {
        &self.0
    }

    fn add(&mut self, setting: &Setting, problem: impl Display) {
        self.0.push(format!("{}: {problem}", setting.name));
    }
}

impl Settings {
    /// Reads what is there. A variable of white space alone counts as absent, because a deploy
    /// template can often only leave a value empty and not leave it out.
    ///
    /// # Errors
    ///
    /// All problems at once.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, Problems> {
        Reader::new(&lookup).settings(false)
    }

    /// The same for whatever touches an account, which needs `TRADING_MODE` said aloud: a default
    /// would let one forgotten variable turn paper into money, or hide that nothing is traded.
    ///
    /// # Errors
    ///
    /// All problems at once, the missing mode among them.
    pub fn for_account(
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<(Self, TradingMode), Problems> {
        let settings = Reader::new(&lookup).settings(true)?;
        match settings.trading_mode {
            Some(mode) => Ok((settings, mode)),
            None => Err(Problems(vec![NO_MODE.to_owned()])),
        }
    }
}

const NO_MODE: &str = "TRADING_MODE: not set; say \"paper\" or \"live\"";

struct Reader<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    problems: Problems,
}

impl<'a> Reader<'a> {
    fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { lookup, problems: Problems::default() }
    }

    fn settings(mut self, needs_mode: bool) -> Result<Settings, Problems> {
        let trading_mode = self.value(&TRADING_MODE);
        if needs_mode && self.text(&TRADING_MODE).is_none() {
            self.problems.0.push(NO_MODE.to_owned());
        }
        let gateway = self.gateway(trading_mode);
        let store_url = self.store_url();
        let listen = self.listen();
        if needs_mode && listen.is_some_and(|addr| !addr.ip().to_canonical().is_loopback()) {
            let problem = "others can reach it, and this version has no authentication for them; \
                           use a loopback address such as 127.0.0.1";
            self.problems.add(&BIND_ADDR, problem);
        }
        let budgets = self.budgets();
        let waits = self.waits();
        let pubsub = self.pubsub();
        let logs = self.logs(pubsub.project.clone());
        let complete = (|| {
            Some(Settings {
                trading_mode,
                gateway: gateway?,
                store_url: store_url?,
                listen: listen?,
                budgets: budgets?,
                waits: waits?,
                pubsub,
                logs: logs?,
            })
        })();
        match complete {
            Some(settings) if self.problems.0.is_empty() => Ok(settings),
            _ => Err(self.problems),
        }
    }

    fn text(&self, setting: &Setting) -> Option<String> {
        (self.lookup)(setting.name)
            .map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty())
            .or_else(|| setting.default.map(str::to_owned))
    }

    /// The value, or `None` if it is absent or bad; bad is on record then.
    fn value<T: FromStr<Err: Display>>(&mut self, setting: &Setting) -> Option<T> {
        match self.text(setting)?.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.problems.add(setting, error);
                None
            }
        }
    }

    fn gateway(&mut self, mode: Option<TradingMode>) -> Option<GatewaySettings> {
        let addr = self.value(&IB_GATEWAY_ADDR);
        let client_id = self.client_id();
        let account = self.text(&IB_ACCOUNT).map(Account::new);
        if let (Some(mode), Some(account)) = (mode, &account) {
            let fits = account.is_paper() == (mode == TradingMode::Paper);
            if !fits {
                let kind = if account.is_paper() { "a paper" } else { "not a paper" };
                let problem = format!("{account} is {kind} account, but the mode is {mode}");
                self.problems.add(&IB_ACCOUNT, problem);
            }
        }
        let messages_per_second = self.messages_per_second();
        Some(GatewaySettings {
            addr: addr?,
            client_id: client_id?,
            account,
            messages_per_second: messages_per_second?,
        })
    }

    fn messages_per_second(&mut self) -> Option<usize> {
        let messages: usize = self.value(&GATEWAY_MESSAGES_PER_SECOND)?;
        if (1..=MESSAGES_MAX).contains(&messages) {
            return Some(messages);
        }
        let problem = format!("{messages} is not within 1 to {MESSAGES_MAX}");
        self.problems.add(&GATEWAY_MESSAGES_PER_SECOND, problem);
        None
    }

    fn client_id(&mut self) -> Option<i32> {
        let id: i32 = self.value(&IB_CLIENT_ID)?;
        let problem = match id {
            1.. => return Some(id),
            0 => "client 0 takes over orders that people enter by hand; choose 1 or more",
            _ => "a client id is 1 or more",
        };
        self.problems.add(&IB_CLIENT_ID, problem);
        None
    }

    fn store_url(&mut self) -> Option<String> {
        let url: String = self.value(&STORE_URL)?;
        if url.strip_prefix("sqlite:").is_some_and(|path| !path.is_empty()) {
            return Some(url);
        }
        self.problems.add(&STORE_URL, format!("{url:?} is not sqlite:PATH"));
        None
    }

    fn listen(&mut self) -> Option<SocketAddr> {
        let ip: Option<IpAddr> = self.value(&BIND_ADDR);
        let port: Option<u16> = self.value(&PORT);
        Some(SocketAddr::new(ip?, port?))
    }

    fn seconds(&mut self, setting: &Setting) -> Option<Duration> {
        let seconds: u64 = self.value(setting)?;
        let span = Duration::from_secs(seconds);
        if span.is_zero() || span > BUDGET_MAX {
            let max = BUDGET_MAX.as_secs();
            self.problems.add(setting, format!("{seconds} is not within 1 to {max} seconds"));
            return None;
        }
        Some(span)
    }

    fn waits(&mut self) -> Option<OrderWaits> {
        let acknowledge = self.seconds(&ACKNOWLEDGE_SECONDS);
        let fills = self.seconds(&FILL_WAIT_SECONDS);
        let absence_between = self.seconds(&ABSENCE_BETWEEN_SECONDS);
        let absence_after_write = self.seconds(&ABSENCE_AFTER_WRITE_SECONDS);
        Some(OrderWaits {
            acknowledge: acknowledge?,
            fills: fills?,
            absence_between: absence_between?,
            absence_after_write: absence_after_write?,
        })
    }

    fn budgets(&mut self) -> Option<Budgets> {
        let handler = self.seconds(&HANDLER_BUDGET_SECONDS);
        let ack_deadline = self.seconds(&ACK_DEADLINE_SECONDS);
        let request_timeout = self.seconds(&REQUEST_TIMEOUT_SECONDS);
        let lease = self.seconds(&LEASE_SECONDS);
        if ack_deadline.is_some_and(|deadline| deadline > ACK_DEADLINE_MAX) {
            let problem = format!("Pub/Sub allows at most {} seconds", ACK_DEADLINE_MAX.as_secs());
            self.problems.add(&ACK_DEADLINE_SECONDS, problem);
        }
        let below = |a: Option<Duration>, b: Option<Duration>| a.zip(b).is_none_or(|(a, b)| a < b);
        if !below(handler, ack_deadline) {
            let problem = "must be below ACK_DEADLINE_SECONDS, or Pub/Sub delivers the message \
                           again while its handler still works";
            self.problems.add(&HANDLER_BUDGET_SECONDS, problem);
        }
        if below(request_timeout, ack_deadline)
            && request_timeout.is_some()
            && ack_deadline.is_some()
        {
            let problem = "must not be below ACK_DEADLINE_SECONDS, or the platform cuts off a \
                           request that Pub/Sub still waits for";
            self.problems.add(&REQUEST_TIMEOUT_SECONDS, problem);
        }
        if !below(request_timeout, lease) {
            let problem = "must be above REQUEST_TIMEOUT_SECONDS, or a second delivery resumes a \
                           run whose first request is still open";
            self.problems.add(&LEASE_SECONDS, problem);
        }
        Some(Budgets {
            handler: handler?,
            ack_deadline: ack_deadline?,
            request_timeout: request_timeout?,
            lease: lease?,
        })
    }

    fn pubsub(&mut self) -> PubSubSettings {
        let project = self.text(&PUBSUB_PROJECT).or_else(|| self.text(&GOOGLE_CLOUD_PROJECT));
        let pubsub = PubSubSettings {
            topic: self.value(&PUBSUB_TOPIC),
            quarantine: self.value(&QUARANTINE_TOPIC),
            emulator: self.value(&PUBSUB_EMULATOR_HOST),
            project,
        };
        if pubsub.project.is_none() && (pubsub.topic.is_some() || pubsub.quarantine.is_some()) {
            let problem = "not set, but a topic is; which project is it in?";
            self.problems.add(&PUBSUB_PROJECT, problem);
        }
        pubsub
    }

    fn logs(&mut self, project: Option<String>) -> Option<LogSettings> {
        let format = self.value(&LOG_FORMAT);
        let filter = self.text(&RUST_LOG);
        if let Some(Err(error)) = filter.as_deref().map(|text| EnvFilter::builder().parse(text)) {
            self.problems.add(&RUST_LOG, error);
        }
        Some(LogSettings { format: format?, filter: filter?, project })
    }
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
