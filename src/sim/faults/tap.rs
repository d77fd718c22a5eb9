//! A reader that breaks after so many bytes.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, ReadBuf};

/// Bytes read at once of a connection that will be reset.
const CHUNK: usize = 1024;

/// Reads of a connection until its allowance is used up.
#[derive(Debug)]
pub struct Tap<R> {
    inner: R,
    /// Bytes that may still be read; `None` for any number.
    left: Option<u64>,
}

impl<R> Tap<R> {
    pub fn new(inner: R, left: Option<u64>) -> Self {
        Self { inner, left }
    }

    pub fn inner(&self) -> &R {
        &self.inner
    }

    /// Whether the allowance is used up, so that the connection is to be reset.
    pub fn is_dry(&self) -> bool {
        self.left == Some(0)
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Tap<R> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let Some(left) = this.left else { return Pin::new(&mut this.inner).poll_read(cx, buffer) };
        if left == 0 {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let mut chunk = [0; CHUNK];
        let most = usize::try_from(left).unwrap_or(CHUNK).min(buffer.remaining()).min(CHUNK);
        let mut part = ReadBuf::new(&mut chunk[..most]);
        let polled = Pin::new(&mut this.inner).poll_read(cx, &mut part);
        let read = part.filled();
        buffer.put_slice(read);
        this.left = Some(left.saturating_sub(u64::try_from(read.len()).unwrap_or(u64::MAX)));
        polled
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;

    use super::*;

    #[tokio::test]
    async fn exactly_so_many_bytes_are_read() {
        let mut tap = Tap::new(&b"API\0hello"[..], Some(4));
        let mut read = [0; 4];
        tap.read_exact(&mut read).await.unwrap();
        assert_eq!(&read, b"API\0");
        assert!(tap.is_dry());
        let error = tap.read_u8().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    }

    #[tokio::test]
    async fn without_an_allowance_everything_is_read() {
        let mut tap = Tap::new(&b"hello"[..], None);
        let mut read = Vec::new();
        tap.read_to_end(&mut read).await.unwrap();
        assert_eq!(read, b"hello");
    }
}
