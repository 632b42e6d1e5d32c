//! How the errors of the layers below read at the edge.

use super::error::ApiError;
use crate::auth::password::PasswordError;
use crate::store::StoreError;
use crate::store::accounts::AccountError;

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::DiskFull => Self::storage_full(),
            StoreError::Closed => {
                Self::unavailable("shutting_down", "The server is shutting down; try again soon.")
            }
            StoreError::NotRun => Self::unavailable("database_busy", error.to_string()),
            StoreError::Constraint(_)
            | StoreError::NotDurable { .. }
            | StoreError::RoleTooPowerful { .. }
            | StoreError::NewerSchema { .. }
            | StoreError::Commit(_)
            | StoreError::Panicked
            | StoreError::Database(_) => Self::internal(&error),
        }
    }
}

impl From<AccountError> for ApiError {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::BadEmail(_) => Self::unprocessable("bad_email", error.to_string()),
            AccountError::LinkInvalid => Self::forbidden("link_invalid", error.to_string()),
            AccountError::EmailTaken
            | AccountError::DeviceIdTaken
            | AccountError::NoTeam
            | AccountError::SeveralTeams => Self::unprocessable("bad_account", error.to_string()),
            AccountError::BadName => Self::unprocessable("bad_name", error.to_string()),
            AccountError::NoSuchUser(_) => Self::not_found("user"),
            AccountError::NoSuchDevice => Self::not_found("device"),
            AccountError::NoSuchTeam => Self::not_found("team that you own"),
            AccountError::NoSuchMember => Self::not_found("member of this team"),
            AccountError::NoSuchToken => Self::not_found("token of yours"),
            AccountError::NoSuchShare => Self::not_found("share"),
            AccountError::NoSuchIngestKey => Self::not_found("ingest key"),
            AccountError::SeveralDevices(_) => Self::unprocessable("several_devices", error.to_string()),
            AccountError::NoSuchInvitation => Self::not_found("invitation"),
            AccountError::AlreadyMember => Self::conflict("already_member", error.to_string()),
            AccountError::LastOwner => Self::conflict("last_owner", error.to_string()),
            AccountError::InvitationInvalid => Self::forbidden("invitation_invalid", error.to_string()),
            AccountError::CodeInvalid => Self::forbidden("code_invalid", error.to_string()),
            AccountError::TooMany { .. } => Self::conflict("too_many", error.to_string()),
            AccountError::Store(error) => error.into(),
        }
    }
}

impl From<PasswordError> for ApiError {
    fn from(error: PasswordError) -> Self {
        match &error {
            PasswordError::TooShort | PasswordError::TooLong => {
                Self::unprocessable("bad_password", error.to_string())
            }
            PasswordError::Hash(_) | PasswordError::Cancelled(_) => Self::internal(&error),
        }
    }
}
