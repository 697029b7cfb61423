//! A node's answers over HTTP: to followers, operators and whoever brings commands.
//!
//! [`ask`] reads questions, `desk` answers them, [`recent`] keeps what recent blocks caused. The
//! limits are those of `lockstep_client::limits`, so that clients know them. Invariants: bytes,
//! connections, answers under way and the time of each are bounded; a bad request is answered with
//! the field that is wrong and the limit that it exceeds; nothing here changes the chain but
//! commands, which come in by the same door as all others. Deliberately absent: TLS and who may
//! ask; a node listens on the loopback address unless told otherwise, and whoever opens it to the
//! world puts a proxy before it.

pub mod ask;
mod desk;
mod paced;
pub mod recent;
#[cfg(test)]
mod tests;

pub use desk::{Desk, Parts};

use ask::Refused;
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use lockstep_client::limits::{
    CONNECTION_TIME_MAX, CONNECTIONS_MAX, HEAD_BYTES_MAX, HEAD_TIME_MAX, REQUEST_TIME_MAX,
};
use paced::Paced;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// How long no connection is taken after the operating system refused one.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What an answer is made of.
pub(crate) enum Answer {
    /// JSON.
    Json(Vec<u8>),
    /// Text.
    Text(String),
    /// Bytes in an encoding of ours; the leave to hold them ends when they have been sent.
    Bytes(Bytes, Option<OwnedSemaphorePermit>),
}

/// An answer on its way, and the leave to hold it.
struct Held {
    bytes: Full<Bytes>,
    _leave: Option<OwnedSemaphorePermit>,
}

impl Body for Held {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Pin::new(&mut self.bytes).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.bytes.size_hint()
    }
}

/// Answers until the process ends.
pub(crate) async fn serve(listener: TcpListener, desk: Arc<Desk>) {
    let connections = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        // The semaphore is never closed.
        let Ok(leave) = Arc::clone(&connections).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let desk = Arc::clone(&desk);
                tokio::spawn(async move {
                    // However it ends, the connection is closed.
                    let _ = timeout(CONNECTION_TIME_MAX, connection(stream, desk)).await;
                    drop(leave);
                });
            }
            // Too many open files, or the peer is gone already.
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

async fn connection(stream: TcpStream, desk: Arc<Desk>) -> Result<(), hyper::Error> {
    let service = service_fn(move |request| {
        let desk = Arc::clone(&desk);
        async move { Ok::<_, Infallible>(respond(&desk, request).await) }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(Paced::new(stream)), service)
        .await
}

async fn respond(desk: &Desk, request: Request<Incoming>) -> Response<Held> {
    let (parts, body) = request.into_parts();
    let answered = async {
        let ask = ask::read(&parts.method, parts.uri.path(), parts.uri.query())?;
        desk.answer(ask, body).await
    };
    let late = || {
        let limit = u64::try_from(REQUEST_TIME_MAX.as_millis()).unwrap_or(u64::MAX);
        let why = format!("the node was too busy to answer within {limit} ms");
        Err(Refused::beyond(StatusCode::SERVICE_UNAVAILABLE, "time_ms", limit, why))
    };
    let answer = timeout(REQUEST_TIME_MAX, answered).await.unwrap_or_else(|_| late());
    let (status, kind, bytes, leave) = match answer {
        Ok(Answer::Json(json)) => (StatusCode::OK, "application/json", json.into(), None),
        Ok(Answer::Text(text)) => (StatusCode::OK, "text/plain; version=0.0.4", text.into(), None),
        Ok(Answer::Bytes(bytes, leave)) => {
            (StatusCode::OK, "application/octet-stream", bytes, leave)
        }
        Err(refused) => {
            let json = serde_json::to_vec(&refused.complaint).unwrap_or_default();
            (refused.status, "application/json", json.into(), None)
        }
    };
    let mut response = Response::new(Held { bytes: Full::new(bytes), _leave: leave });
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
