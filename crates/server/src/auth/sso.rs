//! Signing in through another service: OpenID Connect's code flow with PKCE.
//!
//! What has to be remembered between leaving and coming back ([`Flight`]) travels in a cookie of the browser that left, so
//! any process of the server can take it up. The service's own settings are asked for when first needed and again after
//! an hour; nothing of it is needed to start.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreProviderMetadata};
use openidconnect::{
    AuthorizationCode, ClientId, ClientSecret, CsrfToken, HttpRequest, HttpResponse, IssuerUrl, Nonce,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, TokenResponse,
};
use tokio::sync::Mutex;

use crate::config::PublicUrl;
use crate::store::accounts::Email;

/// Where the other service sends people back to.
pub const CALLBACK: &str = "/api/v1/sso/callback";
/// A provider's keys are turned over in days.
const METADATA_LIFE: Duration = Duration::from_secs(60 * 60);
/// A service that is away is not asked for everybody who waits, one after the other.
const FAILURE_LIFE: Duration = Duration::from_secs(10);
/// What does not verify may have been signed by a key that is newer than what is known; asked again this often at most.
const DOUBT_AFTER: Duration = Duration::from_secs(60);
/// For each of the three requests; a person is waiting.
const PATIENCE: Duration = Duration::from_secs(10);
/// A discovery document has some 3 KiB, keys and tokens about as much.
const ANSWER_BYTES_MAX: u64 = 256 * 1024;

#[derive(Debug, Clone, Default, clap::Args)]
pub struct SsoConfig {
    /// The OpenID Connect service that people may sign in by: `https://id.example.org`. Its client's redirect URI is
    /// `<public URL>/api/v1/sso/callback`.
    #[arg(
        long,
        env = "FIELDPOST_OIDC_ISSUER",
        requires = "oidc_client_id",
        value_name = "URL"
    )]
    pub oidc_issuer: Option<String>,
    /// What this server is called there.
    #[arg(long, env = "FIELDPOST_OIDC_CLIENT_ID", value_name = "ID")]
    pub oidc_client_id: Option<String>,
    /// What it proves that with.
    #[arg(
        long,
        env = "FIELDPOST_OIDC_CLIENT_SECRET",
        hide_env_values = true,
        value_name = "SECRET"
    )]
    pub oidc_client_secret: Option<Secret>,
    /// A file that holds the secret.
    #[arg(
        long,
        env = "FIELDPOST_OIDC_CLIENT_SECRET_FILE",
        conflicts_with = "oidc_client_secret",
        value_name = "FILE",
        value_parser = secret_in_file
    )]
    pub oidc_client_secret_file: Option<Secret>,
    /// What people call it: "Continue with …".
    #[arg(
        long,
        env = "FIELDPOST_OIDC_NAME",
        default_value = "single sign-on",
        value_name = "NAME"
    )]
    pub oidc_name: String,
}

/// A setting that is not shown.
#[derive(Clone)]
pub struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

impl std::str::FromStr for Secret {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.trim().to_owned()))
    }
}

fn secret_in_file(path: &str) -> std::io::Result<Secret> {
    Ok(Secret(std::fs::read_to_string(path)?.trim().to_owned()))
}

/// What is remembered of a person who went to the other service.
#[derive(Clone)]
pub struct Flight {
    state: String,
    nonce: String,
    verifier: String,
}

impl Flight {
    /// As it travels in a cookie; each part is letters, digits, `-` and `_`.
    #[must_use]
    pub fn to_cookie(&self) -> String {
        format!("{}.{}.{}", self.state, self.nonce, self.verifier)
    }

    #[must_use]
    pub fn from_cookie(text: &str) -> Option<Self> {
        let mut parts = text.split('.').map(str::to_owned);
        let flight = Self {
            state: parts.next()?,
            nonce: parts.next()?,
            verifier: parts.next()?,
        };
        (parts.next().is_none() && !flight.state.is_empty()).then_some(flight)
    }

    /// Whether an answer belongs to this flight.
    #[must_use]
    pub fn expects(&self, state: &str) -> bool {
        self.state == state
    }
}

/// Who came back, as the other service says.
pub struct Vouched {
    pub issuer: String,
    pub subject: String,
    /// Only if the other service says that the address is theirs.
    pub verified: Option<Email>,
}

#[derive(Debug, thiserror::Error)]
pub enum SsoError {
    #[error("--oidc-issuer has to be an https URL, or http on this machine")]
    Issuer,
    #[error("the service cannot be reached or does not speak OpenID Connect: {0}")]
    Discovery(String),
    #[error("the service did not exchange the code: {0}")]
    Exchange(String),
    #[error("the service's answer does not verify: {0}")]
    Claims(String),
    #[error("a task of the sign-in broke off: {0}")]
    Task(#[from] tokio::task::JoinError),
}

/// What came of asking for the service's settings, and when.
struct Known {
    asked_at: Instant,
    answer: Result<Arc<CoreProviderMetadata>, String>,
}

impl Known {
    fn is_fresh(&self) -> bool {
        let life = if self.answer.is_ok() {
            METADATA_LIFE
        } else {
            FAILURE_LIFE
        };
        self.asked_at.elapsed() < life
    }
}

/// The other service.
pub struct Sso {
    issuer: IssuerUrl,
    client: ClientId,
    secret: Option<ClientSecret>,
    redirect: RedirectUrl,
    name: String,
    agent: ureq::Agent,
    known: Mutex<Option<Known>>,
}

impl Sso {
    /// `None` where no service is named.
    pub fn new(config: &SsoConfig, public_url: &PublicUrl) -> Result<Option<Self>, SsoError> {
        let (Some(issuer), Some(client)) = (&config.oidc_issuer, &config.oidc_client_id) else {
            return Ok(None);
        };
        let is_local = ["http://127.0.0.1:", "http://localhost:", "http://[::1]:"]
            .iter()
            .any(|local| issuer.starts_with(local));
        if !issuer.starts_with("https://") && !is_local {
            return Err(SsoError::Issuer);
        }
        let secret = config
            .oidc_client_secret
            .as_ref()
            .or(config.oidc_client_secret_file.as_ref());
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            .max_redirects(0)
            .http_status_as_error(false)
            .build();
        Ok(Some(Self {
            issuer: IssuerUrl::new(issuer.clone()).map_err(|_| SsoError::Issuer)?,
            client: ClientId::new(client.clone()),
            secret: secret.map(|secret| ClientSecret::new(secret.0.clone())),
            redirect: RedirectUrl::new(format!("{public_url}{CALLBACK}")).map_err(|_| SsoError::Issuer)?,
            name: config.oidc_name.clone(),
            agent: agent.into(),
            known: Mutex::new(None),
        }))
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where to send a person, and what to remember of them.
    pub async fn begin(&self) -> Result<(String, Flight), SsoError> {
        let metadata = self.metadata().await?;
        let client = CoreClient::from_provider_metadata(
            CoreProviderMetadata::clone(&metadata),
            self.client.clone(),
            self.secret.clone(),
        )
        .set_redirect_uri(self.redirect.clone());
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (url, state, nonce) = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                CsrfToken::new_random,
                Nonce::new_random,
            )
            .add_scope(Scope::new("email".to_owned()))
            .set_pkce_challenge(challenge)
            .url();
        let flight = Flight {
            state: state.into_secret(),
            nonce: nonce.secret().clone(),
            verifier: verifier.into_secret(),
        };
        Ok((url.to_string(), flight))
    }

    /// Exchanges the code that a person came back with; the caller has compared the state.
    pub async fn finish(&self, flight: Flight, code: String) -> Result<Vouched, SsoError> {
        let metadata = self.metadata().await?;
        let (id, secret, redirect) = (self.client.clone(), self.secret.clone(), self.redirect.clone());
        let agent = self.agent.clone();
        let finished = tokio::task::spawn_blocking(move || {
            let client =
                CoreClient::from_provider_metadata(CoreProviderMetadata::clone(&metadata), id, secret)
                    .set_redirect_uri(redirect);
            let http = |request| exchange(&agent, request);
            let tokens = client
                .exchange_code(AuthorizationCode::new(code))
                .map_err(|error| SsoError::Exchange(error.to_string()))?
                .set_pkce_verifier(PkceCodeVerifier::new(flight.verifier))
                .request(&http)
                .map_err(|error| SsoError::Exchange(error.to_string()))?;
            let id_token = tokens
                .id_token()
                .ok_or_else(|| SsoError::Claims("it has no ID token".to_owned()))?;
            let claims = id_token
                .claims(&client.id_token_verifier(), &Nonce::new(flight.nonce))
                .map_err(|error| SsoError::Claims(error.to_string()))?;
            let email = claims.email().filter(|_| claims.email_verified() == Some(true));
            Ok(Vouched {
                issuer: claims.issuer().as_str().to_owned(),
                subject: claims.subject().as_str().to_owned(),
                verified: email.and_then(|email| email.as_str().parse().ok()),
            })
        })
        .await?;
        if matches!(finished, Err(SsoError::Claims(_))) {
            self.doubt().await;
        }
        finished
    }

    async fn metadata(&self) -> Result<Arc<CoreProviderMetadata>, SsoError> {
        // Held while the service is asked: who comes meanwhile gets the same answer.
        let mut known = self.known.lock().await;
        if known.as_ref().is_none_or(|known| !known.is_fresh()) {
            let (issuer, agent) = (self.issuer.clone(), self.agent.clone());
            let asked = tokio::task::spawn_blocking(move || {
                CoreProviderMetadata::discover(&issuer, &|request| exchange(&agent, request))
            });
            let answer = asked.await?;
            *known = Some(Known {
                asked_at: Instant::now(),
                answer: answer.map(Arc::new).map_err(|error| error.to_string()),
            });
        }
        match known.as_ref().map(|known| known.answer.clone()) {
            Some(Ok(metadata)) => Ok(metadata),
            Some(Err(error)) => Err(SsoError::Discovery(error)),
            None => Err(SsoError::Discovery("it was not asked".to_owned())),
        }
    }

    /// Something did not verify: the next sign-in asks for the keys again, unless that was just done.
    async fn doubt(&self) {
        let mut known = self.known.lock().await;
        known.take_if(|known| known.asked_at.elapsed() >= DOUBT_AFTER);
    }
}

fn exchange(agent: &ureq::Agent, request: HttpRequest) -> Result<HttpResponse, ureq::Error> {
    let answer = if request.body().is_empty() {
        agent.run(request.map(|_| ()))?
    } else {
        agent.run(request)?
    };
    let (head, mut body) = answer.into_parts();
    let bytes = body.with_config().limit(ANSWER_BYTES_MAX).read_to_vec()?;
    Ok(HttpResponse::from_parts(head, bytes))
}
