//! The rules that a compiler does not know: layers, purity, sizes, names, words.
//!
//! A rule is a function from files to offences. One test runs it over the repository and lists
//! every offender; others show, on a few lines made up for it, that it can fail.

mod layers;
mod shape;
mod source;
mod words;

use rungate::config::SETTINGS;

use source::{File, Offence, repository};

/// Fails with all offences at once, one a line.
fn clean(offences: &[Offence]) {
    let list: Vec<String> = offences.iter().map(ToString::to_string).collect();
    assert!(list.is_empty(), "{} offence(s)\n{}", list.len(), list.join("\n"));
}

/// What `rule` says of one file made up for a test: the offending line numbers.
fn lines(rule: impl Fn(&[File]) -> Vec<Offence>, path: &str, text: &str) -> Vec<usize> {
    rule(&[File::new(path, text)]).into_iter().map(|offence| offence.line).collect()
}

#[test]
fn the_rules_see_the_whole_repository() {
    let files = repository();
    for known in ["src/lib.rs", "tests/tidy/main.rs", "Cargo.toml", "README.md", ".ci/run"] {
        assert!(files.iter().any(|file| file.path == known), "{known} is not among the files");
    }
}

/// A row that says something else than the program does is worse than none.
#[test]
fn the_readme_lists_every_setting_with_its_default() {
    let files = repository();
    let readme = files.iter().find(|file| file.path == "README.md").expect("there is a README");
    let missing: Vec<String> = SETTINGS
        .iter()
        .map(|setting| {
            let default = setting.default.map_or("–".to_owned(), |text| format!("`{text}`"));
            format!("| `{}` | {default} | {} |", setting.name, setting.what)
        })
        .filter(|row| !readme.text.lines().any(|line| line == row))
        .collect();
    assert!(missing.is_empty(), "README.md lacks these rows:\n{}", missing.join("\n"));
}
