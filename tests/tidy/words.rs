//! What no text of the repository says. The words are put together from halves here, or this file
//! would be its own first offender.

use super::source::{File, Offence, repository, word_at};
use super::{clean, lines};

/// Work that was left undone, or a warning that was silenced.
const UNFINISHED: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
    concat!("to", "do!"),
    concat!("unimple", "mented!"),
    concat!("lo", "rem ipsum"),
    concat!("#[al", "low("),
    concat!("#![al", "low("),
    concat!("#[ig", "nore"),
];

/// Folders of one person's machine. They mean nothing on another.
const MACHINE: &[&str] =
    &[concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/Us", "ers/")];

/// A service that writes there loses its records; a test takes a folder of its own.
const TEMPORARY: &str = concat!("/tm", "p/");

/// Machine-written.
const EXEMPT: &[&str] = &["Cargo.lock", "LICENSE"];

/// The one test that may be skipped: no test at all, but what another test starts as a process.
const CHILD: &str = concat!("#[ig", "nore = \"the child process of ");

fn unfinished(files: &[File]) -> Vec<Offence> {
    let mut offences = forbidden(files, UNFINISHED, "has no place in what is finished");
    offences.retain(|offence| !offence.text.trim_start().starts_with(CHILD));
    offences
}

fn machine_paths(files: &[File]) -> Vec<Offence> {
    let mut offences = forbidden(files, MACHINE, "is a folder of one machine");
    let sources: Vec<&File> = files.iter().filter(|file| file.path.starts_with("src/")).collect();
    for file in sources {
        for (index, line) in file.text.lines().enumerate() {
            if line.contains(TEMPORARY) {
                let what = format!("`{TEMPORARY}` in the program: take the folder as a setting");
                offences.push(file.offence(index + 1, what));
            }
        }
    }
    offences
}

fn forbidden(files: &[File], words: &[&str], why: &str) -> Vec<Offence> {
    let mut offences = Vec::new();
    for file in files.iter().filter(|file| !EXEMPT.contains(&file.path.as_str())) {
        for (index, line) in file.text.lines().enumerate() {
            for word in words.iter().filter(|word| stands(line, word)) {
                let what = format!("`{word}` {why}");
                offences.push(Offence { text: line.to_owned(), ..file.offence(index + 1, what) });
            }
        }
    }
    offences
}

/// A word of letters must stand by itself; one with signs in it is unmistakable, and a path counts
/// only where it starts.
fn stands(line: &str, word: &str) -> bool {
    if word.chars().all(char::is_alphabetic) {
        return word_at(line, word).is_some();
    }
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !word.starts_with('/')
            || !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '.' | '}' | '_' | '-'))
    })
}

/// The number of an entry in a tracker that a reader can't open says nothing to him. A public one
/// has a URL.
fn bare_numbers(files: &[File]) -> Vec<Offence> {
    let mut offences = Vec::new();
    for file in files {
        for (index, line) in file.text.lines().enumerate() {
            let lower = line.to_lowercase();
            let numbered = lower.match_indices("issue ").any(|(at, word)| {
                let rest = &lower[at + word.len()..];
                rest.trim_start_matches('#').starts_with(|c: char| c.is_ascii_digit())
            });
            if numbered {
                let what = "a tracker's number without its URL: tell the case itself";
                offences.push(file.offence(index + 1, what));
            }
        }
    }
    offences
}

/// Documents that are named must be there, beside the file, at the root or in `docs/`.
fn documents(files: &[File]) -> Vec<Offence> {
    let mut offences = Vec::new();
    let there = |path: &str| files.iter().any(|file| file.path == path);
    for file in files {
        let folder = file.path.rsplit_once('/').map_or(String::new(), |(top, _)| format!("{top}/"));
        for (index, line) in file.text.lines().enumerate() {
            for name in document_names(line) {
                let found = ["", "docs/", &folder].iter().any(|at| there(&format!("{at}{name}")));
                if !found {
                    let what = format!("`{name}` is not in this repository");
                    offences.push(file.offence(index + 1, what));
                }
            }
        }
    }
    offences
}

/// Words of a line that end in the suffix of Markdown files, those of URLs left out.
fn document_names(line: &str) -> impl Iterator<Item = &str> {
    let outside = |c: char| !(c.is_ascii_alphanumeric() || "-_./:".contains(c));
    line.split(outside)
        .map(|word| word.trim_end_matches(['.', ':', '/']))
        .filter(|word| !word.contains("://"))
        .filter(|word| word.strip_suffix(".md").is_some_and(|stem| !stem.is_empty()))
}

fn unexplained(files: &[File]) -> Vec<Offence> {
    let mut offences = Vec::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        for (at, attribute) in file.code.match_indices("[expect(") {
            let rest = &file.code[at + attribute.len()..];
            let end = rest.find(")]").unwrap_or(rest.len());
            if word_at(&rest[..end], "reason").is_none() {
                let line = file.code[..at].matches('\n').count() + 1;
                offences.push(file.offence(line, "an expectation without its reason"));
            }
        }
    }
    offences
}

#[test]
fn nothing_is_left_undone_or_silenced() {
    clean(&unfinished(&repository()));
}

#[test]
fn nothing_depends_on_one_machine() {
    clean(&machine_paths(&repository()));
}

#[test]
fn nothing_cites_a_tracker_by_number() {
    clean(&bare_numbers(&repository()));
}

#[test]
fn every_document_that_is_named_is_here() {
    clean(&documents(&repository()));
}

#[test]
fn every_expected_lint_has_its_reason() {
    clean(&unexplained(&repository()));
}

#[test]
fn each_unfinished_word_is_caught() {
    for word in UNFINISHED {
        assert_eq!(lines(unfinished, "a.txt", &format!("fine\nx {word} y")), [2], "{word}");
    }
    let child = format!("    {CHILD}a_test_that_starts_it\"]");
    assert!(lines(unfinished, "tests/a.rs", &child).is_empty());
    let flaky = child.replace("the child process of", "flaky:");
    assert_eq!(lines(unfinished, "tests/a.rs", &flaky), [1]);
    let inside = concat!("MAS", "TO", "DON and XX", "XX");
    assert!(lines(unfinished, "a.txt", inside).is_empty());
}

#[test]
fn each_machine_path_is_caught_where_it_starts() {
    for path in MACHINE {
        assert_eq!(lines(machine_paths, "a.sh", &format!("cd {path}x")), [1], "{path}");
        assert_eq!(lines(machine_paths, "a.rs", &format!("open(\"{path}x\")")), [1], "{path}");
        assert!(lines(machine_paths, "a.sh", &format!("cd ..{path}x")).is_empty(), "{path}");
    }
    let text = format!("open(\"{TEMPORARY}x\")");
    assert_eq!(lines(machine_paths, "src/a.rs", &text), [1]);
    assert!(lines(machine_paths, "scripts/a.sh", &text).is_empty());
}

#[test]
fn a_bare_tracker_number_is_caught() {
    assert_eq!(lines(bare_numbers, "a.rs", concat!("// see iss", "ue 41")), [1]);
    assert_eq!(lines(bare_numbers, "a.rs", concat!("// see Iss", "ue #41")), [1]);
    assert!(lines(bare_numbers, "a.rs", "// the issue remains").is_empty());
    assert!(lines(bare_numbers, "a.rs", "// https://example.org/issues/41").is_empty());
}

#[test]
fn a_document_that_is_not_here_is_caught() {
    assert_eq!(lines(documents, "src/a.rs", concat!("// as NOTES", ".md says.")), [1]);
    assert_eq!(lines(documents, "src/a.rs", concat!("(`../far/notes", ".md`)")), [1]);
    assert!(lines(documents, "src/a.rs", "// https://example.org/NOTES.md").is_empty());
    let here = concat!("docs/here", ".md");
    let both = [File::new(here, ""), File::new("a.rs", &format!("// see {here}, {}.", &here[5..]))];
    assert!(documents(&both).is_empty());
}

#[test]
fn an_expectation_without_a_reason_is_caught() {
    let bare = "#[expect(dead_code)]\nfn f() {}";
    assert_eq!(lines(unexplained, "src/a.rs", bare), [1]);
    let explained = "#[expect(\n    dead_code,\n    reason = \"(soon)]\"\n)]\nfn f() {}";
    assert!(lines(unexplained, "src/a.rs", explained).is_empty());
}
