//! How long files and functions get, and what files are called.

use super::source::{File, Offence, repository};
use super::{clean, lines};

/// The longest Rust file, tests in it included. Half of it is usual.
const FILE_MAX: usize = 700;

/// The longest function from its signature to its last brace. What is longer does two things.
const FUNCTION_MAX: usize = 70;

/// A test may tell a longer story.
const TEST_FUNCTION_MAX: usize = 100;

/// File names that say nothing and so attract everything.
const VAGUE: &[&str] = &["common", "helper", "helpers", "misc", "util", "utils"];

fn file_length(files: &[File]) -> Vec<Offence> {
    let mut offences = Vec::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        let length = file.text.lines().count();
        if length > FILE_MAX {
            let what = format!("{length} lines are more than {FILE_MAX}: split it by thing");
            offences.push(file.offence(length, what));
        }
    }
    offences
}

fn function_length(files: &[File]) -> Vec<Offence> {
    let mut offences = Vec::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        let in_tests = ["tests/", "benches/"].iter().any(|top| file.path.starts_with(top));
        let max = if in_tests { TEST_FUNCTION_MAX } else { FUNCTION_MAX };
        for function in functions(&file.code) {
            if function.length > max {
                let Function { name, length, .. } = &function;
                let what = format!("`{name}` has {length} lines, more than {max}");
                offences.push(file.offence(function.line, what));
            }
        }
    }
    offences
}

struct Function {
    name: String,
    line: usize,
    length: usize,
}

/// The functions with a body, nested ones too.
fn functions(code: &str) -> Vec<Function> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        if code[..at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &code[at + "fn ".len()..];
        let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let Some(length) = body_end(rest).map(|end| rest[..end].matches('\n').count() + 1) else {
            continue;
        };
        if !name.is_empty() {
            found.push(Function { name, line: code[..at].matches('\n').count() + 1, length });
        }
    }
    found
}

/// Where the body ends that follows a signature. `None` for a declaration without one.
fn body_end(signature: &str) -> Option<usize> {
    let (mut braces, mut brackets) = (0_usize, 0_usize);
    for (at, c) in signature.char_indices() {
        match c {
            '(' | '[' => brackets += 1,
            ')' | ']' => brackets = brackets.saturating_sub(1),
            ';' if braces == 0 && brackets == 0 => return None,
            '{' => braces += 1,
            '}' => {
                braces = braces.saturating_sub(1);
                if braces == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

fn file_names(files: &[File]) -> Vec<Offence> {
    let mut offences = Vec::new();
    for file in files {
        let stems = file.path.split('/').map(|part| part.split('.').next().unwrap_or(part));
        for word in stems.flat_map(|stem| stem.split(['_', '-'])) {
            if VAGUE.contains(&word) {
                let what = format!("`{word}` says nothing: name the file after what it holds");
                offences.push(file.offence(1, what));
            }
        }
    }
    offences
}

#[test]
fn files_are_short() {
    clean(&file_length(&repository()));
}

#[test]
fn functions_are_short() {
    clean(&function_length(&repository()));
}

#[test]
fn files_are_named_after_what_they_hold() {
    clean(&file_names(&repository()));
}

#[test]
fn a_file_is_caught_one_line_over_the_limit() {
    assert!(lines(file_length, "src/a.rs", &"x\n".repeat(FILE_MAX)).is_empty());
    assert_eq!(lines(file_length, "src/a.rs", &"x\n".repeat(FILE_MAX + 1)), [FILE_MAX + 1]);
}

#[test]
fn a_function_is_caught_one_line_over_the_limit() {
    let function = |length: usize| {
        let body = "    x();\n".repeat(length - 3);
        format!("struct S;\n\npub(crate) async fn f(\n    a: [u8; 2]) {{\n{body}}}\n")
    };
    let caught = |path: &str, length: usize| lines(function_length, path, &function(length));
    assert!(caught("src/a.rs", FUNCTION_MAX).is_empty());
    assert_eq!(caught("src/a.rs", FUNCTION_MAX + 1), [3]);
    assert!(caught("tests/a.rs", TEST_FUNCTION_MAX).is_empty());
    assert_eq!(caught("tests/a.rs", TEST_FUNCTION_MAX + 1), [3]);
}

#[test]
fn what_is_no_function_with_a_body_has_no_length() {
    let trait_of_many = format!("trait T {{\n    fn f(&self);\n{}}}\n", "    \n".repeat(200));
    assert!(lines(function_length, "src/a.rs", &trait_of_many).is_empty());
    let braces_in_text = format!("fn f() {{ g(\"{{\") }}\n{}", "\n".repeat(200));
    assert!(lines(function_length, "src/a.rs", &braces_in_text).is_empty());
    let pointer = format!("struct S {{ f: fn (u8) }}\n{}", "\n".repeat(200));
    assert!(lines(function_length, "src/a.rs", &pointer).is_empty());
}

#[test]
fn a_vague_file_name_is_caught() {
    for path in ["src/utils.rs", "src/orders/core_helpers.rs", "tests/common/mod.rs"] {
        assert_eq!(lines(file_names, path, ""), [1], "{path}");
    }
    assert!(lines(file_names, "src/orders/utilisation.rs", "").is_empty());
}
