//! `rungate trigger`: a message, published to the topic or posted to a service.

use std::collections::BTreeMap;

use serde::Deserialize as _;
use serde_json::{Map, Value, json};

use super::courier::{Answer, Courier, PushUrl};
use super::exit::Misuse;
use super::letter::Letter;
use super::output::{self, Form};
use super::table::{Table, printable};
use super::{Exit, Lookup, order_tables, told};
use crate::clock::Clock;
use crate::config::Settings;
use crate::intents::{INTENTS, Intent};
use crate::portfolio::Line;
use crate::pubsub::{Message, PUBLISH_MAX, Publisher};

/// Options of `rungate trigger`.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = after_help())]
pub(super) struct Options {
    /// What to do: the name of an intent
    intent: String,
    /// A parameter; a value that reads as JSON is taken as JSON, any other as text
    #[arg(long = "param", value_name = "NAME=VALUE")]
    named: Vec<String>,
    /// All parameters as one JSON object
    #[arg(long = "params", value_name = "JSON")]
    object: Option<String>,
    /// An attribute of the message, such as job=daily-allocation
    #[arg(long = "attribute", value_name = "NAME=VALUE")]
    attributes: Vec<String>,
    /// Makes this the same work as every other message with this key
    #[arg(long, value_name = "KEY")]
    run_key: Option<String>,
    /// Post to this service instead of publishing, and wait for the outcome
    #[arg(long, value_name = "URL")]
    push: Option<PushUrl>,
    /// Send even what this version of rungate can't read
    #[arg(long)]
    unchecked: bool,
    #[command(flatten)]
    form: Form,
}

fn after_help() -> String {
    let mut help = "Intents:\n".to_owned();
    for row in INTENTS {
        help.push_str(&format!("  {:<12} {}\n", row.name, row.what));
    }
    help.push_str(
        "
Publishes to PUBSUB_TOPIC of PUBSUB_PROJECT and prints the message id; what came of it is in the
service's records. With --push the exit code is the outcome's: 0 done, 2 refused, 3 failed because
the gateway is away, 4 done with something for a person to look at, 1 failed otherwise.

Examples:
  rungate trigger ping --push http://127.0.0.1:8080/push
  rungate trigger allocation --param dry_run=true --push http://127.0.0.1:8080/push
  rungate trigger allocation --param 'strategies=[\"balanced\"]' --run-key rebalance-2026-03-09
  rungate trigger set-targets --params \"$(cat book.json)\"
  rungate trigger close-all --attribute job=exit",
    );
    help
}

/// Sends the message and prints what came of it.
pub(super) async fn run(options: Options, lookup: Lookup) -> anyhow::Result<Exit> {
    let settings = Settings::from_lookup(lookup)?;
    let parameters = parameters(&options)?;
    if !options.unchecked {
        Intent::parse(&options.intent, &parameters)
            .map_err(|malformed| Misuse(malformed.to_string()))?;
    }
    let attributes = attributes(&options)?;
    match options.push {
        Some(url) => {
            let courier = Courier::new(url, settings.budgets.ack_deadline);
            let letter = Letter::new(attributes, &parameters, Clock::system().now());
            push(&courier, &letter, options.form).await
        }
        None => publish(&settings, attributes, &parameters, options.form).await,
    }
}

async fn publish(
    settings: &Settings,
    attributes: BTreeMap<String, String>,
    parameters: &Map<String, Value>,
    form: Form,
) -> anyhow::Result<Exit> {
    let (Some(project), Some(topic)) = (&settings.pubsub.project, &settings.pubsub.topic) else {
        let problem = "PUBSUB_TOPIC: not set; name the topic, or post to a service with --push URL";
        return Err(Misuse(problem.to_owned()).into());
    };
    let publisher = Publisher::connect(project, topic, settings.pubsub.emulator.as_ref()).await?;
    let data = Value::Object(parameters.clone()).to_string().into();
    let message = Message { data, attributes, ordering_key: None };
    let id = publisher.publish(message, PUBLISH_MAX).await?;
    let document = json!({ "message_id": id, "topic": publisher.topic() });
    form.show(&document, |_| format!("published message {id} to {}\n", publisher.topic()))?;
    Ok(Exit::Done)
}

async fn push(courier: &Courier, letter: &Letter, form: Form) -> anyhow::Result<Exit> {
    let answer = courier.post(letter, 1).await?;
    let Answer { code, body } = &answer;
    let id = letter.message_id();
    let Some(told) = answer.told() else {
        let problem = body.get("error").and_then(Value::as_str).unwrap_or("there is no outcome");
        anyhow::bail!("the service answered with {code}: {}", printable(problem));
    };
    let document = json!({ "message_id": id, "http_status": code, "outcome": body });
    form.show(&document, |look| {
        let text = told::text(&told);
        let planned = rehearsed(&told.details).map(|plan| format!("\n{}", plan.render(look)));
        format!("{text}{:<8}{id}\n{}", "message", planned.unwrap_or_default())
    })?;
    let away = told.status == "failed" && is_gateway_away(courier).await;
    Ok(told::exit_of(&told, away))
}

/// The plan that a dry run answers with.
fn rehearsed(details: &Value) -> Option<Table> {
    let lines = details.get("plan")?.get("lines")?;
    let lines = Vec::<Line>::deserialize(lines).ok()?;
    (!lines.is_empty()).then(|| order_tables::plan(&lines))
}

/// Whether the service says that it can't work: only its gateway makes it say so.
async fn is_gateway_away(courier: &Courier) -> bool {
    match courier.get("/readyz").await {
        Ok(answer) => answer.code == 503,
        Err(error) => {
            output::remark(&format!("rungate: can't ask whether the gateway is away: {error}"));
            false
        }
    }
}

fn parameters(options: &Options) -> Result<Map<String, Value>, Misuse> {
    let mut parameters = match &options.object {
        None => Map::new(),
        Some(text) => serde_json::from_str(text)
            .map_err(|error| Misuse(format!("--params: not a JSON object: {error}")))?,
    };
    for pair in &options.named {
        let (name, text) = split("--param", pair)?;
        let value = serde_json::from_str(text).unwrap_or_else(|_not_json| json!(text));
        if parameters.insert(name.to_owned(), value).is_some() {
            return Err(Misuse(format!("parameter {name} is given twice")));
        }
    }
    match parameters.contains_key("intent") {
        true => Err(Misuse("the intent is the first argument, not a parameter".to_owned())),
        false => Ok(parameters),
    }
}

fn attributes(options: &Options) -> Result<BTreeMap<String, String>, Misuse> {
    let mut attributes = BTreeMap::from([("intent".to_owned(), options.intent.clone())]);
    let run_key = options.run_key.as_deref().map(|key| ("run-key", key));
    let given = options.attributes.iter().map(|pair| split("--attribute", pair));
    for pair in given.chain(run_key.map(Ok)) {
        let (name, value) = pair?;
        if attributes.insert(name.to_owned(), value.to_owned()).is_some() {
            return Err(Misuse(format!("attribute {name} is given twice")));
        }
    }
    Ok(attributes)
}

fn split<'a>(option: &str, pair: &'a str) -> Result<(&'a str, &'a str), Misuse> {
    match pair.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name, value)),
        _ => Err(Misuse(format!("{option}: {pair:?} is not NAME=VALUE"))),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    fn options(arguments: &[&str]) -> Options {
        Line::parse_from([&["trigger"], arguments].concat()).options
    }

    #[test]
    fn a_parameter_is_json_where_it_reads_as_json() {
        let options = options(&[
            "allocation",
            "--params",
            r#"{"a":{"b":1}}"#,
            "--param",
            "dry_run=true",
            "--param",
            "strategies=[\"balanced\"]",
            "--param",
            "note=x=y",
        ]);
        let expected = json!({
            "a": {"b": 1}, "dry_run": true, "strategies": ["balanced"], "note": "x=y",
        });
        assert_eq!(Value::Object(parameters(&options).unwrap()), expected);
    }

    #[test]
    fn what_is_said_twice_or_makes_no_pair_is_refused() {
        for bad in [
            ["--param", "a=1", "--param", "a=2"],
            ["--params", r#"{"a":1}"#, "--param", "a=1"],
            ["--params", "[1]", "--param", "a=1"],
            ["--param", "=1", "--param", "a=1"],
            ["--param", "intent=ping", "--param", "a=1"],
        ] {
            assert!(parameters(&options(&[&["ping"], &bad[..]].concat())).is_err(), "{bad:?}");
        }
        let twice = options(&["ping", "--run-key", "a", "--attribute", "run-key=b"]);
        assert!(attributes(&twice).is_err());
        assert!(attributes(&options(&["ping", "--attribute", "intent=ping"])).is_err());
    }

    #[test]
    fn the_run_key_travels_as_an_attribute() {
        let options = options(&["ping", "--run-key", "k", "--attribute", "job=daily"]);
        let expected = [("intent", "ping"), ("job", "daily"), ("run-key", "k")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(attributes(&options).unwrap(), BTreeMap::from(expected));
    }
}
