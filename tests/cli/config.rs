//! The trading configuration, written and read.

use serde_json::{Value, json};

use crate::terminal::Terminal;

async fn sample(terminal: &Terminal) -> Value {
    terminal.run(&["config", "sample"]).await.json()
}

#[tokio::test]
async fn a_configuration_with_mistakes_is_refused_with_all_of_them() {
    let terminal = Terminal::new().with("STORE_URL", "sqlite:rungate.db");
    let mut bad = sample(&terminal).await;
    bad["limits"]["order_valeu"] = json!("1");
    bad["exposure"]["overall"] = json!("25");
    bad["live_trading"] = json!(true);
    bad["market_data_type"] = Value::Null;
    let refused = terminal.run_with_input(&["config", "set", "-"], &bad.to_string()).await;
    assert_eq!(refused.code, 64, "{refused:?}");
    for problem in ["order_valeu", "exposure.overall", "live_trading", "market_data_type"] {
        assert!(refused.err.contains(problem), "{problem} is missing: {}", refused.err);
    }
    let nothing = terminal.run(&["config", "get"]).await;
    assert_eq!(nothing.code, 1, "{nothing:?}");
    for text in ["", "[]", "{"] {
        let refused = terminal.run_with_input(&["config", "set", "-"], text).await;
        assert_eq!(refused.code, 64, "{text:?}: {refused:?}");
    }
}

#[tokio::test]
async fn a_change_is_told_key_by_key_and_shows_in_what_is_in_force() {
    let terminal = Terminal::new().with("STORE_URL", "sqlite:rungate.db");
    let mut config = sample(&terminal).await;
    std::fs::write(terminal.path("config.json"), config.to_string()).unwrap();
    let first = terminal.run(&["config", "set", "config.json"]).await;
    assert_eq!(first.code, 0, "{first:?}");
    let same = terminal.run(&["config", "set", "config.json"]).await;
    assert!(same.out.contains("like that already"), "{}", same.out);

    config["limits"]["order_value"] = json!("250000");
    let set = ["config", "set", "-", "--json"];
    let changed = terminal.run_with_input(&set, &config.to_string()).await;
    assert_eq!(
        changed.json(),
        json!({
            "document": "config/common",
            "changes": ["limits.order_value: \"500000\" → \"250000\""],
        })
    );
    let own = r#"{"limits":{"order_value":"1000"}}"#;
    let paper = ["config", "set", "-", "--document", "paper"];
    assert_eq!(terminal.run_with_input(&paper, own).await.code, 0);
    let in_force = terminal.run(&["config", "--json"]).await.json();
    assert_eq!(in_force["config"]["limits"]["order_value"], "1000");
    let stored = terminal.run(&["config", "get"]).await;
    assert_eq!(stored.json(), config);
}

#[tokio::test]
async fn live_mode_wants_its_own_word_and_keeps_common_valid_from_then_on() {
    let terminal = Terminal::new().with("STORE_URL", "sqlite:rungate.db");
    let config = sample(&terminal).await;
    let common = ["config", "set", "-"];
    assert_eq!(terminal.run_with_input(&common, &config.to_string()).await.code, 0);
    let missing = terminal.run(&["config", "--mode", "live"]).await;
    assert_eq!(missing.code, 64, "{missing:?}");
    assert!(missing.out.contains("live_trading"), "{}", missing.out);

    let live = ["config", "set", "-", "--document", "live"];
    let enabled = r#"{"live_trading":true,"limits":{"quote_age_seconds":5}}"#;
    assert_eq!(terminal.run_with_input(&live, enabled).await.code, 0);
    assert_eq!(terminal.run(&["config", "--mode", "live"]).await.code, 0);
    let mut looser = config.clone();
    looser["limits"].as_object_mut().unwrap().remove("order_value");
    let refused = terminal.run_with_input(&common, &looser.to_string()).await;
    assert_eq!(refused.code, 64, "{refused:?}");
    assert!(refused.err.contains("in paper mode") && refused.err.contains("in live mode"));
}
