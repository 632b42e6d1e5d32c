//! Who is signed in.

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

use super::error::ErrorBody;
use super::identity::Person;
use crate::store::accounts::Role;

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Me {
    pub email: String,
    pub role: Role,
}

/// The signed-in person.
#[utoipa::path(get, path = "/api/v1/me", operation_id = "me", tag = "accounts", security(("cookie" = [])),
    responses((status = 200, body = Me), (status = 401, body = ErrorBody)))]
pub(super) async fn show(Person(member): Person) -> Json<Me> {
    Json(Me {
        email: member.email,
        role: member.role,
    })
}
