use super::*;

fn lookup(pairs: &[(&str, &str)]) -> impl Fn(&str) -> Option<String> {
    let pairs: Vec<(String, String)> =
        pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    move |wanted| pairs.iter().find(|(name, _)| name == wanted).map(|(_, text)| text.clone())
}

fn read(pairs: &[(&str, &str)]) -> Result<Settings, Problems> {
    Settings::from_lookup(lookup(pairs))
}

/// The one problem that `pairs` cause.
fn problem(pairs: &[(&str, &str)]) -> String {
    let problems = read(pairs).expect_err("these settings are bad");
    assert_eq!(problems.lines().len(), 1, "{problems}");
    problems.lines()[0].clone()
}

#[test]
fn an_empty_environment_gives_the_defaults_of_the_table() {
    let settings = read(&[]).unwrap();
    assert_eq!(settings.trading_mode, None);
    assert_eq!(settings.gateway.addr.as_str(), "127.0.0.1:4002");
    assert_eq!(settings.gateway.client_id, 10);
    assert_eq!(settings.gateway.account, None);
    assert_eq!(settings.store_url, "sqlite:rungate.db");
    assert_eq!(settings.listen.to_string(), "127.0.0.1:8080");
    let seconds = [
        settings.budgets.handler,
        settings.budgets.ack_deadline,
        settings.budgets.request_timeout,
        settings.budgets.lease,
    ];
    assert_eq!(seconds.map(|span| span.as_secs()), [540, 600, 600, 660]);
    assert_eq!(settings.pubsub.project, None);
    assert_eq!(settings.pubsub.topic, None);
    assert_eq!(settings.logs.format, LogFormat::Auto);
    assert_eq!(settings.logs.filter, "info");
}

#[test]
fn every_row_of_the_table_is_looked_up() {
    let asked = std::cell::RefCell::new(std::collections::BTreeSet::new());
    let spy = |name: &str| {
        asked.borrow_mut().insert(name.to_owned());
        None
    };
    Settings::from_lookup(spy).unwrap();
    let listed: std::collections::BTreeSet<String> =
        SETTINGS.iter().map(|setting| setting.name.to_owned()).collect();
    assert_eq!(*asked.borrow(), listed);
}

#[test]
fn all_problems_are_told_at_once() {
    let problems = Settings::for_account(lookup(&[
        ("PORT", "http"),
        ("BIND_ADDR", "localhost"),
        ("IB_GATEWAY_ADDR", "gateway"),
        ("IB_CLIENT_ID", "0"),
        ("HANDLER_BUDGET_SECONDS", "600"),
        ("LOG_FORMAT", "xml"),
        ("QUARANTINE_TOPIC", "q"),
        ("RUST_LOG", "rungate=loud"),
    ]))
    .expect_err("nothing of this is right");
    let named: Vec<&str> =
        problems.lines().iter().filter_map(|line| line.split(':').next()).collect();
    assert_eq!(
        named,
        [
            "TRADING_MODE",
            "IB_GATEWAY_ADDR",
            "IB_CLIENT_ID",
            "BIND_ADDR",
            "PORT",
            "HANDLER_BUDGET_SECONDS",
            "QUARANTINE_TOPIC",
            "LOG_FORMAT",
            "RUST_LOG",
        ]
    );
    assert_eq!(problems.to_string().lines().count(), 9);
}

#[test]
fn an_account_needs_a_trading_mode() {
    let problems = Settings::for_account(lookup(&[])).expect_err("no mode");
    assert_eq!(problems.lines(), [NO_MODE]);
    let (settings, mode) = Settings::for_account(lookup(&[("TRADING_MODE", "live")])).unwrap();
    assert_eq!((settings.trading_mode, mode), (Some(TradingMode::Live), TradingMode::Live));
    let problems = Settings::for_account(lookup(&[("TRADING_MODE", "Live")])).expect_err("case");
    assert_eq!(problems.lines().len(), 1);
}

#[test]
fn blank_is_absent() {
    let settings = read(&[("PORT", ""), ("QUARANTINE_TOPIC", "  "), ("TRADING_MODE", "")]).unwrap();
    assert_eq!(settings.listen.port(), 8080);
    assert_eq!(settings.pubsub.quarantine, None);
    assert!(Settings::for_account(lookup(&[("TRADING_MODE", " ")])).is_err());
}

#[test]
fn client_0_is_refused_with_its_reason() {
    assert!(problem(&[("IB_CLIENT_ID", "0")]).contains("by hand"));
    assert!(problem(&[("IB_CLIENT_ID", "-1")]).contains("1 or more"));
    assert!(problem(&[("IB_CLIENT_ID", "ten")]).starts_with("IB_CLIENT_ID: "));
    assert_eq!(read(&[("IB_CLIENT_ID", "1")]).unwrap().gateway.client_id, 1);
}

#[test]
fn mode_and_account_must_agree_and_the_number_stays_hidden() {
    for (mode, account) in [("live", "DU1234567"), ("live", "DF1234567"), ("paper", "U7654321")] {
        let line = problem(&[("TRADING_MODE", mode), ("IB_ACCOUNT", account)]);
        assert!(line.starts_with("IB_ACCOUNT: "), "{line}");
        assert!(!line.contains(account), "{line}");
    }
    assert!(read(&[("TRADING_MODE", "paper"), ("IB_ACCOUNT", "DU1234567")]).is_ok());
    assert!(read(&[("TRADING_MODE", "live"), ("IB_ACCOUNT", "U7654321")]).is_ok());
}

#[test]
fn each_link_of_the_deadline_chain_is_checked_at_its_edge() {
    assert!(problem(&[("HANDLER_BUDGET_SECONDS", "600")]).contains("below ACK_DEADLINE_SECONDS"));
    assert!(read(&[("HANDLER_BUDGET_SECONDS", "599")]).is_ok());

    let line = problem(&[("REQUEST_TIMEOUT_SECONDS", "599")]);
    assert!(line.starts_with("REQUEST_TIMEOUT_SECONDS: must not be below"), "{line}");

    assert!(problem(&[("LEASE_SECONDS", "600")]).contains("above REQUEST_TIMEOUT_SECONDS"));
    assert!(read(&[("LEASE_SECONDS", "601")]).is_ok());

    let tight = [
        ("ACK_DEADLINE_SECONDS", "601"),
        ("REQUEST_TIMEOUT_SECONDS", "601"),
        ("LEASE_SECONDS", "700"),
    ];
    assert_eq!(problem(&tight), "ACK_DEADLINE_SECONDS: Pub/Sub allows at most 600 seconds");
}

#[test]
fn a_budget_is_whole_seconds_within_bounds() {
    assert!(problem(&[("HANDLER_BUDGET_SECONDS", "0")]).contains("not within 1 to 7200"));
    assert!(problem(&[("LEASE_SECONDS", "660000")]).contains("not within 1 to 7200"));
    assert!(problem(&[("LEASE_SECONDS", "11m")]).starts_with("LEASE_SECONDS: "));
    assert!(problem(&[("LEASE_SECONDS", "-5")]).starts_with("LEASE_SECONDS: "));
}

#[test]
fn a_topic_needs_a_project_and_a_short_name() {
    assert!(problem(&[("PUBSUB_TOPIC", "ticks")]).starts_with("PUBSUB_PROJECT: "));
    let settings =
        read(&[("GOOGLE_CLOUD_PROJECT", "g"), ("PUBSUB_TOPIC", "ticks")]).unwrap().pubsub;
    assert_eq!(settings.project.as_deref(), Some("g"));
    let settings = read(&[("GOOGLE_CLOUD_PROJECT", "g"), ("PUBSUB_PROJECT", "p")]).unwrap();
    assert_eq!(settings.pubsub.project.as_deref(), Some("p"));
    assert_eq!(settings.logs.project.as_deref(), Some("p"));
    for bad in ["projects/p/topics/ticks", "go", "9lives", "google-ticks", "a b c"] {
        let line = problem(&[("PUBSUB_PROJECT", "p"), ("PUBSUB_TOPIC", bad)]);
        assert!(line.starts_with("PUBSUB_TOPIC: "), "{line}");
    }
}

#[test]
fn an_address_is_a_host_and_a_port() {
    for good in ["127.0.0.1:4002", "gateway.internal:4001", "[::1]:4002", "ib_gw-1:1"] {
        assert_eq!(read(&[("IB_GATEWAY_ADDR", good)]).unwrap().gateway.addr.as_str(), good);
    }
    let bad = [
        "gateway",
        ":4002",
        "host:",
        "host:0",
        "host:65536",
        "host:+1",
        "::1:4002",
        "[::1]",
        "[host]:1",
        "http://host:1",
        "a b:1",
        "user@host:1",
    ];
    for text in bad {
        let line = problem(&[("IB_GATEWAY_ADDR", text)]);
        assert!(line.starts_with("IB_GATEWAY_ADDR: "), "{text}: {line}");
    }
}
