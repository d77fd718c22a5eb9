//! The client's errors in our words.

use ibapi::{Error, Notice};

use crate::gateway::codes::{self, CodeClass};
use crate::gateway::{GatewayError, redact};

/// What `error` means for `request`.
pub(super) fn of(request: &'static str, error: Error) -> GatewayError {
    match error {
        Error::Notice(notice) => refusal(request, &notice),
        Error::ClientIdInUse { client_id } => GatewayError::ClientIdInUse { client_id },
        // The client's own recovery is off: all of these mean that the session is over.
        Error::Io(_)
        | Error::ConnectionFailed
        | Error::ConnectionReset
        | Error::Shutdown
        | Error::Cancelled
        | Error::EndOfStream
        | Error::UnexpectedEndOfStream
        | Error::InvalidFrame(_) => GatewayError::Reset { request },
        // Their texts dump the frame, account numbers and all.
        Error::UnexpectedResponse(_) | Error::UnexpectedWireFormat(_) => {
            unreadable(request, "it is not the kind of message that answers this")
        }
        other => unreadable(request, &other.to_string()),
    }
}

/// IB's own error as the answer to `request`.
pub(super) fn refusal(request: &'static str, notice: &Notice) -> GatewayError {
    match codes::classify(notice.code, &notice.message) {
        CodeClass::ReadOnly => GatewayError::ReadOnly,
        CodeClass::LinkLost => GatewayError::LinkLost,
        _ if notice.code < 0 => unreadable(request, &notice.message),
        _ => GatewayError::Refused {
            request,
            code: notice.code,
            text: redact::accounts(&notice.message),
        },
    }
}

/// An answer that can't be read.
pub(super) fn unreadable(request: &'static str, problem: &str) -> GatewayError {
    GatewayError::Unreadable { request, problem: redact::accounts(problem) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(code: i32, message: &str) -> Notice {
        Notice {
            request_id: None,
            code,
            message: message.to_owned(),
            error_time: None,
            advanced_order_reject_json: String::new(),
        }
    }

    #[test]
    fn a_refusal_keeps_the_code_and_loses_the_account() {
        let error = of("a quote", Error::Notice(notice(354, "not subscribed for DU1234567")));
        assert_eq!(
            error.to_string(),
            "IB answered a quote with error 354: not subscribed for DU…67"
        );
    }

    #[test]
    fn a_session_that_ended_is_a_reset_whatever_the_client_calls_it() {
        for error in [Error::ConnectionFailed, Error::Shutdown, Error::ConnectionReset] {
            assert!(matches!(of("x", error), GatewayError::Reset { .. }));
        }
    }

    #[test]
    fn a_frame_dump_stays_out_of_the_text() {
        let error = of("positions", Error::UnexpectedResponse("[68, 85, 49]".to_owned()));
        assert!(!error.to_string().contains("68"), "{error}");
    }

    // A list that lost rows must not pass for a complete one.
    #[test]
    fn a_list_that_lagged_is_unreadable() {
        let error = of("executions", Error::Notice(notice(-6, "3 frames dropped")));
        assert!(matches!(error, GatewayError::Unreadable { .. }));
    }
}
