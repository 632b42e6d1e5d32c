//! Who did what to a team's people, devices and keys, and when.
//!
//! Promises: an entry is written in the transaction that does what it tells of, so neither is there without the other.
//! It never holds a secret. Entries are kept for [`KEPT_FOR`], and of one team at most [`KEPT_MAX`].

use jiff::{SignedDuration, Timestamp};

use super::sql::Row;
use super::{Store, StoreError, TeamRows, TenantId};

/// A season and the winter after it.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(400 * 24);
/// Some 20 MB; people make a few entries a day.
const KEPT_MAX: i64 = 100_000;

/// Who acted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// By e-mail address, which outlives the account.
    Person(String),
    /// Somebody at the server's command line.
    Operator,
    /// A device with a code that a member had made.
    ClaimCode,
    /// A device that came by a fleet key.
    FleetKey,
}

impl Actor {
    fn as_str(&self) -> &str {
        match self {
            Self::Person(email) => email,
            Self::Operator => "operator",
            Self::ClaimCode => "claim code",
            Self::FleetKey => "fleet key",
        }
    }
}

/// What was done, as `docs/accounts.md` lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    TeamRenamed,
    MemberInvited,
    InvitationWithdrawn,
    MemberJoined,
    RoleChanged,
    MemberRemoved,
    ApiTokenMade,
    ApiTokenRevoked,
    ShareMade,
    ShareRevoked,
    ClaimCodeMade,
    DeviceAdded,
    DeviceRenamed,
    DeviceTokenRenewed,
    DeviceRevoked,
    DeviceDesiredChanged,
    DeviceCommanded,
    DeviceMovedAway,
    DeviceMovedHere,
    DeviceAdopted,
    IngestKeyMade,
    IngestKeyRevoked,
}

impl Action {
    const fn as_str(self) -> &'static str {
        match self {
            Self::TeamRenamed => "team.renamed",
            Self::MemberInvited => "member.invited",
            Self::InvitationWithdrawn => "invitation.withdrawn",
            Self::MemberJoined => "member.joined",
            Self::RoleChanged => "member.role_changed",
            Self::MemberRemoved => "member.removed",
            Self::ApiTokenMade => "api_token.made",
            Self::ApiTokenRevoked => "api_token.revoked",
            Self::ShareMade => "share.made",
            Self::ShareRevoked => "share.revoked",
            Self::ClaimCodeMade => "claim_code.made",
            Self::DeviceAdded => "device.added",
            Self::DeviceRenamed => "device.renamed",
            Self::DeviceTokenRenewed => "device.token_renewed",
            Self::DeviceRevoked => "device.revoked",
            Self::DeviceDesiredChanged => "device.desired_changed",
            Self::DeviceCommanded => "device.commanded",
            Self::DeviceMovedAway => "device.moved_away",
            Self::DeviceMovedHere => "device.moved_here",
            Self::DeviceAdopted => "device.adopted",
            Self::IngestKeyMade => "ingest_key.made",
            Self::IngestKeyRevoked => "ingest_key.revoked",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub number: i64,
    pub at: Timestamp,
    pub actor: String,
    pub action: String,
    /// Id or e-mail address of what it was done to.
    pub subject: String,
    pub detail: String,
}

/// Writes an entry into the transaction of `rows`, and drops what is too old.
pub(super) async fn note(
    rows: &mut TeamRows<'_>,
    by: &Actor,
    action: Action,
    subject: impl ToString,
    detail: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let newest = rows
        .query("SELECT MAX(number) AS newest FROM audit WHERE tenant_id = $1")
        .fetch_one()
        .await?;
    let number = newest.get::<Option<i64>>("newest")?.unwrap_or(0) + 1;
    rows.query(
        "INSERT INTO audit (tenant_id, number, at, actor, action, subject, detail) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(number)
    .bind(now)
    .bind(by.as_str())
    .bind(action.as_str())
    .bind(subject.to_string())
    .bind(detail)
    .execute()
    .await?;
    let oldest_kept = now.checked_sub(KEPT_FOR).unwrap_or(Timestamp::MIN);
    rows.query("DELETE FROM audit WHERE tenant_id = $1 AND number < $2 AND (at < $3 OR number <= $4)")
        .bind(number)
        .bind(oldest_kept)
        .bind(number - KEPT_MAX)
        .execute()
        .await?;
    Ok(())
}

/// A team's entries, newest first: those before the number `before`, or the newest ones.
pub async fn list(
    store: &Store,
    tenant: TenantId,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<Entry>, StoreError> {
    let mut rows = store.read(tenant).await?;
    let found = rows
        .query(
            "SELECT number, at, actor, action, subject, detail FROM audit \
             WHERE tenant_id = $1 AND number < $2 ORDER BY number DESC LIMIT $3",
        )
        .bind(before.unwrap_or(i64::MAX))
        .bind(i64::from(limit))
        .fetch_all()
        .await?;
    found.iter().map(from_row).collect()
}

fn from_row(row: &Row) -> Result<Entry, StoreError> {
    Ok(Entry {
        number: row.get("number")?,
        at: row.get("at")?,
        actor: row.get("actor")?,
        action: row.get("action")?,
        subject: row.get("subject")?,
        detail: row.get("detail")?,
    })
}
