//! `ib_async`, which speaks nothing but text, at the ends of its versions and where layouts change.

use futures::future::join_all;

use crate::gateway::{Gateway, TEXT};
use crate::python::judge;

/// Between the ends: sizes of contracts come in, then much of an order, then the issuer of a bond,
/// and the profile of an adviser goes.
const SWITCHES: [i32; 4] = [163, 164, 170, 176];

#[tokio::test]
async fn the_text_client_agrees_at_every_version() {
    let versions = TEXT.into_iter().chain(SWITCHES);
    // All at once: each mostly waits.
    let judged = versions.map(|version| async move {
        // The client asks for its version, so that the gateway may speak the latest.
        let gateway = Gateway::start(&["--messages-per-second", "0"]).await;
        judge("text_client.py", &gateway, version).await;
    });
    join_all(judged).await;
}
