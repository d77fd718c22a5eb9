//! Runs the scripts in `python/` with the clients that `scripts/install-judges.sh` installed.

use std::env;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use crate::gateway::Gateway;

/// A script takes seconds and bounds its own waits. This is for one that hangs nevertheless, on a
/// machine that builds something else at the same time.
const SCRIPT_MAX: Duration = Duration::from_secs(120);

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The folder with the installed clients. `None` where there is none, after saying so; but under
/// `CI` its absence is a failure, since a gate that skips is no gate.
fn packages() -> Option<PathBuf> {
    let root = Path::new(ROOT);
    let folder = root.join("target/tools/judges");
    let wanted = fs::read_to_string(root.join("tests/judges/python/requirements.txt")).unwrap();
    let installed = fs::read_to_string(folder.join("installed.txt"));
    if installed.is_ok_and(|installed| installed.contains(&wanted)) {
        return Some(folder);
    }
    let missing = "the Python clients are not here (scripts/install-judges.sh installs them)";
    assert!(env::var_os("CI").is_none(), "{missing}, and CI is set");
    // Not `eprintln`, which a test that passes keeps to itself.
    writeln!(io::stderr(), "skipped: {missing}").expect("stderr is open");
    None
}

/// Runs a script against `gateway`, which must answer it with `version`. Panics with all that it
/// said if it fails.
pub async fn judge(script: &str, gateway: &Gateway, version: i32) {
    let Some(packages) = packages() else { return };
    let (host, port) = gateway.addr.rsplit_once(':').unwrap();
    let run = Command::new("python3")
        .arg(Path::new(ROOT).join("tests/judges/python").join(script))
        .args([host, port, &version.to_string()])
        .env("PYTHONPATH", &packages)
        // The packages are compiled where they are; scripts are not to be, beside their text.
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let Ok(run) = timeout(SCRIPT_MAX, run).await else {
        panic!("{script} at version {version} does not end within {SCRIPT_MAX:?}");
    };
    let run = run.expect("python3 runs");
    let said = [run.stdout, run.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    let said = said.concat();
    assert!(run.status.success(), "{script} at version {version}: {}\n{said}", run.status);
    println!("{script} at version {version}\n{said}");
}
