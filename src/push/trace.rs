//! The trace that a request belongs to.

use hyper::HeaderMap;

/// The trace id, 32 hexadecimal digits in lower case: from `traceparent`
/// (<https://www.w3.org/TR/trace-context/>), or else from Google's older
/// `X-Cloud-Trace-Context: TRACE/SPAN;o=1` (<https://docs.cloud.google.com/trace/docs/trace-context>).
pub(super) fn of(headers: &HeaderMap) -> Option<String> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    text("traceparent").and_then(of_traceparent).or_else(|| {
        let value = text("x-cloud-trace-context")?;
        trace_id(value.split(['/', ';']).next()?)
    })
}

fn of_traceparent(value: &str) -> Option<String> {
    let mut parts = value.split('-');
    let (version, trace, span) = (parts.next()?, parts.next()?, parts.next()?);
    // The flags; later versions may add more behind them.
    parts.next()?;
    (version.len() == 2 && span.len() == 16).then(|| trace_id(trace)).flatten()
}

fn trace_id(text: &str) -> Option<String> {
    let is_id = text.len() == 32
        && text.bytes().all(|byte| byte.is_ascii_hexdigit())
        // All zeros means "none".
        && text.bytes().any(|byte| byte != b'0');
    is_id.then(|| text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    fn of_header(name: &'static str, value: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        of(&headers)
    }

    #[test]
    fn both_headers_name_a_trace() {
        let parent = format!("00-{ID}-00f067aa0ba902b7-01");
        assert_eq!(of_header("traceparent", &parent).as_deref(), Some(ID));
        let later = format!("cc-{ID}-00f067aa0ba902b7-01-more");
        assert_eq!(of_header("traceparent", &later).as_deref(), Some(ID));
        let upper = ID.to_ascii_uppercase();
        for value in [format!("{upper}/123;o=1"), format!("{ID};o=1"), ID.to_owned()] {
            assert_eq!(of_header("x-cloud-trace-context", &value).as_deref(), Some(ID), "{value}");
        }
    }

    #[test]
    fn what_is_not_an_id_is_no_trace() {
        let zeros = "0".repeat(32);
        for value in [format!("00-{zeros}-00f067aa0ba902b7-01"), format!("00-{ID}"), ID.to_owned()]
        {
            assert_eq!(of_header("traceparent", &value), None, "{value}");
        }
        for value in ["", "/", "12/3", &"g".repeat(32)] {
            assert_eq!(of_header("x-cloud-trace-context", value), None, "{value}");
        }
    }

    #[test]
    fn a_broken_traceparent_does_not_hide_the_other_header() {
        let mut headers = HeaderMap::new();
        headers.insert("traceparent", "00-x".parse().unwrap());
        headers.insert("x-cloud-trace-context", format!("{ID}/1").parse().unwrap());
        assert_eq!(of(&headers).as_deref(), Some(ID));
    }
}
