//! One request: what it asks for, the work, the answer.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{Request, Response};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use super::body::{self, BodyError};
use super::limits::{HANDLERS_TAKEN_PAUSE, Limits, READY_TIME};
use super::route::Route;
use super::status::Verdict;
use super::{Authentication, Front, browser, direct, read_message};
use crate::dispatch::{Arrival, Reply, ReplyKind, Source};

type Answer = Response<Full<Bytes>>;

/// What every connection shares.
pub(super) struct Door {
    front: Front,
    limits: Limits,
    authentication: Authentication,
    tasks: TaskTracker,
    handlers: Arc<Semaphore>,
}

impl Door {
    pub(super) fn new(
        front: Front,
        limits: Limits,
        authentication: Authentication,
        tasks: TaskTracker,
    ) -> Self {
        let handlers = Arc::new(Semaphore::new(limits.handlers));
        Self { front, limits, authentication, tasks, handlers }
    }

    /// Answers one request. Dropped when the peer hangs up: the work itself runs elsewhere.
    pub(super) async fn answer(&self, request: Request<Incoming>) -> Result<Answer, Infallible> {
        let (head, body) = request.into_parts();
        match self.authentication {
            Authentication::None if browser::is_foreign_page(&head.headers) => {
                return Ok(refuse(&Verdict::ForeignPage, "a web page of another site sent this"));
            }
            Authentication::None => {}
        }
        let (headers, query) = (&head.headers, head.uri.query());
        Ok(match Route::of(&head.method, head.uri.path(), self.front.kind_of) {
            Route::Push => match body::read(headers, body, &self.limits).await {
                Ok(body) => self.work(read_message(headers, body), Source::PubSub).await,
                Err(error) => refuse_body(&error),
            },
            Route::Post(intent) => match body::read(headers, body, &self.limits).await {
                Ok(body) => self.direct(direct::read_post(intent, headers, query, body)).await,
                Err(error) => refuse_body(&error),
            },
            Route::Get(intent) => self.direct(direct::read_get(intent, headers, query)).await,
            Route::Health => json_answer(&Verdict::Well, &json!({ "status": "up" })),
            Route::Ready => self.ready().await,
            Route::UnknownPath => refuse(&Verdict::UnknownPath, "there is nothing at this path"),
            Route::WrongMethod { allow } => wrong_method(allow),
        })
    }

    async fn direct(&self, arrival: Result<Arrival, direct::NoId>) -> Answer {
        match arrival {
            Ok(arrival) => self.work(arrival, Source::Direct).await,
            Err(error) => {
                tracing::error!(error = %error, "a direct request got no id");
                refuse(&Verdict::NoId, &error.to_string())
            }
        }
    }

    /// Has the work done in a task of its own.
    async fn work(&self, arrival: Arrival, source: Source) -> Answer {
        let Ok(slot) = self.handlers.clone().try_acquire_owned() else {
            tracing::warn!(handlers = self.limits.handlers, "all handlers are taken");
            let answer = refuse(&Verdict::Crowded, "all handlers are taken; come back later");
            return retry_after(answer, HANDLERS_TAKEN_PAUSE);
        };
        let handle = self.front.handle.clone();
        let work = self.tasks.spawn(async move {
            let reply = handle(arrival).await;
            drop(slot);
            reply
        });
        match work.await {
            Ok(reply) => reply_answer(&reply, source),
            Err(died) => {
                tracing::error!(error = %died, "a handler died");
                refuse(&Verdict::HandlerDied, "the handler died; deliver again")
            }
        }
    }

    async fn ready(&self) -> Answer {
        match tokio::time::timeout(READY_TIME, (self.front.ready)()).await {
            Ok(found) if found.ready => json_answer(&Verdict::Well, &found.details),
            Ok(found) => json_answer(&Verdict::Unready, &found.details),
            Err(tokio::time::error::Elapsed { .. }) => {
                refuse(&Verdict::Unready, "the check took too long")
            }
        }
    }
}

fn reply_answer(reply: &Reply, source: Source) -> Answer {
    let answer = json_answer(&Verdict::Reply(reply.kind, source), &reply.body);
    match reply.kind {
        ReplyKind::Busy { retry_after: pause } => retry_after(answer, pause),
        ReplyKind::Settled | ReplyKind::Quarantined | ReplyKind::Rejected | ReplyKind::Failed => {
            answer
        }
    }
}

/// Whole seconds, rounded up: coming back too early is of no use.
fn retry_after(mut answer: Answer, pause: Duration) -> Answer {
    let seconds = pause.as_secs().saturating_add(u64::from(pause.subsec_nanos() > 0)).max(1);
    answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    answer
}

fn wrong_method(allow: &'static str) -> Answer {
    let mut answer = refuse(&Verdict::WrongMethod, &format!("this path takes {allow}"));
    answer.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
    answer
}

/// What is left of the body would be taken for the next request, so the connection ends.
fn refuse_body(error: &BodyError) -> Answer {
    tracing::debug!(error = %error, "a body could not be read");
    let mut answer = refuse(&Verdict::Body(error), &error.to_string());
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}

fn refuse(verdict: &Verdict<'_>, problem: &str) -> Answer {
    json_answer(verdict, &json!({ "error": problem }))
}

fn json_answer(verdict: &Verdict<'_>, body: &Value) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body.to_string())));
    *answer.status_mut() = verdict.status();
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}
