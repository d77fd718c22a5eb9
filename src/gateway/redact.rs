//! Takes account numbers out of IB's free text.

use crate::domain::Account;

/// Replaces what looks like an account number by its redacted form. IB's are one to three letters
/// and at least five digits (`DU1234567`, `U123456`), which nothing else in its messages is.
pub(super) fn accounts(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut word = String::new();
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            word.push(c);
        } else {
            push_word(&mut clean, &mut word);
            clean.push(c);
        }
    }
    push_word(&mut clean, &mut word);
    clean
}

fn push_word(clean: &mut String, word: &mut String) {
    if is_account(word) {
        clean.push_str(&Account::new(word.as_str()).to_string());
    } else {
        clean.push_str(word);
    }
    word.clear();
}

fn is_account(word: &str) -> bool {
    let letters = word.chars().take_while(char::is_ascii_uppercase).count();
    let digits = word.chars().skip(letters).count();
    (1..=3).contains(&letters)
        && digits >= 5
        && word.chars().skip(letters).all(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_numbers_leave_a_text_and_other_numbers_stay() {
        let text = "Order rejected (account DU1234567,U7654321): conId 756733, SPY 20261120, id 42";
        assert_eq!(
            accounts(text),
            "Order rejected (account DU…67,U7…21): conId 756733, SPY 20261120, id 42"
        );
    }
}
