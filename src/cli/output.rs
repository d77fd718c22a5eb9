//! Where commands write: results to standard output, remarks to standard error.

use std::io::{self, ErrorKind, IsTerminal, Write};

use serde_json::Value;

use super::table::Look;

/// In which form a result is printed.
#[derive(clap::Args, Clone, Copy, Debug)]
pub(super) struct Form {
    /// Print one JSON document, for programs
    #[arg(long)]
    json: bool,
}

impl Form {
    /// Prints a result: the JSON document, or the text for whoever reads standard output.
    pub fn show(self, document: &Value, text: impl FnOnce(Look) -> String) -> io::Result<()> {
        match self.json {
            true => print(&format!("{document:#}\n")),
            false => print(&text(look())),
        }
    }
}

/// What standard output is.
pub(super) fn look() -> Look {
    if io::stdout().is_terminal() { Look::Terminal } else { Look::Plain }
}

/// Writes to standard output. A reader who has seen enough (`rungate runs | head`) is no error.
pub(super) fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Tells a person something that is not the result. If nobody can hear it, the exit code remains.
pub(super) fn remark(text: &str) {
    writeln!(io::stderr(), "{text}").unwrap_or_default();
}
