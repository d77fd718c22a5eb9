//! Lists that carry no request id, asked for by many at once.

use std::time::Duration;

use rungate::gateway::{Answer, GatewayError, Link, Timing};

use super::{Rig, timing};

const ORDERS: i32 = 8;

#[tokio::test(flavor = "multi_thread")]
async fn everybody_who_asks_at_once_gets_a_whole_list() {
    let rig = Rig::start().await;
    for id in 1..=ORDERS {
        rig.submit(&rig.resting_order(id).await).await.unwrap();
    }
    rig.submit(&rig.market_order(ORDERS + 1).await).await.unwrap();

    let mut asks = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let gateway = rig.gateway.clone();
        asks.spawn(async move {
            let (open, done, fills, held, values) = tokio::join!(
                gateway.open_orders(),
                gateway.completed_orders(),
                gateway.executions(),
                gateway.positions(),
                gateway.account_values(),
            );
            values.unwrap();
            (
                open.known().unwrap().len(),
                done.known().unwrap().len(),
                fills.known().unwrap().len(),
                held.known().unwrap().len(),
            )
        });
    }
    let working = usize::try_from(ORDERS).unwrap();
    for answer in asks.join_all().await {
        assert_eq!(answer, (working, 1, 1, 1));
    }
    assert_eq!(rig.gateway.connected().await.unwrap().generation, 1);
}

// Its end marker may still come, and would end the next list of its kind.
#[tokio::test]
async fn a_list_that_was_cut_short_is_unknown_and_costs_the_connection() {
    let rig = Rig::with(Timing { snapshot: Duration::from_millis(500), ..timing() }).await;
    rig.gateway.connected().await.unwrap();
    rig.sim.faults().mute(true);
    let answer = rig.gateway.open_orders().await;
    assert!(matches!(answer, Answer::Unknown(GatewayError::Timeout { .. })), "{answer:?}");
    rig.sim.faults().mute(false);
    rig.link_becomes(|link| matches!(link, Link::Up { generation } if *generation > 1)).await;
    assert!(matches!(rig.gateway.open_orders().await, Answer::Empty));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_gives_up_on_a_list_spoils_it_for_nobody() {
    let rig = Rig::start().await;
    rig.submit(&rig.resting_order(1).await).await.unwrap();
    for _ in 0..20 {
        // Dropped before it can be answered.
        let impatient = tokio::time::timeout(Duration::ZERO, rig.gateway.open_orders()).await;
        drop(impatient);
        assert_eq!(rig.gateway.open_orders().await.known().unwrap().len(), 1);
    }
    assert_eq!(rig.gateway.connected().await.unwrap().generation, 1);
}

#[tokio::test]
async fn a_list_whose_connection_breaks_is_unknown() {
    let rig = Rig::start().await;
    rig.gateway.connected().await.unwrap();
    rig.sim.faults().mute(true);
    let asking = tokio::spawn({
        let gateway = rig.gateway.clone();
        async move { gateway.positions().await }
    });
    // The request is read and swallowed before the connection goes, or fails with it: unknown
    // either way.
    tokio::task::yield_now().await;
    rig.sim.faults().drop_connections();
    let answer = asking.await.unwrap();
    assert!(matches!(answer, Answer::Unknown(GatewayError::Reset { .. })), "{answer:?}");
}
