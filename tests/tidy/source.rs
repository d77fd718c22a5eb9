//! The repository's files, and Rust text without its comments and literals.

use std::fmt;
use std::path::Path;
use std::process::Command;

/// One text file of the repository.
pub struct File {
    /// Relative to the root, with `/`.
    pub path: String,
    pub text: String,
    /// For Rust files: the text with comments, strings and characters blanked out, so that only
    /// code is left, on the same lines. Otherwise empty.
    pub code: String,
}

/// Where a rule is broken, and how.
pub struct Offence {
    pub path: String,
    /// From 1.
    pub line: usize,
    pub what: String,
    /// The line itself, where the rule looks at lines.
    pub text: String,
}

impl fmt::Display for Offence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}

impl File {
    pub fn new(path: &str, text: &str) -> Self {
        let code = if path.ends_with(".rs") { code_of(text) } else { String::new() };
        Self { path: path.to_owned(), text: text.to_owned(), code }
    }

    pub fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    pub fn offence(&self, line: usize, what: impl Into<String>) -> Offence {
        Offence { path: self.path.clone(), line, what: what.into(), text: String::new() }
    }

    /// The lines of code, numbered from 1.
    pub fn code_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code.lines().enumerate().map(|(index, line)| (index + 1, line))
    }
}

/// All text files that git knows or would add.
pub fn repository() -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .expect("git lists the files of the repository");
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let paths = String::from_utf8(listed.stdout).expect("paths in UTF-8");
    paths
        .split_terminator('\0')
        // What git still knows and the work tree no longer has, and what is no text, has no lines.
        .filter_map(|path| Some((path, std::fs::read_to_string(root.join(path)).ok()?)))
        .map(|(path, text)| File::new(path, &text))
        .collect()
}

/// The position of `word` in `line`, where it stands by itself and not inside a longer name.
pub fn word_at(line: &str, word: &str) -> Option<usize> {
    let inside = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    line.match_indices(word).map(|(at, _)| at).find(|&at| {
        !inside(line[..at].chars().next_back()) && !inside(line[at + word.len()..].chars().next())
    })
}

/// Blanks out what is not code. Line breaks stay, so that line numbers hold.
pub fn code_of(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let after_name = code.chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_');
        let length = comment(rest)
            .or_else(|| if after_name { None } else { raw_string(rest) })
            .or_else(|| quoted(rest))
            .unwrap_or(0);
        if length == 0 {
            code.push(c);
            rest = &rest[c.len_utf8()..];
        } else {
            let (blank, left) = rest.split_at(length);
            code.extend(blank.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
            rest = left;
        }
    }
    code
}

/// The length of the comment at the start of `text`, if there is one. Block comments nest.
fn comment(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if !text.starts_with("/*") {
        return None;
    }
    let (mut depth, mut at) = (0_usize, 0);
    while at < text.len() {
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return Some(at);
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    Some(text.len())
}

/// The length of the raw string (`r"…"`, `br#"…"#`) at the start of `text`.
fn raw_string(text: &str) -> Option<usize> {
    let body = text.strip_prefix("br").or_else(|| text.strip_prefix('r'))?;
    let hashes = body.len() - body.trim_start_matches('#').len();
    let inner = body[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let length = inner.find(&end)? + end.len();
    Some(text.len() - inner.len() + length)
}

/// The length of the string or character at the start of `text`. A lifetime is neither.
fn quoted(text: &str) -> Option<usize> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let mut chars = text.char_indices().skip(1);
    let mut inside = 0_usize;
    while let Some((at, c)) = chars.next() {
        match c {
            c if c == quote && (quote == '"' || inside > 0) => return Some(at + 1),
            '\\' => drop(chars.next()),
            // `'a,` or `'static`: what follows the first character is not its closing quote. Only
            // an escape, counted as one, is longer (`'\u{7f}'`), and has its own end.
            _ if quote == '\'' && inside > 0 && !text.starts_with("'\\") => return None,
            _ => {}
        }
        inside += 1;
    }
    None
}

#[test]
fn only_code_is_left_of_rust_text() {
    let cases = [
        ("a // b\nc", "a     \nc"),
        ("a /* b /* c */ d */ e", "a                   e"),
        (r#"f("x \" y", z)"#, "f(        , z)"),
        (r##"f(r#"a " b"#, z)"##, "f(          , z)"),
        ("let c = '\"'; g", "let c =    ; g"),
        (r"let c = '\''; g", "let c =     ; g"),
        (r"let c = '\u{7f}'; g", "let c =         ; g"),
        ("fn f<'a>(x: &'a str) {}", "fn f<'a>(x: &'a str) {}"),
        ("\"a\nb\" c", "  \n   c"),
        ("for\"x\"", "for   "),
    ];
    for (text, code) in cases {
        assert_eq!(code_of(text), code, "{text}");
    }
}
