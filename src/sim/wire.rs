//! Frames: a length, a message id, a payload.
//!
//! A frame is a 4-byte big-endian length and that many bytes of body. In the protobuf generation a
//! body is a 4-byte big-endian message id and a protobuf payload; in the text generation it is
//! fields, each ended by a NUL, of which the first is the message id. The server's answer to the
//! client's hello has no id: it is text in both.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};

use super::messages::{Answer, PROTOBUF};
use super::text::{self, BadRequest, Text};

/// The versions of the protobuf generation that are spoken.
pub const LOWEST_PROTOBUF: i32 = 213;
pub const HIGHEST_PROTOBUF: i32 = 226;

/// The longest body that IB's own clients accept, and so the longest we do.
const BODY_MAX: u32 = 0x00FF_FFFF;

/// A hello is a version range and a few options. More is no TWS client.
const HELLO_MAX: u32 = 1024;

/// Whether this version is one of either generation.
pub fn is_spoken(version: i32) -> bool {
    (LOWEST_PROTOBUF..=HIGHEST_PROTOBUF).contains(&version)
        || (text::LOWEST..=text::HIGHEST).contains(&version)
}

/// Which versions are, for a person.
pub fn spoken() -> String {
    format!(
        "{} to {} (text) or {LOWEST_PROTOBUF} to {HIGHEST_PROTOBUF} (protobuf)",
        text::LOWEST,
        text::HIGHEST
    )
}

/// How long the rest of a frame may take once its first byte is here. Clients write a frame in
/// one call, so a longer wait means that the peer is gone or up to no good.
const FRAME_DEADLINE: Duration = Duration::from_secs(30);

/// What a client sends before anything else.
const PREFIX: &[u8; 4] = b"API\0";

/// One request as it came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The message id in IB's list, without the protobuf offset.
    pub id: i32,
    pub payload: Vec<u8>,
}

/// The range of server versions that a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hello {
    pub lowest: i32,
    pub highest: i32,
}

#[derive(Debug, thiserror::Error)]
pub enum WireError {
    #[error("the connection broke")]
    Io(#[from] io::Error),
    #[error("the peer stopped in the middle of a frame for {FRAME_DEADLINE:?}")]
    Stalled,
    #[error("a frame of {0} bytes is outside the limits of the protocol")]
    Length(u32),
    #[error("message id {0} is not a protobuf request")]
    NotProtobuf(i32),
    #[error("a text request cannot be read")]
    BadRequest(#[from] BadRequest),
    #[error("the peer does not begin like a TWS API client")]
    NotAClient,
}

/// Reads the hello: `API\0`, then a framed version range such as `v213..226`.
///
/// # Errors
///
/// When the connection breaks or what arrives is no hello.
pub async fn read_hello<R: AsyncRead + Unpin>(reader: &mut R) -> Result<Hello, WireError> {
    let mut prefix = [0; PREFIX.len()];
    reader.read_exact(&mut prefix).await?;
    if &prefix != PREFIX {
        return Err(WireError::NotAClient);
    }
    let length = reader.read_u32().await?;
    if length > HELLO_MAX {
        return Err(WireError::Length(length));
    }
    let body = read_body(reader, length).await?;
    parse_hello(&body).ok_or(WireError::NotAClient)
}

fn parse_hello(body: &[u8]) -> Option<Hello> {
    let text = std::str::from_utf8(body).ok()?;
    let range = text.split(' ').next()?.strip_prefix('v')?;
    let (lowest, highest) = match range.split_once("..") {
        Some((lowest, highest)) => (lowest.parse().ok()?, highest.parse().ok()?),
        None => (range.parse().ok()?, range.parse().ok()?),
    };
    (lowest <= highest).then_some(Hello { lowest, highest })
}

impl Hello {
    /// The version that a server of at most `highest` answers with; `None` when there is none
    /// that both speak. Clients that know protobuf get protobuf. What lies between the two
    /// generations is never answered.
    pub fn agree(self, highest: i32) -> Option<i32> {
        let best = self.highest.min(highest);
        let version = match best {
            LOWEST_PROTOBUF.. => best.min(HIGHEST_PROTOBUF),
            _ => best.min(text::HIGHEST),
        };
        (version >= self.lowest.max(text::LOWEST)).then_some(version)
    }
}

/// Reads the next request; `None` when the client closed between two frames.
///
/// # Errors
///
/// When the connection breaks, stalls inside a frame, or what arrives is no frame. After
/// [`BadRequest::Number`] the next frame can be read.
pub async fn read_frame<R: AsyncRead + Unpin>(
    reader: &mut R,
    codec: &Codec,
) -> Result<Option<Frame>, WireError> {
    let first = match reader.read_u8().await {
        Ok(first) => first,
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    match tokio::time::timeout(FRAME_DEADLINE, read_rest(reader, first, codec)).await {
        Ok(frame) => frame.map(Some),
        Err(_elapsed) => Err(WireError::Stalled),
    }
}

async fn read_rest<R: AsyncRead + Unpin>(
    reader: &mut R,
    first: u8,
    codec: &Codec,
) -> Result<Frame, WireError> {
    let mut length = [first, 0, 0, 0];
    reader.read_exact(&mut length[1..]).await?;
    let length = u32::from_be_bytes(length);
    if length > BODY_MAX {
        return Err(WireError::Length(length));
    }
    let Codec::Text(text) = codec else { return read_protobuf(reader, length).await };
    let body = read_body(reader, length).await?;
    Ok(text::decode(text.version(), &body)?)
}

async fn read_protobuf<R: AsyncRead + Unpin>(
    reader: &mut R,
    length: u32,
) -> Result<Frame, WireError> {
    let Some(payload) = length.checked_sub(4) else { return Err(WireError::Length(length)) };
    let id = reader.read_i32().await?;
    let payload = read_body(reader, payload).await?;
    match id.checked_sub(PROTOBUF).filter(|id| *id > 0) {
        Some(id) => Ok(Frame { id, payload }),
        None => Err(WireError::NotProtobuf(id)),
    }
}

/// Grows with what arrives: a length alone reserves nothing.
async fn read_body<R: AsyncRead + Unpin>(
    reader: &mut R,
    length: u32,
) -> Result<Vec<u8>, WireError> {
    let mut body = Vec::new();
    reader.take(u64::from(length)).read_to_end(&mut body).await?;
    if u32::try_from(body.len()) == Ok(length) {
        Ok(body)
    } else {
        Err(io::Error::from(io::ErrorKind::UnexpectedEof).into())
    }
}

/// The answer to the hello: version and time, the only frame without a message id.
pub fn hello_answer(version: i32, time: &str) -> Vec<u8> {
    let body = format!("{version}\0{time}\0");
    let mut frame = length_prefix(body.len()).to_vec();
    frame.extend_from_slice(body.as_bytes());
    frame
}

/// How the messages of one connection are read and written.
#[derive(Clone, Debug, PartialEq)]
pub enum Codec {
    Protobuf,
    Text(Text),
}

impl Codec {
    /// The one of a version that was [agreed on](Hello::agree).
    pub fn of(version: i32) -> Self {
        if version >= LOWEST_PROTOBUF { Self::Protobuf } else { Self::Text(Text::new(version)) }
    }

    /// Appends `message` as a frame, if it is one in this generation.
    pub fn push<M: Answer>(&mut self, buffer: &mut Vec<u8>, message: &M) {
        match self {
            Self::Protobuf => push(buffer, message),
            Self::Text(text) => text.push(buffer, message),
        }
    }
}

/// The frames in bytes that were written, each with its length. A torn one ends the walk.
pub fn frames(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (prefix, _) = rest.split_first_chunk::<4>()?;
        let body = usize::try_from(u32::from_be_bytes(*prefix)).ok()?;
        let (frame, after) = rest.split_at_checked(body.checked_add(4)?)?;
        rest = after;
        Some(frame)
    })
}

/// The message id of a frame that was written, without the protobuf offset.
pub fn frame_id(frame: &[u8]) -> Option<i32> {
    let (id, rest) = frame.get(4..)?.split_first_chunk::<4>()?;
    if id[0] == 0 {
        return Some(i32::from_be_bytes(*id).saturating_sub(PROTOBUF));
    }
    // Text: the id is the first field.
    let text = id.iter().chain(rest).take_while(|byte| **byte != 0).copied().collect();
    String::from_utf8(text).ok()?.parse().ok()
}

/// Appends `message` as a protobuf frame.
fn push<M: Answer>(buffer: &mut Vec<u8>, message: &M) {
    let length = message.encoded_len().saturating_add(4);
    buffer.reserve(length.saturating_add(4));
    buffer.extend_from_slice(&length_prefix(length));
    buffer.extend_from_slice(&(M::ID + PROTOBUF).to_be_bytes());
    buffer.extend_from_slice(&message.encode_to_vec());
}

/// Answers are built here and stay far below the limit of the protocol.
pub fn length_prefix(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::messages::{ManagedAccounts, NextValidId, PositionEnd};

    #[test]
    fn frames_have_the_bytes_that_clients_expect() {
        let mut bytes = Vec::new();
        push(&mut bytes, &NextValidId { order_id: Some(1) });
        push(&mut bytes, &ManagedAccounts { accounts_list: Some("DU1234567".into()) });
        push(&mut bytes, &PositionEnd {});
        let expected = b"\0\0\0\x06\0\0\0\xd1\x08\x01\
            \0\0\0\x0f\0\0\0\xd7\x0a\x09DU1234567\
            \0\0\0\x04\0\0\x01\x06";
        assert_eq!(bytes, expected);
    }

    #[test]
    fn written_frames_are_told_apart_and_named() {
        let mut bytes = Vec::new();
        push(&mut bytes, &NextValidId { order_id: Some(1) });
        push(&mut bytes, &PositionEnd {});
        bytes.extend_from_slice(b"\0\0\0\x059\x001\x007\0\0\0\x09torn");
        let ids: Vec<_> = frames(&bytes).map(|frame| frame_id(frame).unwrap()).collect();
        assert_eq!(ids, [9, 62, 9], "the torn one is left out");
    }

    #[tokio::test]
    async fn a_hello_names_the_versions_of_the_client() {
        let mut hello: &[u8] = b"API\0\0\0\0\x09v213..226";
        let read = read_hello(&mut hello).await.unwrap();
        assert_eq!(read, Hello { lowest: 213, highest: 226 });
        assert_eq!(parse_hello(b"v178 +PACEAPI"), Some(Hello { lowest: 178, highest: 178 }));
        for nonsense in ["", "v", "v9..8", "213..226", "v1..x", "v-"] {
            assert_eq!(parse_hello(nonsense.as_bytes()), None, "{nonsense:?}");
        }
    }

    #[tokio::test]
    async fn a_frame_is_read_and_a_clean_end_is_not_an_error() {
        let mut bytes: &[u8] = &[0, 0, 0, 6, 0, 0, 1, 15, 8, 31];
        let frame = read_frame(&mut bytes, &Codec::Protobuf).await.unwrap().unwrap();
        assert_eq!(frame, Frame { id: 71, payload: vec![8, 31] });
        assert!(read_frame(&mut bytes, &Codec::Protobuf).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn nonsense_lengths_and_text_frames_are_refused() {
        let mut long: &[u8] = &[1, 0, 0, 0, 0, 0, 1, 15];
        assert!(matches!(
            read_frame(&mut long, &Codec::Protobuf).await,
            Err(WireError::Length(0x0100_0000))
        ));
        let mut short: &[u8] = &[0, 0, 0, 3, 1, 2, 3];
        assert!(matches!(
            read_frame(&mut short, &Codec::Protobuf).await,
            Err(WireError::Length(3))
        ));
        let mut text: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 49];
        assert!(matches!(
            read_frame(&mut text, &Codec::Protobuf).await,
            Err(WireError::NotProtobuf(49))
        ));
        let mut half: &[u8] = &[0, 0, 0, 6, 0, 0, 1];
        assert!(matches!(read_frame(&mut half, &Codec::Protobuf).await, Err(WireError::Io(_))));
    }
}
