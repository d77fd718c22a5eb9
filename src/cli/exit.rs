//! How commands end. Exit codes mean something: scripts read them.

use std::io::ErrorKind;
use std::process::ExitCode;

use crate::config::{ConfigProblems, Problems};
use crate::gateway::GatewayError;
use crate::push::BindError;
use crate::store::StoreUrlError;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done,
    /// An error: whatever has no code of its own.
    Error,
    /// A rule forbids it.
    Refused,
    /// IB Gateway is away.
    GatewayAway,
    /// Done in part: something needs a person.
    Partial,
    /// Bad arguments or settings.
    Usage,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Error => 1,
            Exit::Refused => 2,
            Exit::GatewayAway => 3,
            Exit::Partial => 4,
            // `EX_USAGE` of BSD's sysexits.
            Exit::Usage => 64,
        })
    }
}

/// Arguments or settings that ask for something that can't be.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Misuse(pub String);

/// What was asked for is understood, and a rule forbids it. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[error("refused: {0}")]
pub(super) struct Refusal(pub String);

/// Prints what clap has to say: help to standard output, mistakes to standard error.
pub(super) fn usage(error: &clap::Error) -> ExitCode {
    match error.print() {
        Err(problem) if problem.kind() != ErrorKind::BrokenPipe => return Exit::Error.into(),
        // Who pipes help into `head` has seen enough.
        Ok(()) | Err(_) => {}
    }
    match error.use_stderr() {
        true => Exit::Usage.into(),
        false => Exit::Done.into(),
    }
}

/// Which code an error ends the process with.
pub(super) fn code_of(error: &anyhow::Error) -> Exit {
    let is_usage = error.is::<Problems>()
        || error.is::<ConfigProblems>()
        || matches!(
            error.downcast_ref::<StoreUrlError>(),
            // A store that does not open may be busy, or gone: the setting need not be wrong.
            Some(
                StoreUrlError::Unsupported(_)
                    | StoreUrlError::NoPath(_)
                    | StoreUrlError::Slashes(_)
            )
        )
        || error.is::<BindError>()
        || error.is::<Misuse>();
    if error.is::<Refusal>() {
        return Exit::Refused;
    }
    match error.downcast_ref::<GatewayError>() {
        _ if is_usage => Exit::Usage,
        Some(error) if error.is_retryable() => Exit::GatewayAway,
        Some(_) | None => Exit::Error,
    }
}

/// An error with its causes: the first line says what, the others why.
pub(super) fn chain(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).collect::<Vec<_>>().join("\n  because: ")
}
