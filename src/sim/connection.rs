//! One connection: handshake, then requests in and bursts out until either side ends it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use prost::Message;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::client::{Client, Close, Inbox, Outbox, outbox};
use super::faults::lens::Lens;
use super::faults::tap::Tap;
use super::faults::{Silence, handshake};
use super::messages::{ErrorMessage, ManagedAccounts, NextValidId, StartApiRequest, request};
use super::pacing::{Pace, Pacing};
use super::requests;
use super::text::BadRequest;
use super::wire::{self, Codec, Frame, Hello, WireError};
use super::world::{Shared, World};

/// From connect to a started session. Clients need milliseconds; IB's own time-out is similar.
const START_DEADLINE: Duration = Duration::from_secs(30);

/// How long a closing connection may take to take in its last frames and close its side.
const CLOSE_DEADLINE: Duration = Duration::from_secs(2);

/// Bytes that go out in one write at most, so that a burst in the queue need not wait for all
/// others to be copied together.
const WRITE_MAX: usize = 256 * 1024;

/// IB's Python client reads 4096 bytes at a time and throws away what it has when a burst ends
/// exactly there.
const PYTHON_READ: usize = 4096;

#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error(transparent)]
    Wire(#[from] WireError),
    #[error(
        "the client speaks versions {} to {} of the protocol, this simulator none of these",
        .0.lowest, .0.highest
    )]
    Version(Hello),
    #[error("the client did not start its session within {START_DEADLINE:?}")]
    NotStarted,
    #[error("the first request was {0}, not the start of a session")]
    StartExpected(i32),
    #[error("a request could not be decoded")]
    Undecodable(#[from] requests::Undecodable),
    #[error("the start of the session could not be decoded")]
    BadStart(#[from] prost::DecodeError),
    #[error("client id {0} is already in use")]
    ClientIdInUse(i32),
    #[error("the client kept sending more messages a second than it may")]
    TooManyMessages,
}

/// Serves one connection until either side ends it or the simulator stops.
pub async fn serve(stream: TcpStream, number: u64, shared: Arc<Shared>, stop: CancellationToken) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "the connection ended before it began");
        return;
    }
    let (reader, writer) = stream.into_split();
    let allowance = shared.with(|world| handshake::bytes_until_reset(world));
    let mut reader = BufReader::new(Tap::new(reader, allowance));
    let (outbox, inbox) = outbox();
    let (close, closing) = watch::channel(None);
    let resets = Arc::new(AtomicBool::new(false));
    let padding = Padding::default();
    let writer = WriteSide {
        half: Some(writer),
        resets: Arc::clone(&resets),
        padding: Arc::clone(&padding),
    };
    let writer = tokio::spawn(write_bursts(writer, inbox));
    let presence = Presence { shared: &shared, number };
    let way_out = WayOut { outbox: outbox.clone(), close, padding };
    let session = session(&mut reader, number, &shared, way_out);
    let mut how = tokio::select! {
        ended = session => {
            if let Err(error) = ended {
                tracing::warn!(connection = number, error = %chain(&error), "closed a connection");
            }
            Close::Finish
        }
        how = told_to_close(closing) => how,
        () = stop.cancelled() => Close::Finish,
    };
    if reader.get_ref().is_dry() {
        how = Close::Reset;
    }
    // The client id is free, and what the client subscribed to is over, from here on.
    drop(presence);
    let abort = writer.abort_handle();
    match how {
        Close::Reset => {
            resets.store(true, Ordering::Relaxed);
            reset(reader.get_ref().inner());
            // The writer closes in order once its queue ends, so it goes before its queue.
            abort.abort();
            drop(writer.await);
        }
        Close::Finish => {
            drop(outbox);
            if timeout(CLOSE_DEADLINE, finish(&mut reader, writer)).await.is_err() {
                tracing::debug!(connection = number, "the client did not close its side");
            }
            abort.abort();
        }
    }
}

/// A frame that means nothing to the client, once it is known in which generation.
type Padding = Arc<OnceLock<Vec<u8>>>;

/// What a session has of the way to its client.
struct WayOut {
    outbox: Outbox,
    close: watch::Sender<Option<Close>>,
    padding: Padding,
}

/// The half of the stream that is written to. Dropping such a half closes it in order, which a
/// connection that is to be reset must not do.
struct WriteSide {
    half: Option<OwnedWriteHalf>,
    resets: Arc<AtomicBool>,
    padding: Padding,
}

impl Drop for WriteSide {
    fn drop(&mut self) {
        if self.resets.load(Ordering::Relaxed)
            && let Some(half) = self.half.take()
        {
            half.forget();
        }
    }
}

/// Takes the client out of the world when its connection ends, also when it ends in a panic:
/// its client id would be in use for ever.
struct Presence<'a> {
    shared: &'a Shared,
    number: u64,
}

impl Drop for Presence<'_> {
    fn drop(&mut self) {
        self.shared.with(|world| {
            let client = world.clients.remove(&self.number);
            handshake::left(world, self.number, client.as_ref());
        });
    }
}

/// The error and what is behind it.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

async fn told_to_close(mut closing: watch::Receiver<Option<Close>>) -> Close {
    let told = closing.wait_for(Option::is_some).await.map(|how| *how);
    match told {
        Ok(how) => how.unwrap_or(Close::Finish),
        // Nobody is left to tell: the session says how it ended.
        Err(_gone) => std::future::pending().await,
    }
}

fn reset(reader: &OwnedReadHalf) {
    let stream: &TcpStream = reader.as_ref();
    if let Err(error) = stream.set_zero_linger() {
        tracing::debug!(%error, "could not reset a connection");
    }
}

/// Writes what is left, closes our side, and reads until the client closes its own: a reset
/// would take the last frames with it.
async fn finish(reader: &mut BufReader<Tap<OwnedReadHalf>>, writer: tokio::task::JoinHandle<()>) {
    if let Err(error) = writer.await {
        tracing::debug!(%error, "the writer of a connection ended early");
    }
    let mut ignored = [0; 1024];
    while matches!(reader.read(&mut ignored).await, Ok(count) if count > 0) {}
}

/// Handshake, start, and requests until the client closes.
async fn session<R: AsyncRead + Unpin>(
    reader: &mut R,
    number: u64,
    shared: &Shared,
    way_out: WayOut,
) -> Result<(), Ended> {
    let WayOut { outbox, close, padding } = way_out;
    let started = timeout(START_DEADLINE, start(reader, shared, &outbox)).await;
    let Some((client_id, mut codec)) = started.map_err(|_elapsed| Ended::NotStarted)?? else {
        return Ok(());
    };
    padding.get_or_init(|| pad(&mut codec));
    let client = Client::new(client_id, codec.clone(), outbox.clone(), close);
    if let Err(refusal) = shared.with(|world| admit(world, number, client)) {
        let mut frame = Vec::new();
        codec.push(&mut frame, refusal.as_ref());
        if outbox.push(frame).is_err() {
            tracing::debug!("the connection ended before its refusal");
        }
        return Err(Ended::ClientIdInUse(client_id));
    }
    let mut pacing = Pacing::default();
    loop {
        let request = match wire::read_frame(reader, &codec).await {
            Ok(Some(frame)) => Ok(frame),
            Ok(None) => return Ok(()),
            Err(WireError::BadRequest(bad @ BadRequest::Number { .. })) => Err(bad),
            Err(error) => return Err(error.into()),
        };
        shared.with(|world| work(world, number, &mut pacing, &request))?;
    }
}

/// Works one request, or answers what cannot be worked.
fn work(
    world: &mut World,
    number: u64,
    pacing: &mut Pacing,
    request: &Result<Frame, BadRequest>,
) -> Result<(), Ended> {
    within_limit(world, number, pacing)?;
    match request {
        Ok(frame) => requests::handle(world, number, frame)?,
        Err(bad) => refuse(world, number, bad),
    }
    Ok(())
}

/// Counts a message, and tells the client when they are too many.
fn within_limit(world: &mut World, number: u64, pacing: &mut Pacing) -> Result<(), Ended> {
    let (code, text, ended) = match pacing.count(Instant::now(), world.messages_per_second) {
        Pace::Fine => return Ok(()),
        Pace::Near(text) => (0, text, Ok(())),
        Pace::Above(text) => (100, text, Ok(())),
        Pace::TooOften(text) => (100, text, Err(Ended::TooManyMessages)),
    };
    tell(world, number, -1, code, text);
    ended
}

/// Answers a request that cannot be read, under its id if it has one.
fn refuse(world: &mut World, number: u64, bad: &BadRequest) {
    if let BadRequest::Number { id, subject, field } = bad {
        let text = format!("Error reading request.-'{id}' : cause - For input string: \"{field}\"");
        tell(world, number, subject.unwrap_or(-1), 320, text);
    }
}

fn tell(world: &mut World, number: u64, id: i32, code: i32, text: String) {
    let error = world.error(id, code, text);
    if let Some(client) = world.clients.get_mut(&number) {
        client.send(&error);
    }
}

/// Serves a client that sends `bytes`, never reads, and closes.
#[cfg(any(test, fuzzing))]
pub async fn serve_bytes(mut bytes: &[u8], number: u64, shared: &Shared) {
    let (outbox, _inbox) = outbox();
    let (close, _closing) = watch::channel(None);
    let _presence = Presence { shared, number };
    let way_out = WayOut { outbox, close, padding: Padding::default() };
    if let Err(error) = session(&mut bytes, number, shared, way_out).await {
        tracing::trace!(error = %chain(&error), "closed a connection");
    }
}

/// From hello to the client id. `None` when the client left.
async fn start<R: AsyncRead + Unpin>(
    reader: &mut R,
    shared: &Shared,
    outbox: &Outbox,
) -> Result<Option<(i32, Codec)>, Ended> {
    let hello = wire::read_hello(reader).await?;
    let (silence, time, highest) = shared.with(|world| {
        (handshake::silence(world), world.zone.stamp(world.now), handshake::version(world))
    });
    let Some(version) = hello.agree(highest) else { return Err(Ended::Version(hello)) };
    let codec = Codec::of(version);
    if silence == Some(Silence::Version) && outbox.push(wire::hello_answer(version, &time)).is_err()
    {
        return Ok(None);
    }
    if silence.is_some() {
        // Read and never answer, until the client has had enough or the deadline of the start.
        while wire::read_frame(reader, &codec).await?.is_some() {}
        return Ok(None);
    }
    if outbox.push(wire::hello_answer(version, &time)).is_err() {
        return Ok(None);
    }
    let Some(frame) = wire::read_frame(reader, &codec).await? else { return Ok(None) };
    if frame.id != request::START_API {
        return Err(Ended::StartExpected(frame.id));
    }
    let start = StartApiRequest::decode(frame.payload.as_slice())?;
    Ok(Some((start.client_id.unwrap_or_default(), codec)))
}

/// Lets a client in and tells it its accounts, its next order id and that all farms are well; or
/// refuses its client id.
fn admit(world: &mut World, number: u64, mut client: Client) -> Result<(), Box<ErrorMessage>> {
    let client_id = client.client_id;
    let taken = world.clients.values().any(|other| other.client_id == client_id);
    if taken || handshake::is_occupied(world, client_id) {
        let text = "Unable to connect as the client id is already in use. Retry with a unique \
                    client id.";
        return Err(Box::new(world.error(-1, 326, text)));
    }
    client.lens = Lens::new(&world.faults.engine, client_id);
    for _ in 0..handshake::early_notices(world, client_id) {
        client.send(&world.error(-1, 2104, "Market data farm connection is OK:usfarm"));
    }
    client.send(&ManagedAccounts { accounts_list: Some(handshake::accounts(world)) });
    if let Some(order_id) = handshake::first_id(world, client_id) {
        client.send(&NextValidId { order_id: Some(order_id) });
    }
    for (code, text) in [
        (2104, "Market data farm connection is OK:usfarm"),
        (2106, "HMDS data farm connection is OK:ushmds"),
        (2158, "Sec-def data farm connection is OK:secdefil"),
    ] {
        client.send(&world.error(-1, code, text));
    }
    world.clients.insert(number, client);
    tracing::info!(connection = number, client_id, "a client connected");
    Ok(())
}

/// Writes bursts in order, several in one write when they wait, until nobody can send any more
/// or the connection breaks. Then closes our side.
async fn write_bursts(mut side: WriteSide, mut inbox: Inbox) {
    let Some(writer) = &mut side.half else { return };
    while let Some(mut bytes) = inbox.next(WRITE_MAX).await {
        if bytes.len().is_multiple_of(PYTHON_READ)
            && let Some(padding) = side.padding.get()
        {
            bytes.extend_from_slice(padding);
        }
        if let Err(error) = writer.write_all(&bytes).await {
            tracing::debug!(%error, "could not write to a client");
            return;
        }
    }
    if let Err(error) = writer.shutdown().await {
        tracing::debug!(%error, "could not close a connection in order");
    }
}

/// A notice that means nothing to any client.
fn pad(codec: &mut Codec) -> Vec<u8> {
    let notice = ErrorMessage {
        id: Some(-1),
        error_time: None,
        error_code: Some(2158),
        error_msg: Some("Sec-def data farm connection is OK:secdefil".to_owned()),
        advanced_order_reject_json: None,
    };
    let mut frame = Vec::new();
    codec.push(&mut frame, &notice);
    frame
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// All that a client reads when the world hands over `bursts`.
    async fn written(bursts: &[usize]) -> Vec<u8> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (_reader, writer) = listener.accept().await.unwrap().0.into_split();
        let (outbox, inbox) = outbox();
        for burst in bursts {
            outbox.push(vec![7; *burst]).unwrap();
        }
        drop(outbox);
        let padding = Padding::default();
        padding.set(pad(&mut Codec::Protobuf)).unwrap();
        let side = WriteSide { half: Some(writer), resets: Arc::default(), padding };
        write_bursts(side, inbox).await;
        let mut read = Vec::new();
        client.read_to_end(&mut read).await.unwrap();
        read
    }

    #[tokio::test]
    async fn no_write_ends_where_the_python_client_loses_what_it_read() {
        for bursts in [&[4096][..], &[8192], &[4000, 96], &[1024, 1024, 2048]] {
            let read = written(bursts).await;
            assert!(!read.len().is_multiple_of(PYTHON_READ), "{bursts:?}");
            let sent = bursts.iter().sum::<usize>();
            assert!(read[..sent].iter().all(|byte| *byte == 7));
            assert_eq!(read[sent + 4..sent + 8], [0, 0, 0, 204], "a notice follows");
        }
        assert_eq!(written(&[4095]).await.len(), 4095, "any other length is left alone");
    }
}
