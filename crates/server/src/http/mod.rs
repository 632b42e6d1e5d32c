//! HTTP: the edge that turns requests into calls and their outcomes into answers.
//!
//! One module a noun, one function a verb; a handler reads extract → authorise → limit → do → respond. Who asks is an
//! extractor (`identity`), what goes wrong is one envelope (`error`), so no handler can forget either. It keeps no
//! rows and no files: those are `store` and `ingest`.

mod api_tokens;
#[allow(
    unused_qualifications,
    reason = "utoipa's macro writes the path of a parameter type out"
)]
mod audit;
mod body;
mod causes;
mod claims;
mod device;
mod devices;
mod devices_admin;
mod error;
mod fleet;
mod guesses;
mod health;
mod heartbeats;
mod identity;
mod ingest_keys;
mod invitations;
mod keyed;
pub mod listen;
mod log;
mod me;
mod openapi;
mod origin;
mod pictures;
mod receipts;
mod recordings;
mod sessions;
mod setup;
mod shares;
mod sign_in;
mod teams;
pub mod tls;
mod tracks;
#[allow(
    unused_qualifications,
    reason = "utoipa's macro writes the path of a parameter type out"
)]
pub mod upload;
mod uploads;
#[allow(
    unused_qualifications,
    reason = "utoipa's macro writes the path of a parameter type out"
)]
mod ways_in;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tower::ServiceBuilder;
use tower_http::csrf::{CsrfLayer, ProtectionError};
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::set_header::SetResponseHeaderLayer;

use crate::auth::forgotten::Forgotten;
use crate::auth::limits::LoginLimits;
use crate::auth::password::Passwords;
use crate::auth::rates::{AuthFailures, IngestRate};
use crate::auth::sso::{Sso, SsoError};
use crate::backend::Backend;
use crate::config::{Config, PublicUrl};
use crate::ingest::Ingest;
use crate::jobs::Jobs;
use crate::objects::Objects;
use crate::receipts::Receipts;
use crate::store::Store;
use crate::store::desired_versions::DesiredVersions;
use crate::store::device_tokens::DeviceTokens;
use crate::store::devices_state_seen::Seen;
use crate::store::quota::Quota;
use crate::store::uptime_intake::Intake;
use crate::uploads::Uploads;
use crate::web::Site;
use devices::sync::Listeners;
use error::ApiError;
pub use openapi::openapi;
use origin::Plain;

/// Charts that are read at once; each takes a core for some milliseconds and holds one row group of its columns.
const CHARTS_AT_ONCE: usize = 4;

/// What handlers are given.
pub struct App {
    store: Store,
    objects: Arc<Objects>,
    ingest: Ingest,
    jobs: Jobs,
    receipts: Receipts,
    device_tokens: DeviceTokens,
    intake: Intake,
    seen: Seen,
    desired_versions: DesiredVersions,
    uploads: Arc<Uploads>,
    passwords: Passwords,
    login_limits: LoginLimits,
    ingest_rate: IngestRate,
    auth_failures: AuthFailures,
    quota: Quota,
    listeners: Listeners,
    forgotten: Option<Forgotten>,
    sso: Option<Sso>,
    chart_permits: Arc<Semaphore>,
    site: Site,
    public_url: PublicUrl,
    /// Whether the operator said it, or it is made of the address that is listened on.
    public_url_is_given: bool,
    plain: Plain,
    upload_max_bytes: u64,
    /// Cancelled when the server begins to stop: what would go on for long ends.
    stopping: CancellationToken,
}

impl App {
    /// Needs a Tokio runtime.
    pub fn new(
        backend: &Backend,
        public_url: PublicUrl,
        config: &Config,
        stopping: CancellationToken,
    ) -> Result<Self, SsoError> {
        let plain = if !public_url.is_https() || config.allow_plain_ingest {
            Plain::Taken
        } else if config.tls_cert.is_some() {
            Plain::Redirected
        } else {
            Plain::ChangesRefused
        };
        let steady = backend.steady.clone();
        let forgotten = config
            .mail
            .mailer()
            .map(|mailer| Forgotten::start(backend.store.clone(), mailer, public_url.clone()));
        Ok(Self {
            store: backend.store.clone(),
            objects: backend.objects.clone(),
            ingest: backend.ingest.clone(),
            jobs: backend.jobs.clone(),
            receipts: backend.receipts.clone(),
            device_tokens: DeviceTokens::start(backend.store.clone()),
            intake: Intake::start(backend.store.clone()),
            seen: Seen::start(backend.store.clone()),
            desired_versions: DesiredVersions::of(backend.store.clone()),
            uploads: backend.uploads.clone(),
            passwords: Passwords::default(),
            login_limits: LoginLimits::new(steady.clone()),
            ingest_rate: IngestRate::per_second(config.ingest_per_device_rate, steady.clone()),
            auth_failures: AuthFailures::new(steady),
            quota: backend.quota,
            listeners: Listeners::default(),
            forgotten,
            sso: Sso::new(&config.sso, &public_url)?,
            chart_permits: Arc::new(Semaphore::new(CHARTS_AT_ONCE)),
            site: Site::embedded(),
            public_url,
            public_url_is_given: config.public_url.is_some(),
            plain,
            upload_max_bytes: config.upload_max_bytes,
            stopping,
        })
    }
}

/// Every route with what surrounds it: request ids and log lines outermost, then headers, then the check against
/// requests that other sites make with our cookie.
pub fn router(app: App) -> Router {
    let app = Arc::new(app);
    let fixed = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
    };
    let surround = ServiceBuilder::new()
        .layer(axum::middleware::map_request(without_foreign_id))
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
        .layer(axum::middleware::from_fn(log::request))
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(SetResponseHeaderLayer::if_not_present(
            header::CONTENT_SECURITY_POLICY,
            app.site.policy(),
        ))
        .layer(fixed(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(fixed(header::REFERRER_POLICY, "no-referrer"))
        // What the API answers is for who asked, now; files of the portal say otherwise themselves.
        .layer(fixed(header::CACHE_CONTROL, "no-store"))
        .layer(axum::middleware::from_fn_with_state(
            app.clone(),
            origin::encrypted_only,
        ))
        .layer(axum::middleware::from_fn_with_state(
            app.clone(),
            guesses::bounded,
        ))
        .layer(same_site_only(&app.public_url))
        .layer(axum::middleware::from_fn(keyed::ingest_only));
    let routes = openapi::routes()
        .split_for_parts()
        .0
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(portal)
        .with_state(app)
        .layer(surround);
    // A key that stands in the path and a method that stands in a header have to be known before a route is looked for.
    Router::new()
        .fallback_service(routes)
        .layer(axum::middleware::from_fn(uploads::speak))
        .layer(axum::middleware::from_fn(keyed::take))
}

/// Browsers say where a request comes from (`Sec-Fetch-Site`, `Origin`); one that changes something and comes from
/// another site is refused. Devices and scripts say nothing and bring no cookie.
fn same_site_only(public_url: &PublicUrl) -> CsrfLayer<impl Fn(ProtectionError) -> Response + Clone + use<>> {
    let layer = CsrfLayer::new();
    // A proxy in front may have changed the Host that the origin is compared with.
    let layer = layer
        .clone()
        .add_trusted_origin(public_url.as_str())
        .unwrap_or(layer);
    layer.with_rejection_response(|_: ProtectionError| {
        ApiError::forbidden(
            "cross_site",
            "Requests from other sites may not change anything here.",
        )
        .closing()
        .into_response()
    })
}

/// The id in the log is ours; a client's could be long or misleading.
async fn without_foreign_id(mut request: Request) -> Request {
    request.headers_mut().remove("x-request-id");
    request
}

async fn portal(State(app): State<Arc<App>>, request: Request) -> Response {
    let path = request.uri().path();
    if path == "/api" || path.starts_with("/api/") {
        return ApiError::not_found("address; /api/v1/openapi.json lists those there are").into_response();
    }
    app.site.serve(request.method(), request.uri(), request.headers())
}

async fn method_not_allowed() -> ApiError {
    ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "This address does not take this method; /api/v1/openapi.json lists what it takes.",
    )
    .closing()
}
