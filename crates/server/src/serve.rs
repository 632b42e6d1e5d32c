//! The server as a whole: opened, listening, and ended in good order.

use std::io;
use std::net::SocketAddr;
use std::thread::available_parallelism;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::auth::admin::{self, AdminError};
use crate::auth::secret::Token;
use crate::auth::sso::SsoError;
use crate::backend::{Backend, OpenError};
use crate::config::{Config, PublicUrl};
use crate::http::listen::Edge;
use crate::http::tls::{Tls, TlsError};
use crate::http::{self, App};
use crate::store::{Store, StoreError, accounts, accounts_entry};

/// Analyses at once: each may take 300 MB and a core for itself.
const WORKERS_MAX: usize = 4;

#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("cannot listen on {addr}: {cause}; another program may have the port, --listen takes another")]
    Listen { addr: SocketAddr, cause: io::Error },
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error(transparent)]
    Sso(#[from] SsoError),
    #[error("cannot wait for the signal to stop: {0}")]
    Signal(io::Error),
    /// A mistake in the program ended it; a fresh start is the way to have all parts again.
    #[error("{0} ended without being asked to; the log says why, start the server again")]
    PartEnded(&'static str),
}

/// A server that listens. It goes on until [`Running::stop`] or, in [`run`], a signal.
pub struct Running {
    pub addr: SocketAddr,
    pub public_url: PublicUrl,
    /// Makes the first owner; only while there is none. Shown once, at start.
    pub setup_link: Option<String>,
    backend: Backend,
    stop: CancellationToken,
    serving: Part,
    working: Part,
    tending: Part,
}

/// A task that must not end before it is told to.
struct Part {
    task: JoinHandle<()>,
    /// Cancelled at the task's end, also by a panic.
    ended: CancellationToken,
}

impl Part {
    fn spawn(work: impl Future<Output = ()> + Send + 'static) -> Self {
        let ended = CancellationToken::new();
        let guard = ended.clone().drop_guard();
        let task = tokio::spawn(async move {
            let _guard = guard;
            work.await;
        });
        Self { task, ended }
    }
}

impl Running {
    /// Opens the data folder and listens. Needs a Tokio runtime.
    pub async fn start(config: &Config) -> Result<Self, ServeError> {
        // First, so that a taken port leaves no new folder behind.
        let bound = bind(config).await?;
        let backend = Backend::open(&config.place, config).await?;
        Self::start_bound(bound, backend, config).await
    }

    /// The same on a backend that is open already.
    pub async fn start_on(backend: Backend, config: &Config) -> Result<Self, ServeError> {
        Self::start_bound(bind(config).await?, backend, config).await
    }

    async fn start_bound(
        (listener, addr): (TcpListener, SocketAddr),
        backend: Backend,
        config: &Config,
    ) -> Result<Self, ServeError> {
        let tls = config
            .tls_cert
            .as_deref()
            .zip(config.tls_key.as_deref())
            .map(|(cert, key)| Tls::load(cert, key))
            .transpose()?;
        let public_url = config
            .public_url
            .clone()
            .unwrap_or_else(|| PublicUrl::of_listener(addr, tls.is_some()));
        let setup_link = fresh_setup_link(&backend.store, &public_url).await?;
        let stop = CancellationToken::new();
        let edge = Edge {
            router: http::router(App::new(&backend, public_url.clone(), config, stop.clone())?),
            tls,
            trusted_proxies: config.trusted_proxy.clone().into(),
        };
        let serving = Part::spawn(http::listen::serve(listener, edge, stop.clone()));
        let (jobs, stop_jobs) = (backend.jobs.clone(), stop.clone());
        let workers = available_parallelism().map_or(1, usize::from).min(WORKERS_MAX);
        let working = Part::spawn(async move { jobs.run(workers, stop_jobs).await });
        let (uploads, stop_tending) = (backend.uploads.clone(), stop.clone());
        let tending = Part::spawn(async move { uploads.keep_expiring(stop_tending).await });
        tracing::info!(%addr, %public_url, setup_needed = setup_link.is_some(), "listening");
        Ok(Self {
            addr,
            public_url,
            setup_link,
            backend,
            stop,
            serving,
            working,
            tending,
        })
    }

    pub fn store(&self) -> &Store {
        &self.backend.store
    }

    /// A link that signs `email` in once within the hour.
    pub async fn sign_in_link(&self, email: &str) -> Result<String, AdminError> {
        let token = admin::create_sign_in_link(self.store(), email).await?;
        Ok(format!("{}/link#{}", self.public_url, token.expose()))
    }

    /// Returns when a part that should run on has ended, and which.
    pub async fn part_ended(&self) -> ServeError {
        ServeError::PartEnded(tokio::select! {
            () = self.serving.ended.cancelled() => "the listener",
            () = self.working.ended.cancelled() => "the job runner",
            () = self.tending.ended.cancelled() => "the look for expired uploads",
            () = self.backend.store.ended() => "the database's writer",
        })
    }

    /// Takes no more connections, lets requests and analyses in progress finish within their bounds, and returns.
    pub async fn stop(self) {
        self.stop.cancel();
        for part in [self.serving, self.working, self.tending] {
            if let Err(error) = part.task.await {
                tracing::error!(%error, "a part of the server ended badly");
            }
        }
        self.backend.uploads.drain().await;
        self.backend.store.close().await;
        tracing::info!("stopped");
    }
}

async fn bind(config: &Config) -> Result<(TcpListener, SocketAddr), ServeError> {
    let cannot = |cause| ServeError::Listen {
        addr: config.listen,
        cause,
    };
    let listener = TcpListener::bind(config.listen).await.map_err(cannot)?;
    let addr = listener.local_addr().map_err(cannot)?;
    Ok((listener, addr))
}

/// Serves until Ctrl-C or SIGTERM, or until a part of the server ends by itself, which is an error. `announce` is called once the server listens, to show its address and the setup
/// link.
pub async fn run(config: &Config, announce: impl FnOnce(&Running)) -> Result<(), ServeError> {
    let running = Running::start(config).await?;
    announce(&running);
    let end = tokio::select! {
        signal = until_signalled() => signal,
        ended = running.part_ended() => Err(ended),
    };
    running.stop().await;
    end
}

/// Waits for Ctrl-C or SIGTERM.
pub async fn until_signalled() -> Result<(), ServeError> {
    signalled().await.map_err(ServeError::Signal)
}

#[cfg(unix)]
async fn signalled() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn signalled() -> io::Result<()> {
    tokio::signal::ctrl_c().await
}

/// While there is no owner, each start makes a new link and ends the one before.
async fn fresh_setup_link(store: &Store, public_url: &PublicUrl) -> Result<Option<String>, StoreError> {
    if !accounts::setup_needed(store).await? {
        return Ok(None);
    }
    let token = Token::generate();
    accounts_entry::replace_setup_link(store, token.digest()).await?;
    Ok(Some(format!("{public_url}/setup#{}", token.expose())))
}
