//! Logs: one JSON object a line for Cloud Logging, or text for a person. Always on stderr, since
//! stdout belongs to what a command was asked to print.

use std::io::{self, IsTerminal, Write};
use std::panic::PanicHookInfo;

use serde_json::{Map, Value};
use tracing::Subscriber;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{EnvFilter, Layer};

use crate::config::{LogFormat, LogSettings};

/// The span field that holds the request's trace id, 32 hexadecimal digits.
pub const TRACE_ID: &str = "trace_id";

/// The span field that holds the request's span id, 16 hexadecimal digits.
pub const SPAN_ID: &str = "span_id";

/// Logging could not start.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The directives of `RUST_LOG` do not parse.
    #[error("the log filter {filter:?} does not parse")]
    Filter {
        /// As given.
        filter: String,
        /// Why not.
        #[source]
        source: ParseError,
    },
    /// Something else in this process logs already.
    #[error("logging is started already")]
    Started(#[source] TryInitError),
}

/// Starts logging for the whole process, and makes a panic anywhere a CRITICAL entry.
///
/// # Errors
///
/// When the filter does not parse, and when logging was started before.
pub fn init(logs: &LogSettings) -> Result<(), TelemetryError> {
    let terminal = io::stderr().is_terminal();
    let json = match logs.format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !terminal,
    };
    let filter = EnvFilter::builder()
        .parse(&logs.filter)
        .map_err(|source| TelemetryError::Filter { filter: logs.filter.clone(), source })?;
    let started = if json {
        json_lines(filter, logs.project.clone(), io::stderr).try_init()
    } else {
        text_lines(filter, terminal, io::stderr).try_init()
    };
    started.map_err(TelemetryError::Started)?;
    std::panic::set_hook(Box::new(log_panic));
    Ok(())
}

fn json_lines<M>(
    filter: EnvFilter,
    project: Option<String>,
    out: M,
) -> impl Subscriber + Send + Sync + 'static
where
    M: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let layer = tracing_stackdriver::layer().with_writer(Lifting { project, out });
    tracing_subscriber::registry().with(layer.with_filter(filter))
}

fn text_lines<M>(
    filter: EnvFilter,
    colours: bool,
    out: M,
) -> impl Subscriber + Send + Sync + 'static
where
    M: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let layer = tracing_subscriber::fmt::layer().with_ansi(colours).with_writer(out);
    tracing_subscriber::registry().with(layer.with_filter(filter))
}

/// The default hook prints several lines that Cloud Logging takes for as many entries of no
/// severity. This makes one entry that an alert can match.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let location = panic.location().map(ToString::to_string).unwrap_or_default();
    let thread = std::thread::current();
    tracing::error!(
        severity = "CRITICAL",
        panic.location = location,
        panic.thread = thread.name().unwrap_or("unnamed"),
        "panicked: {}",
        panic.payload_as_str().unwrap_or("a payload that is not text"),
    );
}

/// Makes writers that lift the trace of the innermost span that has one into the two keys that
/// tie a log entry to its request
/// (<https://cloud.google.com/logging/docs/structured-logging#structured_logging_special_fields>).
/// The layer itself renames every event field, so it cannot write such keys.
struct Lifting<M> {
    project: Option<String>,
    out: M,
}

impl<'a, M: MakeWriter<'a>> MakeWriter<'a> for Lifting<M> {
    type Writer = Lift<'a, M::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        Lift { project: self.project.as_deref(), out: self.out.make_writer() }
    }
}

struct Lift<'a, W> {
    project: Option<&'a str>,
    out: W,
}

impl<W: Write> Write for Lift<'_, W> {
    /// The formatter hands over one whole line in one call.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match lifted(line, self.project) {
            Some(lifted) => self.out.write_all(&lifted)?,
            None => self.out.write_all(line)?,
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// `None`: the line stays as it is.
fn lifted(line: &[u8], project: Option<&str>) -> Option<Vec<u8>> {
    let mut entry: Map<String, Value> = serde_json::from_slice(line).ok()?;
    // The innermost span is in `spans` as well; said once is enough.
    entry.remove("span");
    let innermost = |field: &str| {
        let spans = entry.get("spans")?.as_array()?;
        spans.iter().rev().find_map(|span| span.get(field)?.as_str().map(str::to_owned))
    };
    let (trace, span) = (innermost(TRACE_ID), innermost(SPAN_ID));
    if let (Some(trace), Some(project)) = (trace, project) {
        let name = format!("projects/{project}/traces/{trace}");
        entry.insert("logging.googleapis.com/trace".to_owned(), name.into());
    }
    if let Some(span) = span {
        entry.insert("logging.googleapis.com/spanId".to_owned(), span.into());
    }
    let mut bytes = serde_json::to_vec(&entry).ok()?;
    bytes.push(b'\n');
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Captured(Arc<Mutex<Vec<u8>>>);

    impl Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Captured {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }

        /// The entries that `work` logs at INFO and above.
        fn entries(work: impl FnOnce()) -> Vec<Value> {
            let captured = Self::default();
            let out = captured.clone();
            let subscriber =
                json_lines(EnvFilter::new("info"), Some("proj".to_owned()), move || out.clone());
            tracing::subscriber::with_default(subscriber, work);
            captured.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
        }
    }

    #[test]
    fn an_entry_points_to_the_trace_of_its_innermost_span_that_has_one() {
        let trace = "0af7651916cd43dd8448eb211c80319c";
        let entries = Captured::entries(|| {
            let request = tracing::info_span!("request", trace_id = trace, span_id = "b7ad6b7169");
            let _request = request.enter();
            let _inner = tracing::info_span!("delivery", message_id = "7").entered();
            tracing::info!(order_ref = "rg-1", "sent\nwith care");
        });
        assert_eq!(entries.len(), 1);
        let entry = &entries[0];
        assert_eq!(entry["logging.googleapis.com/trace"], format!("projects/proj/traces/{trace}"));
        assert_eq!(entry["logging.googleapis.com/spanId"], "b7ad6b7169");
        assert_eq!(entry["severity"], "INFO");
        assert_eq!(entry["message"], "sent\nwith care");
        assert_eq!(entry["orderRef"], "rg-1");
        assert_eq!(entry["spans"][1]["message_id"], "7");
    }

    #[test]
    fn without_a_trace_nothing_is_made_up() {
        let entries = Captured::entries(|| tracing::warn!("alone"));
        assert_eq!(entries[0]["severity"], "WARNING");
        assert_eq!(entries[0].get("logging.googleapis.com/trace"), None);
        assert_eq!(entries[0].get("logging.googleapis.com/spanId"), None);
    }

    #[test]
    fn what_the_filter_excludes_is_not_written() {
        let entries = Captured::entries(|| {
            tracing::debug!("quiet");
            tracing::info!("said");
        });
        assert_eq!(entries.len(), 1);
    }

    #[test]
    fn a_panic_is_one_critical_entry_that_says_where() {
        let entries = Captured::entries(|| {
            let before = std::panic::take_hook();
            std::panic::set_hook(Box::new(log_panic));
            let panicked = std::panic::catch_unwind(|| panic!("the book has {} sides", 3));
            std::panic::set_hook(before);
            assert!(panicked.is_err());
        });
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0]["severity"], "CRITICAL");
        assert_eq!(entries[0]["message"], "panicked: the book has 3 sides");
        let location = entries[0]["panicLocation"].as_str().unwrap();
        assert!(location.contains("telemetry.rs:"), "{location}");
    }

    #[test]
    fn a_line_that_is_not_an_object_passes_unchanged() {
        assert_eq!(lifted(b"plain text\n", Some("proj")), None);
        assert_eq!(lifted(b"[1]\n", Some("proj")), None);
    }

    #[test]
    fn text_lines_carry_the_fields() {
        let captured = Captured::default();
        let out = captured.clone();
        let subscriber = text_lines(EnvFilter::new("info"), false, move || out.clone());
        tracing::subscriber::with_default(subscriber, || tracing::info!(orders = 3, "planned"));
        let text = captured.text();
        assert!(text.contains("planned") && text.contains("orders=3"), "{text}");
    }
}
