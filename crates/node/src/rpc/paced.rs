//! A connection whose other end must take what it asked for.
//!
//! Invariant: while something waits to be written, [`STEP_BYTES`] go out in every
//! [`WRITE_TIME_MAX`], or the connection breaks; so nobody holds a long answer, of which there are
//! few at a time, by not reading it. Deliberately absent: limits on reading, which `hyper` has.

use lockstep_client::limits::WRITE_TIME_MAX;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// Bytes that must go out in time.
const STEP_BYTES: usize = 64 * 1024;

/// A stream that does not wait for ever.
pub(super) struct Paced<S> {
    stream: S,
    /// Bytes since the time began to run.
    written: usize,
    deadline: Option<Pin<Box<Sleep>>>,
}

impl<S> Paced<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, written: 0, deadline: None }
    }

    fn rest(&mut self) {
        (self.written, self.deadline) = (0, None);
    }

    /// What writing came to, or an error when it has taken too long.
    fn judge(
        &mut self,
        context: &mut Context<'_>,
        outcome: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match outcome {
            Poll::Ready(Ok(count)) => {
                self.written = self.written.saturating_add(count);
                if self.written >= STEP_BYTES {
                    self.rest();
                }
            }
            Poll::Ready(Err(_)) => {}
            Poll::Pending => {
                let deadline = self.deadline.get_or_insert_with(|| Box::pin(sleep(WRITE_TIME_MAX)));
                if deadline.as_mut().poll(context).is_ready() {
                    return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
                }
            }
        }
        outcome
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        to: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = to.filled().len();
        let outcome = Pin::new(&mut self.stream).poll_read(context, to);
        if to.filled().len() > before {
            // It has taken one answer and asks for the next.
            self.rest();
        }
        outcome
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.judge(context, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.judge(context, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
