//! Personal tokens: a person's right in one team, or less, for their scripts. Digests arrive here, never tokens.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::accounts::{AccountError, Member, Role};
use super::accounts_devices::checked_name;
use super::audit::{self, Action, Actor};
use super::ids::ApiTokenId;
use super::sql::{Cell, IntoValue, Row, Value, query};
use super::{Store, StoreError, TenantId, UserId, bad_row};
use crate::auth::secret::TokenDigest;

/// Of one person in one team.
const TOKENS_MAX: i64 = 50;
/// A use is written down when the last one is older than this, so that reading does not become writing.
const USE_NOTED_EVERY: SignedDuration = SignedDuration::from_hours(1);

/// The most that a token may do; less where its person may do less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// What a viewer may.
    Read,
    /// What a member may. What only owners may needs their sign-in.
    Write,
}

impl Access {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }

    /// The role of a token with this access, of a person with `role`.
    const fn within(self, role: Role) -> Role {
        match (self, role) {
            (Self::Read, Role::Owner | Role::Member | Role::Viewer) | (Self::Write, Role::Viewer) => {
                Role::Viewer
            }
            (Self::Write, Role::Owner | Role::Member) => Role::Member,
        }
    }
}

impl IntoValue for Access {
    const NULL: Value = Value::Text(None);
    fn into_value(self) -> Value {
        self.as_str().into_value()
    }
}

impl Cell for Access {
    type Raw = String;
    fn from_raw(raw: String) -> Result<Self, StoreError> {
        match raw.as_str() {
            "read" => Ok(Self::Read),
            "write" => Ok(Self::Write),
            other => Err(bad_row(format!("a token's access is {other:?}"))),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiToken {
    pub id: ApiTokenId,
    pub name: String,
    pub access: Access,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    /// To within an hour.
    pub last_used_at: Option<Timestamp>,
}

/// Keeps a token for the member in the team they act for.
pub async fn add(
    store: &Store,
    member: &Member,
    name: &str,
    access: Access,
    expires_at: Option<Timestamp>,
    digest: TokenDigest,
) -> Result<ApiToken, AccountError> {
    let (member, now) = (member.clone(), store.now());
    let token = ApiToken {
        id: ApiTokenId(store.new_id()),
        name: checked_name(name)?,
        access,
        created_at: now,
        expires_at,
        last_used_at: None,
    };
    store
        .write(member.tenant, move |mut rows| {
            Box::pin(async move {
                let count = rows
                    .query("SELECT COUNT(*) AS n FROM api_tokens WHERE tenant_id = $1 AND user_id = $2")
                    .bind(member.user)
                    .fetch_one()
                    .await?;
                if count.get::<i64>("n")? >= TOKENS_MAX {
                    return Err(AccountError::TooMany {
                        what: "tokens of yours",
                        most: TOKENS_MAX,
                    });
                }
                rows.query(
                    "INSERT INTO api_tokens (tenant_id, id, user_id, name, access, token_sha256, created_at, expires_at) \
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                )
                .bind(token.id)
                .bind(member.user)
                .bind(&token.name)
                .bind(access)
                .bind(digest.as_str())
                .bind(now)
                .bind(expires_at)
                .execute()
                .await?;
                let by = Actor::Person(member.email);
                audit::note(&mut rows, &by, Action::ApiTokenMade, token.id, &token.name, now).await?;
                Ok(token)
            })
        })
        .await
}

/// The member's tokens in the team they act for, oldest first.
pub async fn list(store: &Store, member: &Member) -> Result<Vec<ApiToken>, StoreError> {
    let mut rows = store.read(member.tenant).await?;
    let found = rows
        .query(
            "SELECT id, name, access, created_at, expires_at, last_used_at FROM api_tokens \
             WHERE tenant_id = $1 AND user_id = $2 ORDER BY created_at, id",
        )
        .bind(member.user)
        .fetch_all()
        .await?;
    found.iter().map(from_row).collect()
}

fn from_row(row: &Row) -> Result<ApiToken, StoreError> {
    Ok(ApiToken {
        id: row.get("id")?,
        name: row.get("name")?,
        access: row.get("access")?,
        created_at: row.get("created_at")?,
        expires_at: row.get("expires_at")?,
        last_used_at: row.get("last_used_at")?,
    })
}

/// Ends one of the member's own tokens.
pub async fn revoke(store: &Store, member: &Member, id: ApiTokenId) -> Result<(), AccountError> {
    let (member, now) = (member.clone(), store.now());
    store
        .write(member.tenant, move |mut rows| {
            Box::pin(async move {
                let gone = rows
                    .query("DELETE FROM api_tokens WHERE tenant_id = $1 AND id = $2 AND user_id = $3 RETURNING name")
                    .bind(id)
                    .bind(member.user)
                    .fetch_optional()
                    .await?;
                let name: String = gone.ok_or(AccountError::NoSuchToken)?.get("name")?;
                let by = Actor::Person(member.email);
                audit::note(&mut rows, &by, Action::ApiTokenRevoked, id, &name, now).await?;
                Ok(())
            })
        })
        .await
}

/// Who presents this token, with the rights that it has.
pub async fn member_of_token(store: &Store, token: &TokenDigest) -> Result<Option<Member>, StoreError> {
    let now = store.now();
    let mut rows = store.read_across().await?;
    let row = query(
        "SELECT a.id, a.tenant_id, a.user_id, a.access, a.last_used_at, u.email, m.role FROM api_tokens a \
         JOIN users u ON u.id = a.user_id AND u.disabled = 0 \
         JOIN memberships m ON m.tenant_id = a.tenant_id AND m.user_id = a.user_id \
         WHERE a.token_sha256 = $1 AND (a.expires_at IS NULL OR a.expires_at > $2)",
    )
    .bind(token.as_str())
    .bind(now)
    .fetch_optional(&mut rows)
    .await?;
    drop(rows);
    let Some(row) = row else { return Ok(None) };
    let access: Access = row.get("access")?;
    let member = Member {
        user: row.get::<UserId>("user_id")?,
        tenant: row.get("tenant_id")?,
        email: row.get("email")?,
        role: access.within(row.get("role")?),
    };
    let last_used: Option<Timestamp> = row.get("last_used_at")?;
    if last_used.is_none_or(|used| now.duration_since(used) >= USE_NOTED_EVERY) {
        note_use(store, member.tenant, row.get("id")?, now).await?;
    }
    Ok(Some(member))
}

async fn note_use(store: &Store, tenant: TenantId, id: ApiTokenId, now: Timestamp) -> Result<(), StoreError> {
    store
        .write(tenant, move |mut rows| {
            Box::pin(async move {
                rows.query("UPDATE api_tokens SET last_used_at = $2 WHERE tenant_id = $1 AND id = $3")
                    .bind(now)
                    .bind(id)
                    .execute()
                    .await?;
                Ok(())
            })
        })
        .await
}
