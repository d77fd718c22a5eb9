//! Handshake, ids, accounts, time.

use super::robustness::Raw;
use super::*;

#[tokio::test]
async fn a_client_learns_its_account_its_next_id_and_the_time() {
    let simulator = start().await;
    let client = connect(&simulator, CLIENT).await;
    assert_eq!(client.server_version(), 226);
    assert_eq!(client.handshake_managed_accounts(), ["DU1234567"]);
    assert_eq!(client.next_order_id(), 1);
    assert!(client.time_zone().is_some(), "the zone of the handshake is understood");
    assert_eq!(within(client.managed_accounts()).await.unwrap(), ["DU1234567"]);
    let seconds = within(client.server_time()).await.unwrap().unix_timestamp();
    let millis = within(client.server_time_millis()).await.unwrap().unix_timestamp();
    assert!((millis - seconds).abs() <= 1, "{seconds} {millis}");
    assert_eq!(within(client.family_codes()).await.unwrap().len(), 1);
    within(client.user_info()).await.unwrap();
}

#[tokio::test]
async fn a_client_id_in_use_is_refused_and_its_owner_does_not_notice() {
    let simulator = start().await;
    let first = connect(&simulator, CLIENT).await;
    let second = connect_to(&simulator.addr().to_string(), CLIENT).await;
    assert!(matches!(second, Err(Error::ClientIdInUse { client_id: CLIENT })));
    settle(&first).await;
    connect(&simulator, CLIENT + 1).await;
}

#[tokio::test]
async fn a_client_id_is_free_as_soon_as_its_connection_is_gone() {
    let simulator = start().await;
    let mut first = Raw::started(&simulator, 7).await;
    first.close().await;
    connect(&simulator, 7).await;
}

#[tokio::test]
async fn the_next_id_is_above_all_ids_of_that_client_also_after_a_reconnect() {
    let simulator = start().await;
    pin_spy(&simulator);
    let client = connect(&simulator, CLIENT).await;
    client.submit_order(41, &spy(), &market(Action::Buy, 1.0)).await.unwrap();
    assert_eq!(within(client.next_valid_order_id()).await.unwrap(), 42);
    // A refused order uses its id up as well.
    client.submit_order(50, &spy(), &limit(Action::Buy, 1.0, 1.005)).await.unwrap();
    assert_eq!(within(client.next_valid_order_id()).await.unwrap(), 51);
    client.disconnect().await;

    let mut raw = Raw::started(&simulator, CLIENT).await;
    assert_eq!(raw.next_id, 51);
    raw.close().await;
    assert_eq!(connect(&simulator, 8).await.next_order_id(), 1);
}

#[tokio::test]
async fn a_client_gets_the_best_version_that_both_speak_or_is_closed() {
    let best = 226;
    for (highest, versions, agreed) in [
        (best, "v213", Some("213")),
        (best, "v213..226", Some("226")),
        (best, "v100..300", Some("226")),
        (best, "v300..400", None),
        // The text generation, and never a version between the two.
        (best, "v157..178", Some("178")),
        (best, "v100..193", Some("178")),
        (best, "v100..212", Some("178")),
        (best, "v157", Some("157")),
        (best, "v179..212", None),
        (best, "v100..156", None),
        (213, "v213..226", Some("213")),
        (176, "v100..226", Some("176")),
        (176, "v213..226", None),
    ] {
        let options = Options { server_version: highest, ..Options::loopback(1) };
        let simulator = Simulator::start(options).await.unwrap();
        let mut raw = Raw::connect(&simulator).await;
        let answer = raw.hello(versions).await;
        let version = answer.as_deref().and_then(|answer| answer.split('\0').next());
        assert_eq!(version, agreed, "{versions} at most {highest}");
    }
}

#[tokio::test]
async fn a_version_that_nobody_speaks_is_refused_at_the_start() {
    for version in [156, 179, 212, 227] {
        let options = Options { server_version: version, ..Options::loopback(1) };
        let refused = Simulator::start(options).await.unwrap_err().to_string();
        assert!(refused.contains("157 to 178 (text) or 213 to 226 (protobuf)"), "{refused}");
    }
}

/// Current time, as a protobuf request.
const TIME: [u8; 8] = [0, 0, 0, 4, 0, 0, 0, 249];

/// The code of an error frame, from 0 to 127; what else it is gives none.
fn small_code(frame: &[u8]) -> Option<u8> {
    let rest = frame.strip_prefix(&[0, 0, 0, 204])?;
    let code = rest.windows(2).rfind(|field| field[0] == 0x18 && field[1] < 128);
    code.map(|field| field[1])
}

async fn paced() -> Simulator {
    let options = Options { messages_per_second: 50, ..Options::loopback(1) };
    Simulator::start(options).await.unwrap()
}

#[tokio::test]
async fn a_burst_above_the_limit_is_announced_and_refused_in_words_but_worked() {
    let simulator = paced().await;
    let mut raw = Raw::started(&simulator, 9).await;
    for _notice in 0..3 {
        raw.frame().await.unwrap();
    }
    raw.send(&TIME.repeat(60)).await;
    let (mut times, mut told) = (0, Vec::new());
    while times < 60 {
        let frame = raw.frame().await.unwrap();
        match small_code(&frame) {
            Some(code) => told.push((code, times)),
            None => times += 1,
        }
    }
    assert_eq!(told, [(0, 47), (100, 50)], "before the answers to messages 48 and 51");
}

#[tokio::test]
async fn a_client_that_keeps_flooding_is_disconnected_and_no_other() {
    let simulator = paced().await;
    let bystander = connect(&simulator, CLIENT).await;
    let mut raw = Raw::started(&simulator, 9).await;
    let mut told = Vec::new();
    // Each violation takes a second, however fast the client is.
    loop {
        raw.send_or_closed(&TIME).await;
        let Some(frame) = raw.frame().await else { break };
        told.extend(small_code(&frame).filter(|code| *code == 100));
    }
    assert_eq!(told, [100, 100, 100], "the third ends it");
    settle(&bystander).await;
}

#[tokio::test]
async fn two_clients_see_each_others_orders_only_where_they_should() {
    let simulator = start().await;
    pin_spy(&simulator);
    let (a, b) = (connect(&simulator, 1).await, connect(&simulator, 2).await);
    a.submit_order(5, &spy(), &limit(Action::Buy, 1.0, 500.0)).await.unwrap();
    settle(&a).await;
    let mut own = b.open_orders().await.unwrap();
    assert!(own.collect_to_end_within(DEADLINE).await.unwrap().is_empty());
    let mut all = b.all_open_orders().await.unwrap();
    let rows = all.collect_to_end_within(DEADLINE).await.unwrap();
    let [Orders::OrderData(order), Orders::OrderStatus(status)] = rows.as_slice() else {
        panic!("{rows:?}");
    };
    assert_eq!((order.order_id, order.order.client_id, status.client_id), (5, 1, 1));
}

#[tokio::test]
async fn only_client_zero_may_bind_orders_entered_by_hand() {
    let simulator = start().await;
    let (zero, other) = (connect(&simulator, 0).await, connect(&simulator, 1).await);
    let mut bound = zero.auto_open_orders(true).await.unwrap();
    assert!(bound.collect_to_end_within(DEADLINE).await.unwrap().is_empty());
    // The error has no id, so it reaches no stream but that of the notices.
    let mut notices = other.notice_stream().unwrap();
    let _refused = other.auto_open_orders(true).await.unwrap();
    while within(notices.next()).await.unwrap().code != 327 {}
}
