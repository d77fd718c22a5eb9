//! Google's Pub/Sub emulator, the real one, and what tests need around it.
//!
//! It is a Java program inside Google's SDK. Its jar is started directly, because the `gcloud`
//! wrapper leaves it running when it is killed itself. Each [`Emulator`] has a port and a folder
//! of its own and dies with its value, so tests never meet each other's messages.

mod endpoint;
mod rest;

use std::collections::BTreeMap;
use std::env;
use std::io::{self, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rungate::config::{HostPort, PubSubSettings, TopicId};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStderr, Command};
use tokio::time::{Instant, timeout, timeout_at};

pub use endpoint::Endpoint;

/// The project of all topics here. The emulator takes any.
pub const PROJECT: &str = "rungate-test";

/// A Java program on a machine that builds something else at the same time.
const START_MAX: Duration = Duration::from_secs(60);

/// What the emulator writes once it listens.
const LISTENS: &str = "Server started, listening on";

/// A running emulator.
pub struct Emulator {
    host: HostPort,
    /// Killed when dropped.
    _java: Child,
    /// Where it runs; deleted when dropped.
    _folder: tempfile::TempDir,
}

/// How a push subscription treats its endpoint.
pub struct PushPolicy<'a> {
    /// How long an answer may take before the message comes again; Pub/Sub wants 10 s or more.
    pub ack_deadline: Duration,
    /// The topic that gets a message after [`DELIVERIES_MAX`] attempts.
    pub dead_letter: Option<&'a str>,
}

/// The fewest attempts that Pub/Sub allows before a message becomes a dead letter.
pub const DELIVERIES_MAX: u32 = 5;

impl Default for PushPolicy<'_> {
    fn default() -> Self {
        Self { ack_deadline: Duration::from_secs(60), dead_letter: None }
    }
}

/// A message as pulled.
#[derive(Clone, Debug)]
pub struct Pulled {
    pub data: Vec<u8>,
    pub attributes: BTreeMap<String, String>,
}

impl Emulator {
    /// Starts an emulator and waits until it answers. `None` where there is none to start, after
    /// saying so; but under `CI` its absence is a failure, since a gate that skips is no gate.
    pub async fn start() -> Option<Self> {
        let Some(jar) = find_jar() else {
            let missing = "no Pub/Sub emulator here";
            assert!(env::var_os("CI").is_none(), "{missing}, and CI is set");
            // Not `eprintln`, which a test that passes keeps to itself.
            writeln!(io::stderr(), "skipped: {missing}").expect("stderr is open");
            return None;
        };
        let folder = tempfile::tempdir().expect("a folder for the emulator");
        let port = free_port();
        let mut java = Command::new("java")
            .arg("-jar")
            .arg(&jar)
            .args(["--host=127.0.0.1", &format!("--port={port}")])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("java starts");
        let stderr = java.stderr.take().expect("stderr is piped");
        listening(stderr).await;
        let host = format!("127.0.0.1:{port}").parse().expect("a host and a port");
        let emulator = Self { host, _java: java, _folder: folder };
        emulator.call("GET", "/", &Value::Null).await;
        Some(emulator)
    }

    /// What `PUBSUB_EMULATOR_HOST` would hold.
    pub fn host(&self) -> &HostPort {
        &self.host
    }

    /// Settings that lead here.
    pub fn settings(&self, topic: &str, quarantine: Option<&str>) -> PubSubSettings {
        let id = |name: &str| name.parse::<TopicId>().expect("a topic's short name");
        PubSubSettings {
            project: Some(PROJECT.to_owned()),
            topic: Some(id(topic)),
            quarantine: quarantine.map(id),
            emulator: Some(self.host.clone()),
        }
    }

    /// Creates a topic.
    pub async fn topic(&self, name: &str) {
        self.call("PUT", &format!("/v1/{}", topic_name(name)), &json!({})).await;
    }

    /// Creates a subscription that posts what `topic` gets to `endpoint`, a URL.
    pub async fn push_subscription(
        &self,
        name: &str,
        topic: &str,
        endpoint: &str,
        policy: PushPolicy<'_>,
    ) {
        let mut wanted = json!({
            "topic": topic_name(topic),
            "pushConfig": { "pushEndpoint": endpoint },
            "ackDeadlineSeconds": policy.ack_deadline.as_secs(),
        });
        if let Some(dead) = policy.dead_letter {
            wanted["deadLetterPolicy"] = json!({ "deadLetterTopic": topic_name(dead), "maxDeliveryAttempts": DELIVERIES_MAX });
        }
        self.call("PUT", &format!("/v1/{}", subscription_name(name)), &wanted).await;
    }

    /// Creates a subscription to [`Emulator::pull`] from. It gets what is published from now on.
    pub async fn pull_subscription(&self, name: &str, topic: &str) {
        let wanted = json!({ "topic": topic_name(topic), "ackDeadlineSeconds": 60 });
        self.call("PUT", &format!("/v1/{}", subscription_name(name)), &wanted).await;
    }

    /// The next message of a pull subscription, acknowledged. Panics if none comes in time.
    pub async fn pull(&self, subscription: &str, within: Duration) -> Pulled {
        let path = format!("/v1/{}:pull", subscription_name(subscription));
        let waiting = async {
            // The emulator holds a pull back until there is something, or answers with nothing
            // after a while of its own.
            loop {
                let answer = self.call("POST", &path, &json!({ "maxMessages": 1 })).await;
                if let Some(message) = answer["receivedMessages"].get(0) {
                    return message.clone();
                }
            }
        };
        let Ok(received) = timeout(within, waiting).await else {
            panic!("nothing came to {subscription} within {within:?}");
        };
        let path = format!("/v1/{}:acknowledge", subscription_name(subscription));
        self.call("POST", &path, &json!({ "ackIds": [received["ackId"]] })).await;
        let message = &received["message"];
        Pulled {
            data: BASE64.decode(message["data"].as_str().unwrap_or_default()).expect("base64"),
            attributes: serde_json::from_value(message["attributes"].clone()).unwrap_or_default(),
        }
    }

    async fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        rest::call(&self.host, method, path, body).await
    }
}

/// A topic's full name.
pub fn topic_name(topic: &str) -> String {
    format!("projects/{PROJECT}/topics/{topic}")
}

/// A subscription's full name.
pub fn subscription_name(subscription: &str) -> String {
    format!("projects/{PROJECT}/subscriptions/{subscription}")
}

/// Reads what the emulator writes until it says that it listens; from then on what it writes is
/// read and dropped, or it would block on a full pipe.
async fn listening(stderr: ChildStderr) {
    let mut lines = BufReader::new(stderr).lines();
    let mut said = String::new();
    let deadline = Instant::now() + START_MAX;
    loop {
        let line = timeout_at(deadline, lines.next_line()).await;
        match line {
            Ok(Ok(Some(line))) if line.contains(LISTENS) => break,
            Ok(Ok(Some(line))) => said.push_str(&format!("{line}\n")),
            Ok(Ok(None)) => panic!("the emulator ended at once; it said:\n{said}"),
            Ok(Err(error)) => panic!("the emulator can't be heard: {error}"),
            Err(_) => panic!("the emulator does not listen after {START_MAX:?}; it said:\n{said}"),
        }
    }
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
}

/// A port that nobody listens on. The emulator takes no listener from us and does not say which
/// port it chose by itself, so the system is asked first.
fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a loopback port");
    listener.local_addr().expect("its address").port()
}

/// The newest emulator jar, if there is Java to run it.
fn find_jar() -> Option<PathBuf> {
    let path: Vec<PathBuf> = env::split_paths(&env::var_os("PATH")?).collect();
    path.iter().find(|folder| folder.join("java").is_file())?;
    // `gcloud` lies in the SDK's `bin`, or links there.
    let beside_gcloud = path.iter().filter_map(|folder| {
        let gcloud = folder.join("gcloud").canonicalize().ok()?;
        Some(gcloud.parent()?.parent()?.to_owned())
    });
    let usual = ["/usr/lib/google-cloud-sdk", "/usr/share/google-cloud-sdk", "/google-cloud-sdk"];
    beside_gcloud.chain(usual.map(PathBuf::from)).find_map(|sdk| jar_in(&sdk))
}

fn jar_in(sdk: &Path) -> Option<PathBuf> {
    let lib = sdk.join("platform/pubsub-emulator/lib");
    let mut jars: Vec<PathBuf> = lib
        .read_dir()
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.to_string_lossy().ends_with("-all.jar"))
        .collect();
    jars.sort();
    jars.pop()
}
