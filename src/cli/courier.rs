//! Posts envelopes over HTTP and, like Pub/Sub, delivers again what is not acknowledged.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_util::task::AbortOnDropHandle;

use super::letter::Letter;

/// How long connecting may take. A service that is up answers at once, on whatever continent.
const CONNECT_MAX: Duration = Duration::from_secs(10);

/// The largest answer we read: an outcome that tells of the largest plan is a tenth of it.
const ANSWER_MAX: usize = 4 * 1024 * 1024;

/// The pause before the second delivery; each further one is twice as long, up to [`PAUSE_MAX`].
/// Pub/Sub's own backoff goes from 10 to 600 seconds
/// (<https://docs.cloud.google.com/pubsub/docs/handling-failures>): too long for somebody who
/// watches.
const PAUSE_MIN: Duration = Duration::from_millis(500);

/// The longest pause between two deliveries.
const PAUSE_MAX: Duration = Duration::from_secs(8);

/// After so many deliveries a message is given up. With the pauses between them this is longer
/// than the lease that a killed `rungate dev` leaves on its run.
const DELIVERIES_MAX: u32 = 12;

/// Where to post: `http://HOST:PORT/PATH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PushUrl {
    authority: String,
    target: String,
}

impl FromStr for PushUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let uri: Uri = text.parse().map_err(|error| format!("{text:?} is no URL: {error}"))?;
        let (Some("http"), Some(host)) = (uri.scheme_str(), uri.host()) else {
            return Err(format!(
                "{text:?} is not http://HOST:PORT/push; a service behind https takes messages \
                 from its topic only"
            ));
        };
        let authority = format!("{host}:{}", uri.port_u16().unwrap_or(80));
        let target = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        Ok(Self { authority, target })
    }
}

impl fmt::Display for PushUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}{}", self.authority, self.target)
    }
}

/// The service gave no answer that can be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum CourierError {
    #[error("nothing listens at {authority}; is the service up (`rungate serve`, `rungate dev`)?")]
    Connect {
        authority: String,
        #[source]
        source: std::io::Error,
    },
    #[error("{authority} did not accept a connection within {CONNECT_MAX:?}")]
    ConnectTimeout { authority: String },
    #[error("{url} did not answer within {after:?}; the work may be going on")]
    Timeout { url: String, after: Duration },
    #[error("{url} broke the connection; the work may be going on")]
    Broken {
        url: String,
        #[source]
        source: hyper::Error,
    },
    #[error("the request to {url} can't be written")]
    Request {
        url: String,
        #[source]
        source: hyper::http::Error,
    },
    #[error("the answer of {url} can't be read to its end")]
    Answer {
        url: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// What the service answered.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    /// The HTTP status code.
    pub code: u16,
    /// The body: an outcome, or null if it was not JSON.
    pub body: Value,
}

/// An outcome, as the service tells it.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Told {
    /// `done`, `refused`, `rejected`, `failed` or `busy`.
    pub status: String,
    /// One sentence.
    pub summary: String,
    /// What a person should look at.
    #[serde(default)]
    pub attention: Vec<String>,
    /// Which run answers.
    #[serde(default)]
    pub run_key: Option<String>,
    /// Whether this is the recorded outcome of a run that ended before.
    #[serde(default)]
    pub replayed: bool,
    /// What the intent has to say beyond that.
    #[serde(default)]
    pub details: Value,
}

impl Answer {
    /// Whether Pub/Sub would take this for an acknowledgement
    /// (<https://docs.cloud.google.com/pubsub/docs/push>).
    pub fn is_ack(&self) -> bool {
        matches!(self.code, 102 | 200 | 201 | 202 | 204)
    }

    /// The outcome, if the answer is one.
    pub fn told(&self) -> Option<Told> {
        Told::deserialize(&self.body).ok()
    }
}

/// A delivery that was not acknowledged, and what comes next.
#[derive(Debug)]
pub(super) struct Setback {
    /// The delivery, from 1.
    pub attempt: u32,
    /// What came of it.
    pub why: String,
    /// When the next one leaves.
    pub pause: Duration,
}

/// Posts to one address.
#[derive(Clone, Debug)]
pub(super) struct Courier {
    url: PushUrl,
    patience: Duration,
}

impl Courier {
    /// Waits for each answer as long as Pub/Sub would: its ack deadline, which is longer than the
    /// handler's budget.
    pub fn new(url: PushUrl, ack_deadline: Duration) -> Self {
        Self { url, patience: ack_deadline }
    }

    /// Delivers until the message is acknowledged, telling `setback` of each attempt that was
    /// not. The last answer is returned whatever it was.
    pub async fn deliver(
        &self,
        letter: &Letter,
        mut setback: impl FnMut(&Setback),
    ) -> Result<Answer, CourierError> {
        let mut pause = PAUSE_MIN;
        for attempt in 1..DELIVERIES_MAX {
            let result = self.post(letter, attempt).await;
            if result.as_ref().is_ok_and(Answer::is_ack) {
                return result;
            }
            setback(&Setback { attempt, why: why(&result), pause });
            sleep(pause).await;
            pause = PAUSE_MAX.min(pause * 2);
        }
        self.post(letter, DELIVERIES_MAX).await
    }

    /// Delivers once.
    pub async fn post(&self, letter: &Letter, attempt: u32) -> Result<Answer, CourierError> {
        let request = Request::post(&self.url.target).header(CONTENT_TYPE, "application/json");
        self.send(request, letter.envelope(attempt), &self.url.to_string()).await
    }

    /// Asks the same service for another page.
    pub async fn get(&self, target: &str) -> Result<Answer, CourierError> {
        let url = format!("http://{}{target}", self.url.authority);
        self.send(Request::get(target), Bytes::new(), &url).await
    }

    async fn send(
        &self,
        request: hyper::http::request::Builder,
        body: Bytes,
        url: &str,
    ) -> Result<Answer, CourierError> {
        let authority = self.url.authority.as_str();
        let request = request
            .header(HOST, authority)
            .body(Full::new(body))
            .map_err(|source| CourierError::Request { url: url.to_owned(), source })?;
        let stream = match timeout(CONNECT_MAX, TcpStream::connect(authority)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(source)) => {
                return Err(CourierError::Connect { authority: authority.to_owned(), source });
            }
            Err(_elapsed) => {
                return Err(CourierError::ConnectTimeout { authority: authority.to_owned() });
            }
        };
        match timeout(self.patience, exchange(stream, request, url)).await {
            Ok(answer) => answer,
            Err(_elapsed) => {
                Err(CourierError::Timeout { url: url.to_owned(), after: self.patience })
            }
        }
    }
}

fn why(result: &Result<Answer, CourierError>) -> String {
    match result {
        Ok(answer) => match answer.told() {
            Some(told) => format!("{} {}: {}", answer.code, told.status, told.summary),
            None => format!("{} without an outcome", answer.code),
        },
        Err(error) => crate::intents::chain(error),
    }
}

async fn exchange(
    stream: TcpStream,
    request: Request<Full<Bytes>>,
    url: &str,
) -> Result<Answer, CourierError> {
    let broken = |source| CourierError::Broken { url: url.to_owned(), source };
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    // The connection reports its errors through the sender too.
    let _connection = AbortOnDropHandle::new(tokio::spawn(connection));
    let response = sender.send_request(request).await.map_err(broken)?;
    let code = response.status().as_u16();
    let body = Limited::new(response.into_body(), ANSWER_MAX)
        .collect()
        .await
        .map_err(|source| CourierError::Answer { url: url.to_owned(), source })?
        .to_bytes();
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    Ok(Answer { code, body })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_push_url_is_plain_http_with_a_host() {
        let url: PushUrl = "http://127.0.0.1:8080/push".parse().unwrap();
        assert_eq!(url.to_string(), "http://127.0.0.1:8080/push");
        let bare: PushUrl = "http://localhost".parse().unwrap();
        assert_eq!(bare.to_string(), "http://localhost:80/");
        let v6: PushUrl = "http://[::1]:8080/push".parse().unwrap();
        assert_eq!(v6.authority, "[::1]:8080");
        for bad in ["https://x.run.app/push", "127.0.0.1:8080", "/push", "http://"] {
            assert!(bad.parse::<PushUrl>().is_err(), "{bad}");
        }
    }

    #[test]
    fn only_what_pubsub_takes_for_an_acknowledgement_is_one() {
        let acks: Vec<u16> =
            (100..600).filter(|code| Answer { code: *code, body: Value::Null }.is_ack()).collect();
        assert_eq!(acks, [102, 200, 201, 202, 204]);
    }

    #[tokio::test]
    async fn an_address_where_nobody_listens_is_named() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url: PushUrl = format!("http://{}/push", taken.local_addr().unwrap()).parse().unwrap();
        drop(taken);
        let courier = Courier::new(url.clone(), Duration::from_secs(5));
        let error = courier.get("/readyz").await.unwrap_err().to_string();
        assert!(error.contains(&url.authority), "{error}");
    }
}
