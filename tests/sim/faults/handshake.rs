//! The start of a session.

use super::peer::{self, Peer, arm};
use super::*;

#[tokio::test]
async fn a_hundred_notices_before_the_id_leave_a_client_without_one() {
    let simulator = start().await;
    arm(&simulator, "notices-first,frames=100");
    let client = connect(&simulator, CLIENT).await;
    assert_eq!(client.next_order_id(), 0, "this client stops reading after a hundred frames");
    let (_peer, seen) = Peer::try_start(&simulator, 7).await;
    let notices = seen.iter().take_while(|seen| seen.id == peer::ERROR).count();
    assert_eq!((notices, seen[100].id, seen[101].id), (100, 15, 9));
}

#[tokio::test]
async fn a_start_without_next_id_tells_the_accounts() {
    let simulator = start().await;
    arm(&simulator, "no-next-valid-id");
    let (_peer, seen) = Peer::try_start(&simulator, 7).await;
    let ids: Vec<i32> = seen.iter().map(|seen| seen.id).collect();
    assert_eq!(ids, [15, 4, 4, 4]);
}

#[tokio::test]
async fn a_chosen_next_id_is_told() {
    let simulator = start().await;
    arm(&simulator, "next-valid-id,id=38099");
    let client = connect(&simulator, CLIENT).await;
    assert_eq!(client.next_order_id(), 38099);
    assert_eq!(within(client.next_valid_order_id()).await.unwrap(), 38099);
}

#[tokio::test]
async fn a_chosen_list_of_accounts_is_told() {
    let simulator = start().await;
    arm(&simulator, "account-list,accounts=DU1+U2");
    let client = connect(&simulator, CLIENT).await;
    assert_eq!(client.handshake_managed_accounts(), ["DU1", "U2"]);
}

#[tokio::test]
async fn a_free_client_id_is_said_to_be_in_use() {
    let simulator = start().await;
    arm(&simulator, "client-id-in-use,times=1");
    let refused = connect_to(&simulator.addr().to_string(), CLIENT).await;
    assert!(matches!(refused, Err(Error::ClientIdInUse { client_id: CLIENT })));
    connect(&simulator, CLIENT).await;
}

#[tokio::test]
async fn a_client_id_stays_occupied_after_its_connection() {
    let simulator = start().await;
    let id = arm(&simulator, "keep-client-id,hold=1h,times=1");
    Peer::start(&simulator, 7).await.close().await;
    let (_peer, seen) = Peer::try_start(&simulator, 7).await;
    assert_eq!(seen[0].number(3), 326);
    Peer::start(&simulator, 8).await;
    assert_eq!(simulator.faults().list().iter().find(|armed| armed.id == id).unwrap().fired, 1);
}

#[tokio::test]
async fn there_are_fewer_seats_than_usual() {
    let simulator = start().await;
    arm(&simulator, "seats,clients=1");
    let _seated = Peer::start(&simulator, 7).await;
    let raw = Raw::connect(&simulator).await;
    assert!(raw.end().await.is_err());
}

#[tokio::test]
async fn another_version_is_answered() {
    let simulator = start().await;
    arm(&simulator, "server-version,version=213");
    assert_eq!(connect(&simulator, CLIENT).await.server_version(), 213);
}
