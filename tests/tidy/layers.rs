//! Who may use whom, who may name which crate, and what stays pure.

use super::source::{File, Offence, repository, word_at};
use super::{clean, lines};

/// What everybody above may use besides what its row says.
const BASE: &[&str] = &["clock", "config", "domain", "telemetry"];

/// A module, the modules that it may use, and whether [`BASE`] is among them.
const LAYERS: &[(&str, &[&str], bool)] = &[
    (
        "cli",
        &[
            "dispatch",
            "gateway",
            "intents",
            "orders",
            "portfolio",
            "pubsub",
            "push",
            "risk",
            "runs",
            "sim",
            "store",
        ],
        true,
    ),
    ("push", &["dispatch"], true),
    ("dispatch", &["intents", "pubsub", "runs", "store"], true),
    ("intents", &["gateway", "orders", "portfolio", "risk", "runs", "store"], true),
    // An `Approved` of `risk` holds a line of `portfolio`.
    ("orders", &["gateway", "portfolio", "risk", "store"], true),
    ("runs", &["store"], true),
    ("gateway", &[], true),
    ("store", &[], true),
    ("pubsub", &[], true),
    ("risk", &["config", "domain", "portfolio"], false),
    ("portfolio", &["config", "domain"], false),
    ("telemetry", &["config"], false),
    ("config", &["domain"], false),
    ("clock", &[], false),
    ("domain", &[], false),
    // What shares our code shares our bugs.
    ("sim", &[], false),
];

/// A word of code, and the start of the paths that alone may hold it.
const OWNERS: &[(&str, &str)] = &[
    ("ibapi", "src/gateway/ib"),
    ("rusqlite", "src/store/sqlite"),
    ("google_cloud_auth", "src/pubsub.rs"),
    ("google_cloud_gax", "src/pubsub.rs"),
    ("google_cloud_pubsub", "src/pubsub.rs"),
    ("StatusCode", "src/push/status.rs"),
];

/// Arithmetic: everything that it depends on comes in as an argument.
const PURE: &[&str] = &["config", "domain", "portfolio", "risk"];

/// What pure code can't hold.
const IMPURE: &[&str] = &[
    "async",
    "await",
    "Timestamp::now",
    "Zoned::now",
    "ZonedDateTime::now",
    "Instant::now",
    "SystemTime",
    "std::env",
    "std::fs",
    "std::net::TcpStream",
    "std::thread",
    "tokio",
    "tracing::",
];

/// The top-level module that a file belongs to. `main.rs` and `lib.rs` belong to none: the one
/// wires and the other lists.
fn module_of(file: &File) -> Option<&str> {
    let inside = file.path.strip_prefix("src/")?.strip_suffix(".rs")?;
    let top = inside.split('/').next()?;
    (!matches!(top, "main" | "lib")).then_some(top)
}

/// How many `super` lead from a file's own module to the crate's root.
fn depth_of(file: &File) -> usize {
    let parts = file.path.trim_start_matches("src/").split('/').count();
    if file.path.ends_with("/mod.rs") { parts - 1 } else { parts }
}

/// Names that a text reaches from the crate's root: `crate::a`, `crate::{a, b::c}`, and `super`
/// repeated as often as the root is away. With the line of each.
fn reached(file: &File) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let code = &file.code;
    let line_at = |at: usize| code[..at].matches('\n').count() + 1;
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        found.extend(heads(rest).into_iter().map(|name| (line_at(at), name)));
    }
    let climb = "super::".repeat(depth_of(file));
    for (at, _) in code.match_indices(&climb) {
        // The crate's modules are told from other names below: a test module inside a file is one
        // deeper, and `super` then leads only to the file itself.
        let rest = &code[at + climb.len()..];
        found.extend(heads(rest).into_iter().map(|name| (line_at(at), name)));
    }
    found
}

/// The first name of a path, or of each path of a group in braces.
fn heads(path: &str) -> Vec<String> {
    let name = |text: &str| -> String {
        text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    let Some(group) = path.trim_start().strip_prefix('{') else {
        return vec![name(path)];
    };
    let (mut depth, mut start, mut names) = (0_usize, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            '}' => {
                names.push(name(&group[start..at]));
                break;
            }
            ',' if depth == 0 => {
                names.push(name(&group[start..at]));
                start = at + 1;
            }
            _ => {}
        }
    }
    names
}

/// A file of tests may start what the service itself must not know: a gateway to talk to.
fn only_tests(file: &File) -> bool {
    file.path.ends_with("/tests.rs") || file.path.ends_with("_tests.rs")
}

fn layering(files: &[File]) -> Vec<Offence> {
    let mut offences = Vec::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        let Some(module) = module_of(file) else { continue };
        let Some((_, uses, base)) = LAYERS.iter().find(|(name, ..)| *name == module) else {
            let what = format!("module `{module}` has no row in the table of layers");
            offences.push(file.offence(1, what));
            continue;
        };
        let known = |name: &str| LAYERS.iter().any(|(module, ..)| *module == name);
        for (line, name) in reached(file) {
            let may = name == module
                || uses.contains(&name.as_str())
                || (name == "sim" && only_tests(file))
                || (*base && BASE.contains(&name.as_str()));
            if known(&name) && !may {
                offences.push(file.offence(line, format!("`{module}` may not use `{name}`")));
            }
        }
    }
    offences
}

fn ownership(files: &[File]) -> Vec<Offence> {
    let mut offences = Vec::new();
    for file in files.iter().filter(|file| file.path.starts_with("src/")) {
        for (line, code) in file.code_lines() {
            for (word, owner) in OWNERS {
                if !file.path.starts_with(owner) && word_at(code, word).is_some() {
                    let what = format!("`{word}` belongs to {owner}");
                    offences.push(file.offence(line, what));
                }
            }
        }
    }
    offences
}

fn purity(files: &[File]) -> Vec<Offence> {
    let mut offences = Vec::new();
    for file in files {
        if !module_of(file).is_some_and(|module| PURE.contains(&module)) {
            continue;
        }
        for (line, code) in file.code_lines() {
            for word in IMPURE {
                let name = word.trim_end_matches(':');
                if word_at(code, name).is_some_and(|at| code[at..].starts_with(word)) {
                    offences.push(file.offence(line, format!("`{name}` in a pure module")));
                }
            }
        }
    }
    offences
}

/// Rows for modules that are gone would permit what nobody decided.
fn rows_without_module(files: &[File]) -> Vec<&'static str> {
    let rows = LAYERS.iter().map(|(module, ..)| *module);
    rows.filter(|row| !files.iter().any(|file| module_of(file) == Some(row))).collect()
}

#[test]
fn modules_use_only_what_lies_below_them() {
    clean(&layering(&repository()));
}

#[test]
fn every_row_of_the_layers_has_its_module() {
    assert_eq!(rows_without_module(&repository()), [""; 0]);
    let one = [File::new("src/sim/mod.rs", "")];
    assert_eq!(rows_without_module(&one).len(), LAYERS.len() - 1);
}

#[test]
fn crates_end_where_they_are_owned() {
    clean(&ownership(&repository()));
}

#[test]
fn pure_modules_stay_pure() {
    clean(&purity(&repository()));
}

#[test]
fn a_module_that_looks_up_is_caught_however_it_spells_it() {
    let caught = |path: &str, text: &str| lines(layering, path, text);
    assert_eq!(caught("src/store/sqlite.rs", "use crate::domain::A;\nuse crate::push::B;"), [2]);
    assert_eq!(caught("src/sim/mod.rs", "fn f(a: crate::domain::Account) {}"), [1]);
    assert_eq!(caught("src/orders/mod.rs", "use crate::sim::Broker;"), [1]);
    assert_eq!(caught("src/push/mod.rs", "use crate::{dispatch::{A, B}, store::C};"), [1]);
    assert_eq!(caught("src/push/route.rs", "use super::super::store::C;"), [1]);
    assert_eq!(caught("src/clock.rs", "use super::domain::C;"), [1]);
    assert_eq!(caught("src/risk/mod.rs", "fn f() { crate::clock::Clock::system(); }"), [1]);
    assert_eq!(caught("src/extra/mod.rs", ""), [1]);
}

#[test]
fn what_is_no_use_of_a_module_is_not_caught() {
    let fine = [
        ("src/store/mod.rs", "//! Unlike [`crate::push`], quiet.\n"),
        ("src/store/mod.rs", "const S: &str = \"crate::push\";"),
        ("src/store/sqlite.rs", "use super::{Query, Store};\nuse crate::store::Version;"),
        ("src/clock.rs", "mod tests { use super::*; }"),
        ("src/main.rs", "use rungate::push;"),
    ];
    for (path, text) in fine {
        assert!(lines(layering, path, text).is_empty(), "{path}: {text}");
    }
}

#[test]
fn a_crate_named_outside_its_place_is_caught() {
    assert_eq!(lines(ownership, "src/orders/mod.rs", "\nuse ibapi::Client;"), [2]);
    assert_eq!(lines(ownership, "src/push/mod.rs", "use hyper::StatusCode;"), [1]);
    assert_eq!(lines(ownership, "src/dispatch/mod.rs", "use google_cloud_pubsub::x;"), [1]);
    assert_eq!(lines(ownership, "src/cli/mod.rs", "rusqlite::Connection::open(p)"), [1]);
    assert!(lines(ownership, "src/gateway/ib.rs", "use ibapi::Client;").is_empty());
    assert!(lines(ownership, "src/gateway/codes.rs", "// as ibapi does").is_empty());
}

#[test]
fn a_pure_module_that_waits_or_looks_at_the_clock_is_caught() {
    let caught = |text: &str| lines(purity, "src/risk/rules/value.rs", text);
    assert_eq!(caught("pub async fn f() {}"), [1]);
    assert_eq!(caught("fn f() {\n    g().await\n}"), [2]);
    assert_eq!(caught("let now = Timestamp::now();"), [1]);
    assert_eq!(caught("tracing::info!(x)"), [1]);
    assert_eq!(caught("use tokio::sync::Mutex;"), [1]);
    assert!(caught("use tracing_subscriber::EnvFilter; // async").is_empty());
    assert!(lines(purity, "src/orders/mod.rs", "pub async fn f() {}").is_empty());
}
