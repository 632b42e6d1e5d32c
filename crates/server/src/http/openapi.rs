//! The API's document, made of the same routes that are served.

use std::sync::Arc;

use axum::Json;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::schema::Schema;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Content, Ref, RefOr, ResponseBuilder};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{
    App, api_tokens, audit, claims, device, devices, devices_admin, health, heartbeats, ingest_keys,
    invitations, me, pictures, receipts, recordings, sessions, setup, shares, sign_in, teams, tracks, upload,
    uploads, ways_in,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Fieldpost",
        description = "Recordings in, laps out. Times end in their unit; what is not known is null. Every answer that is \
                       not 2xx has the body `{\"error\": {\"code\", \"message\", \"line\"?}}`. People are known by the \
                       cookie that signing in sets (`__Host-fieldpost` over https), devices by a bearer token; a device sees only its own recordings. \
                       A person's token (`fpp_…`, as a bearer token) does what the cookie does for a member or viewer, \
                       except under `/api/v1/me/`. What devices send may also go to `/i/<ingest key>/…`, without a header; \
                       where the key is a fleet's, the request names the device. A share token (`fps_…`) reads one session."
    ),
    components(schemas(upload::FilesAnswer, upload::FileAnswer, upload::FileRefused, upload::JsonUpload)),
    security(("cookie" = []), ("device" = []), ("person" = [])),
    modifiers(&Schemes)
)]
struct Document;

struct Schemes;

impl Modify for Schemes {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let cookie = SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new("fieldpost")));
        components.add_security_scheme("cookie", cookie);
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        components.add_security_scheme("share", SecurityScheme::Http(bearer.clone()));
        components.add_security_scheme("person", SecurityScheme::Http(bearer.clone()));
        components.add_security_scheme("device", SecurityScheme::Http(bearer));
    }
}

/// Answers write what is unknown as `null` and leave nothing out, so every member is there. The derive macro cannot
/// know that of an `Option`; those that are left out, and what is sent to us, are named here.
fn require_members(document: &mut utoipa::openapi::OpenApi) {
    const MAY_LACK_MEMBERS: [&str; 19] = [
        "AcceptRequest",
        "AckRequest",
        "ApiTokenRequest",
        "CommandEnded",
        "CommandRequest",
        "CourseWish",
        "DesiredRequest",
        "ErrorDetail",
        "FilesAnswer",
        "FormUpload",
        "HeartbeatBody",
        "HeartbeatsAnswer",
        "IngestKeyRequest",
        "JsonUpload",
        "NetworkWish",
        "NetworksWish",
        "PingAnswer",
        "ReanalyseRequest",
        "ShareRequest",
    ];
    let components = document.components.get_or_insert_default();
    for (name, schema) in &mut components.schemas {
        if !MAY_LACK_MEMBERS.contains(&name.as_str()) {
            require_all(schema);
        }
    }
}

/// Any operation can refuse (a body that is none, a wrong content type, a disk that is full, a stranger), and every refusal has
/// one shape; those that an operation names are the ones its callers act on.
fn name_refusals(document: &mut utoipa::openapi::OpenApi) {
    let refusal = ResponseBuilder::new()
        .description("Any other refusal: `error.code` is stable, `error.message` says cause and remedy.")
        .content(
            "application/json",
            Content::new(Some(Ref::from_schema_name("ErrorBody"))),
        )
        .build();
    for item in document.paths.paths.values_mut() {
        for operation in operations(item) {
            let responses = &mut operation.responses.responses;
            responses.insert("default".to_owned(), RefOr::T(refusal.clone()));
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem {
        get,
        put,
        post,
        delete,
        options,
        head,
        patch,
        trace,
        ..
    } = item;
    [get, put, post, delete, options, head, patch, trace]
        .into_iter()
        .flatten()
}

fn require_all(schema: &mut RefOr<Schema>) {
    match schema {
        RefOr::T(Schema::Object(object)) => {
            object.required = object.properties.keys().cloned().collect();
        }
        RefOr::T(Schema::AllOf(parts)) => parts.items.iter_mut().for_each(require_all),
        RefOr::T(_) | RefOr::Ref(_) => {}
    }
}

/// Every route of the API with its part of the document.
pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    let mut router = OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(upload::upload))
        .routes(routes!(upload::picture::upload))
        .routes(routes!(uploads::options::collection, uploads::create::create))
        .routes(routes!(
            uploads::options::one,
            uploads::head::head,
            uploads::patch::patch,
            uploads::delete::delete
        ))
        .routes(routes!(setup::show, setup::complete))
        .routes(routes!(sign_in::login))
        .routes(routes!(sign_in::link))
        .routes(routes!(sign_in::logout))
        .routes(routes!(ways_in::show))
        .routes(routes!(ways_in::reset::forgot))
        .routes(routes!(ways_in::reset::reset))
        .routes(routes!(ways_in::sso::start))
        .routes(routes!(ways_in::sso::callback))
        .routes(routes!(me::show))
        .routes(routes!(sessions::list::list))
        .routes(routes!(sessions::show::show))
        .routes(routes!(sessions::laps::laps))
        .routes(routes!(sessions::channels::channels))
        .routes(routes!(sessions::channel_data::data))
        .routes(routes!(sessions::reanalyse::reanalyse))
        .routes(routes!(pictures::list::list))
        .routes(routes!(pictures::show::show))
        .routes(routes!(pictures::thumbnail::thumbnail))
        .routes(routes!(recordings::raw))
        .routes(routes!(devices_admin::add))
        .routes(routes!(devices_admin::rename, devices_admin::revoke))
        .routes(routes!(devices_admin::renew_token))
        .routes(routes!(devices_admin::transfer))
        .routes(routes!(ingest_keys::list, ingest_keys::make))
        .routes(routes!(ingest_keys::revoke))
        .routes(routes!(ingest_keys::adopt))
        .routes(routes!(claims::make))
        .routes(routes!(claims::claim))
        .routes(routes!(teams::show, teams::rename))
        .routes(routes!(teams::change_role, teams::remove))
        .routes(routes!(invitations::list, invitations::invite))
        .routes(routes!(invitations::withdraw))
        .routes(routes!(invitations::look))
        .routes(routes!(invitations::accept))
        .routes(routes!(me::teams))
        .routes(routes!(me::act_for))
        .routes(routes!(me::change_password))
        .routes(routes!(api_tokens::list, api_tokens::make))
        .routes(routes!(api_tokens::revoke))
        .routes(routes!(shares::share, shares::list))
        .routes(routes!(shares::revoke))
        .routes(routes!(shares::shared))
        .routes(routes!(audit::list))
        .routes(routes!(receipts::of_recording))
        .routes(routes!(receipts::confirm))
        .routes(routes!(receipts::well_known))
        .routes(routes!(heartbeats::ingest))
        .routes(routes!(heartbeats::send))
        .routes(routes!(device::ping::ping))
        .routes(routes!(device::active_track::active_track))
        .routes(routes!(device::desired::show))
        .routes(routes!(device::desired::ack))
        .routes(routes!(devices::list::list))
        .routes(routes!(devices::show::show))
        .routes(routes!(devices::uptime::uptime))
        .routes(routes!(devices::desired::show, devices::desired::change))
        .routes(routes!(devices::desired::command))
        .routes(routes!(devices::sync::sync))
        .routes(routes!(tracks::list))
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(document));
    let document = router.get_openapi_mut();
    require_members(document);
    name_refusals(document);
    router
}

/// The API's document as the server would serve it.
pub fn openapi() -> utoipa::openapi::OpenApi {
    routes().into_openapi()
}

/// This document. Public.
#[utoipa::path(get, path = "/api/v1/openapi.json", operation_id = "openapi", tag = "health", security(()),
    responses((status = 200, description = "OpenAPI 3.1", content_type = "application/json")))]
async fn document() -> Json<utoipa::openapi::OpenApi> {
    Json(openapi())
}
