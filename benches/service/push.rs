//! From the push of a message to its acknowledgement.

use std::time::Duration;

use crate::Bench;
use crate::bare::{Duty, serve};
use crate::client::Client;
use crate::rig::{Rig, UNPACED};

const PING: &str = "ping";
const AGAIN: &str = "ping, delivered again";
const BARE: &str = "204";
const BARE_WRITE: &str = "204 and one durable write";

/// `ping` takes the whole road: claim, configuration, a question to the gateway, activity record,
/// run record. It ends in three durable writes.
pub fn measure(bench: &mut Bench) {
    let Bench { criterion, runtime, figures } = bench;
    let rig = runtime.block_on(Rig::start(UNPACED));
    let mut group = criterion.benchmark_group("push");
    group.warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(4));

    let mut client = runtime.block_on(rig.client());
    figures.measure(&mut group, runtime, PING, async || {
        let envelope = client.fresh("ping");
        let answer = client.push(envelope).await;
        answer.done();
        answer.took
    });
    let known = client.fresh("ping");
    runtime.block_on(client.push(known.clone())).done();
    figures.measure(&mut group, runtime, AGAIN, async || {
        let answer = client.push(known.clone()).await;
        assert_eq!(answer.done()["replayed"], true);
        answer.took
    });
    for (name, duty) in [(BARE, Duty::Read), (BARE_WRITE, Duty::keep_in(&rig.file("bare.db")))] {
        let addr = runtime.block_on(serve(duty));
        let mut client = runtime.block_on(Client::connect(addr));
        figures.measure(&mut group, runtime, name, async || {
            let envelope = client.fresh("ping");
            let answer = client.push(envelope).await;
            assert_eq!(answer.status, hyper::StatusCode::NO_CONTENT);
            answer.took
        });
    }
    group.finish();
    drop(client);
    runtime.block_on(rig.stop());
    figures.compare(PING, BARE);
    figures.compare(PING, BARE_WRITE);
    figures.compare(AGAIN, BARE);
}
