//! An outcome, told to a person and to a script. Pure.

use serde_json::Value;

use super::Exit;
use super::courier::Told;
use super::table::printable;

/// The outcome, a line each: what, of which run, what to look at, and why not.
pub(super) fn text(told: &Told) -> String {
    let mut text = format!("{:<8}{}\n", told.status, printable(&told.summary));
    let mut line = |name: &str, value: &str| {
        text.push_str(&format!("{name:<8}{}\n", printable(value)));
    };
    if let Some(key) = &told.run_key {
        line("run", key);
    }
    if told.replayed {
        line("", "this run was done before: answered from its record");
    }
    told.attention.iter().for_each(|attention| line("look at", attention));
    let reasons = told.details.get("reasons").and_then(Value::as_array);
    for reason in reasons.into_iter().flatten().filter_map(Value::as_str) {
        line("because", reason);
    }
    text
}

/// How a command ends that was answered with this outcome.
pub(super) fn exit_of(told: &Told, gateway_away: bool) -> Exit {
    match told.status.as_str() {
        "done" if told.attention.is_empty() => Exit::Done,
        "done" => Exit::Partial,
        "refused" => Exit::Refused,
        // Malformed: nothing about it can work.
        "rejected" => Exit::Usage,
        "failed" if gateway_away => Exit::GatewayAway,
        _ => Exit::Error,
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    fn told(body: Value) -> Told {
        Told::deserialize(body).unwrap()
    }

    #[test]
    fn an_outcome_says_what_and_why() {
        let refused = told(json!({
            "status": "refused", "summary": "risk refuses the plan; nothing was sent",
            "run_key": "daily.allocation.2026-03-09", "replayed": true,
            "details": { "reasons": ["the trading switch is off"] },
        }));
        insta::assert_snapshot!(text(&refused), @r"
        refused risk refuses the plan; nothing was sent
        run     daily.allocation.2026-03-09
                this run was done before: answered from its record
        because the trading switch is off
        ");
    }

    #[test]
    fn the_exit_code_tells_scripts_how_it_ended() {
        let exit = |status: &str, attention: &[&str], away| {
            let body = json!({ "status": status, "summary": "", "attention": attention });
            exit_of(&told(body), away)
        };
        assert_eq!(exit("done", &[], false), Exit::Done);
        assert_eq!(exit("done", &["a break"], false), Exit::Partial);
        assert_eq!(exit("refused", &[], true), Exit::Refused);
        assert_eq!(exit("rejected", &[], false), Exit::Usage);
        assert_eq!(exit("failed", &[], true), Exit::GatewayAway);
        assert_eq!(exit("failed", &[], false), Exit::Error);
        assert_eq!(exit("busy", &[], false), Exit::Error);
    }
}
