//! The accept loop: bounded connections, bounded buffers, and an end in good order.
//!
//! Ours rather than the framework's because slow clients are the normal case here: thousands of loggers on bad radio
//! may hold a connection each, so what one costs has to be known. HTTP/1 only; HTTP/2 arrives through a proxy or with
//! TLS.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use super::origin::Origin;
use super::tls::{Tls, begins_handshake};
use crate::network::Network;

/// Connections at once, twice the 5 000 slow uploads it is built for, of which each holds some 55 KiB (`cargo xtask soak
/// slow-uploads`); the next ones wait in the kernel's queue.
const CONNECTIONS_MAX: usize = 10_000;
/// Head of a request and read buffer of a body alike.
const BUFFER_BYTES_MAX: usize = 16 * 1024;
/// A phone at the edge of coverage gets its head across in this time; also how long an idle connection is kept.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// After an answer that came before the body was read, what the sender still has on its way is taken and dropped for
/// this long; closing at once would reset the connection and the sender might never see the answer.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Requests in progress get this long to finish when the server stops.
const DRAIN: Duration = Duration::from_secs(10);
/// Out of file descriptors: some connection has to end first.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What a connection is to the server.
#[derive(Clone)]
pub struct Edge {
    pub router: Router,
    /// Without it the server speaks plain HTTP.
    pub tls: Option<Tls>,
    pub trusted_proxies: Arc<[Network]>,
}

/// Serves until `stop`, then lets requests in progress finish, for ten seconds at most.
pub async fn serve(listener: TcpListener, edge: Edge, stop: CancellationToken) {
    let connections = TaskTracker::new();
    let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let cut = CancellationToken::new();
    while let Some((stream, peer, permit)) = next(&listener, &permits, &stop).await {
        // In a box of its own, as is everything below that is large and not needed all the time: a task has room for the
        // largest of all that it may ever do, and keeps it for as long as its slowest request takes.
        let mut connection = Box::pin(greet(stream, peer, edge.clone(), stop.clone()));
        let cut = cut.clone();
        connections.spawn(async move {
            tokio::select! {
                () = &mut connection => {}
                () = cut.cancelled() => {}
            }
            drop(permit);
        });
    }
    drop(listener);
    connections.close();
    if tokio::time::timeout(DRAIN, connections.wait()).await.is_err() {
        tracing::warn!(
            connections = connections.len(),
            "ending connections that did not finish in time"
        );
        cut.cancel();
        connections.wait().await;
    }
}

/// The next connection with its place among the allowed ones; `None` once the server stops.
async fn next(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
    stop: &CancellationToken,
) -> Option<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return None,
            accepted = async {
                let permit = permits.clone().acquire_owned().await.map_err(io::Error::other)?;
                let (stream, peer) = listener.accept().await?;
                io::Result::Ok((stream, peer, permit))
            } => accepted,
        };
        match accepted {
            Ok(connection) => return Some(connection),
            Err(error) => {
                tracing::warn!(%error, "accepting a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// One connection from its first byte to its end, encrypted or not.
async fn greet(stream: TcpStream, peer: SocketAddr, edge: Edge, stop: CancellationToken) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "the connection was gone at once");
        return;
    }
    let Some(tls) = edge.tls.clone() else {
        return converse(stream, peer, false, edge, stop).await;
    };
    let greeting = Box::pin(async {
        if begins_handshake(&stream).await? {
            return Ok(Greeted::Encrypted(Box::new(tls.accept(stream).await?)));
        }
        io::Result::Ok(Greeted::Plain(stream))
    });
    let greeted = tokio::select! {
        greeted = tokio::time::timeout(HEAD_TIMEOUT, greeting) => greeted,
        () = stop.cancelled() => return,
    };
    match greeted {
        Ok(Ok(Greeted::Encrypted(stream))) => Box::pin(converse(*stream, peer, true, edge, stop)).await,
        Ok(Ok(Greeted::Plain(stream))) => converse(stream, peer, false, edge, stop).await,
        Ok(Err(error)) => tracing::debug!(%error, %peer, "no handshake"),
        Err(_) => tracing::debug!(%peer, "no handshake in time"),
    }
}

/// How a connection began on a server that has a certificate.
enum Greeted {
    Encrypted(Box<TlsStream<TcpStream>>),
    Plain(TcpStream),
}

/// The requests of one connection.
async fn converse<S>(stream: S, peer: SocketAddr, encrypted: bool, edge: Edge, stop: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request: Request<Incoming>| answer(&edge, request, peer, encrypted));
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(BUFFER_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut stopping = pin!(stop.cancelled());
    let mut told = false;
    let ended = loop {
        tokio::select! {
            ended = poll_fn(|cx| connection.poll_without_shutdown(cx)) => break ended,
            () = &mut stopping, if !told => {
                told = true;
                Pin::new(&mut connection).graceful_shutdown();
            }
        }
    };
    if let Err(error) = ended {
        // Half-sent requests and closed laptops; the request's own line in the log says what came of it.
        tracing::debug!(%error, %peer, "connection ended");
    }
    let stream = connection.into_parts().io.into_inner();
    Box::pin(linger(stream)).await;
}

type Answer = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

fn answer(edge: &Edge, request: Request<Incoming>, peer: SocketAddr, encrypted: bool) -> Answer {
    let mut request = request.map(Body::new);
    let origin = Origin::of(peer.ip(), encrypted, request.headers(), &edge.trusted_proxies);
    request.extensions_mut().insert(origin);
    Box::pin(edge.router.clone().oneshot(request))
}

/// Says "no more from us" and takes what is still on its way.
async fn linger(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    if stream.shutdown().await.is_err() {
        return;
    }
    let mut scrap = [0; 4096];
    let mut taken = 0;
    let drain = async {
        while taken < LINGER_BYTES_MAX {
            match stream.read(&mut scrap).await {
                Ok(0) | Err(_) => break,
                Ok(count) => taken += count,
            }
        }
    };
    // Whether they stopped sending or the time is over, the connection ends now.
    drop(tokio::time::timeout(LINGER, drain).await);
}
