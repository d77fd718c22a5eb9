//! Making, checking, losing and replacing the connection.

use std::time::{Duration, Instant};

use rungate::clock::Clock;
use rungate::domain::{Account, MarketDataType, OrderId, TradingMode};
use rungate::gateway::{
    Answer, Gateway, GatewayConfig, GatewayError, Link, OrderEvent, SubmitError, Timing,
};
use tokio::net::TcpListener;

use super::{CLIENT_ID, Rig, config, event, timing};

/// Short enough to wait out in a test.
fn impatient() -> Timing {
    let budget = Duration::from_millis(800);
    Timing { connect: budget, probe: budget / 2, ..timing() }
}

/// What connecting fails with, which must not take longer than the budget allows.
async fn failure(gateway: &Gateway, timing: &Timing) -> GatewayError {
    let asked = Instant::now();
    let error = gateway.connected().await.expect_err("there should be no connection");
    // A second for a machine that is busy with other tests.
    let limit = timing.connect + timing.backoff_first + Duration::from_secs(1);
    assert!(asked.elapsed() < limit, "took {:?}", asked.elapsed());
    error
}

#[tokio::test]
async fn an_absent_gateway_is_down() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = free.local_addr().unwrap().to_string();
    drop(free);
    let gateway = Gateway::open(config(&addr, impatient()), Clock::system());
    assert!(matches!(gateway.link(), Link::Idle));

    let error = failure(&gateway, &impatient()).await;
    assert!(matches!(&error, GatewayError::Down { addr: at, .. } if *at == addr), "{error}");
    assert!(error.is_retryable());
    assert!(matches!(gateway.link(), Link::Down { .. }));
    assert!(matches!(gateway.positions().await, Answer::Unknown(GatewayError::Down { .. })));
}

#[tokio::test]
async fn a_gateway_that_never_finishes_the_handshake_costs_one_budget() {
    let rig = Rig::with(impatient()).await;
    rig.sim.faults().mute_handshake(true);
    let error = failure(&rig.gateway, &impatient()).await;
    assert!(matches!(error, GatewayError::Handshake { .. }), "{error}");
}

#[tokio::test]
async fn a_gateway_that_hangs_up_has_not_finished_the_handshake() {
    let rig = Rig::with(impatient()).await;
    rig.sim.faults().refuse_connections(true);
    let error = failure(&rig.gateway, &impatient()).await;
    assert!(matches!(error, GatewayError::Handshake { .. }), "{error}");
}

#[tokio::test]
async fn a_login_without_an_answered_request_is_no_connection() {
    let rig = Rig::with(impatient()).await;
    rig.sim.faults().mute(true);
    let error = failure(&rig.gateway, &impatient()).await;
    assert!(error.to_string().contains("the time"), "{error}");
    assert!(matches!(error, GatewayError::Handshake { .. }), "{error}");
}

#[tokio::test]
async fn a_failure_is_not_remembered_beyond_its_moment() {
    let rig = Rig::start().await;
    rig.sim.faults().refuse_connections(true);
    rig.gateway.connected().await.unwrap_err();
    rig.sim.faults().refuse_connections(false);
    assert_eq!(rig.gateway.connected().await.unwrap().generation, 1);
}

#[tokio::test]
async fn a_connection_knows_its_account_and_version() {
    let rig = Rig::start().await;
    let connected = rig.gateway.connected().await.unwrap();
    assert_eq!(connected.account, Account::new("DU1234567"));
    assert!((213..=226).contains(&connected.server_version));
    assert!(connected.next_valid_id >= OrderId(1));
    assert!(matches!(rig.gateway.link(), Link::Up { generation: 1 }));
}

#[tokio::test]
async fn live_mode_refuses_a_paper_account() {
    let rig = Rig::start().await;
    let wrong =
        GatewayConfig { mode: TradingMode::Live, ..config(&rig.sim.addr().to_string(), timing()) };
    let gateway = Gateway::open(wrong, Clock::system());
    let error = gateway.connected().await.unwrap_err();
    assert!(matches!(error, GatewayError::WrongAccount(_)), "{error}");
    // The refused connection is closed: its client id is free for the rig's own.
    rig.gateway.connected().await.unwrap();
}

#[tokio::test]
async fn an_account_that_is_not_served_is_refused_without_naming_it() {
    let rig = Rig::start().await;
    let wrong = GatewayConfig {
        account: Some(Account::new("DU7654321")),
        ..config(&rig.sim.addr().to_string(), timing())
    };
    let error = Gateway::open(wrong, Clock::system()).connected().await.unwrap_err();
    assert!(matches!(error, GatewayError::WrongAccount(_)), "{error}");
    assert!(!error.to_string().contains("7654321"), "{error}");
}

#[tokio::test]
async fn a_client_id_in_use_is_its_own_error_and_harms_nobody() {
    let rig = Rig::start().await;
    rig.gateway.connected().await.unwrap();
    let second = Gateway::open(config(&rig.sim.addr().to_string(), timing()), Clock::system());
    let error = second.connected().await.unwrap_err();
    let GatewayError::ClientIdInUse { client_id } = error else { panic!("{error}") };
    assert_eq!(client_id, CLIENT_ID);
    rig.gateway.server_time().await.unwrap();
    assert_eq!(rig.gateway.connected().await.unwrap().generation, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_is_replaced_unasked_and_announced() {
    let rig = Rig::start().await;
    rig.gateway.set_market_data_type(MarketDataType::Delayed).await.unwrap();
    let mut events = rig.gateway.events();
    rig.sim.faults().drop_connections();

    event(&mut events, |event| matches!(event, OrderEvent::Gap).then_some(())).await;
    rig.link_becomes(|link| matches!(link, Link::Up { generation: 2 })).await;
    // The new connection's own announcement.
    event(&mut events, |event| matches!(event, OrderEvent::Gap).then_some(())).await;
    let quote = rig.gateway.quote(&rig.stock("ORCL").await).await.unwrap();
    assert_eq!(quote.data_type, MarketDataType::Delayed);
}

#[tokio::test]
async fn a_request_that_finds_no_connection_waits_for_the_next_one() {
    let rig = Rig::start().await;
    rig.gateway.connected().await.unwrap();
    rig.sim.faults().drop_connections();
    rig.link_becomes(|link| !matches!(link, Link::Up { generation: 1 })).await;
    rig.gateway.server_time().await.unwrap();
    assert!(rig.gateway.connected().await.unwrap().generation > 1);
}

#[tokio::test]
async fn nothing_is_written_to_a_gateway_that_has_gone_silent() {
    // No proof but a new one counts.
    let strict =
        Timing { probe: Duration::from_millis(500), liveness_fresh: Duration::ZERO, ..timing() };
    let rig = Rig::with(strict).await;
    let ticket = rig.market_order(1).await;
    rig.sim.faults().mute(true);
    let error = rig.submit(&ticket).await.unwrap_err();
    assert!(
        matches!(error, SubmitError::NotSent(GatewayError::Timeout { .. })),
        "{error}: {error:?}"
    );
    assert!(rig.sim.truth().orders.is_empty());

    // The silent connection was given up for a new one.
    rig.sim.faults().mute(false);
    rig.link_becomes(|link| matches!(link, Link::Up { generation } if *generation > 1)).await;
    rig.submit(&ticket).await.unwrap();
}

#[tokio::test]
async fn a_gateway_that_falls_silent_is_noticed_with_nobody_asking() {
    let beat = Duration::from_millis(100);
    let strict =
        Timing { heartbeat: beat, probe: beat * 5, liveness_fresh: Duration::ZERO, ..timing() };
    let rig = Rig::with(strict).await;
    rig.gateway.connected().await.unwrap();
    rig.sim.faults().mute(true);
    rig.link_becomes(|link| matches!(link, Link::Down { .. })).await;
}

#[tokio::test]
async fn a_request_that_times_out_has_the_connection_checked() {
    let budget = Duration::from_millis(300);
    let strict =
        Timing { request: budget, probe: budget, liveness_fresh: Duration::ZERO, ..timing() };
    let rig = Rig::with(strict).await;
    rig.gateway.connected().await.unwrap();
    rig.sim.faults().mute(true);
    let error = rig.gateway.next_valid_id().await.unwrap_err();
    assert!(matches!(error, GatewayError::Timeout { .. }), "{error}");
    rig.link_becomes(|link| matches!(link, Link::Down { .. })).await;
}

#[tokio::test]
async fn a_closed_gateway_stays_closed() {
    let rig = Rig::start().await;
    rig.gateway.connected().await.unwrap();
    let ticket = rig.market_order(1).await;
    rig.gateway.close().await;
    assert!(matches!(rig.gateway.link(), Link::Closed));
    assert!(matches!(rig.gateway.server_time().await, Err(GatewayError::Closed)));
    assert!(matches!(rig.gateway.open_orders().await, Answer::Unknown(GatewayError::Closed)));
    let error = rig.submit(&ticket).await.unwrap_err();
    assert!(matches!(error, SubmitError::NotSent(GatewayError::Closed)));
    // A second goodbye is one too many, and harmless.
    rig.gateway.close().await;
}

#[tokio::test]
async fn closing_frees_the_client_id() {
    let rig = Rig::start().await;
    rig.gateway.connected().await.unwrap();
    rig.gateway.close().await;
    let next = Gateway::open(config(&rig.sim.addr().to_string(), timing()), Clock::system());
    next.connected().await.unwrap();
}

#[tokio::test]
async fn the_process_has_one_gateway() {
    let rig = Rig::start().await;
    let config = config(&rig.sim.addr().to_string(), timing());
    let first = Gateway::shared(&config, &Clock::system()).await;
    let second = Gateway::shared(&config, &Clock::system()).await;
    assert!(std::ptr::eq(first, second));
    first.server_time().await.unwrap();
}
