//! Ids as types, so that a tenant's id cannot be passed where a device's belongs. Stored as TEXT in both databases.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::sql::{Cell, IntoValue, Value};
use super::{StoreError, bad_row};

macro_rules! id {
    ($(#[$doc:meta] $name:ident),* $(,)?) => {$(
        #[$doc]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl IntoValue for $name {
            const NULL: Value = Value::Text(None);
            fn into_value(self) -> Value {
                Value::Text(Some(self.0.to_string()))
            }
        }

        impl Cell for $name {
            type Raw = String;
            fn from_raw(raw: String) -> Result<Self, StoreError> {
                raw.parse().map_err(|error| bad_row(format!("an id is {raw:?}: {error}")))
            }
        }
    )*};
}

id! {
    /// A team: the unit that sees only its own rows.
    TenantId,
    /// A person.
    UserId,
    /// A logger or camera that sends recordings.
    DeviceId,
    /// One stored version of one recording.
    RecordingId,
    /// The analysis of one recording.
    SessionId,
    /// A learned gate, kept for later recordings at the same place.
    TrackId,
    /// A person's token.
    ApiTokenId,
    /// A link to a session.
    ShareId,
    /// An invitation into a team.
    InvitationId,
    /// A key that stands in a path.
    IngestKeyId,
    /// A piece of background work.
    JobId,
    /// Something that a device is told to do once.
    CommandId,
    /// A resumable upload.
    UploadId,
}
