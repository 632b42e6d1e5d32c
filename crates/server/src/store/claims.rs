//! Claim codes: made by a member, exchanged once by a device for its token. Digests arrive here, never codes.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::accounts::{AccountError, Member};
use super::accounts_devices::{self, NewDevice, checked_name};
use super::audit::{self, Action, Actor};
use super::sql::query;
use super::{DeviceId, Store, StoreError, TeamRows, TenantId, UserId};
use crate::auth::secret::TokenDigest;
use crate::clock::after;

/// Long enough to walk to the kart and type it in.
pub const CODE_LIFE: Duration = Duration::from_secs(15 * 60);
/// Codes that wait in one team: a whole club's loggers, one after the other.
const CODES_MAX: i64 = 50;

/// Keeps a code with which one device of that name may come in; says until when.
pub async fn add(
    store: &Store,
    member: &Member,
    device_name: &str,
    code: TokenDigest,
) -> Result<Timestamp, AccountError> {
    let name = checked_name(device_name)?;
    let now = store.now();
    let expires_at = after(
        now,
        SignedDuration::try_from(CODE_LIFE).unwrap_or(SignedDuration::ZERO),
    );
    let (user, by) = (member.user, Actor::Person(member.email.clone()));
    store
        .write(member.tenant, move |mut rows| {
            Box::pin(async move {
                rows.query("DELETE FROM claim_codes WHERE tenant_id = $1 AND expires_at <= $2")
                    .bind(now)
                    .execute()
                    .await?;
                if waiting(&mut rows).await? >= CODES_MAX {
                    return Err(AccountError::TooMany {
                        what: "claim codes that wait",
                        most: CODES_MAX,
                    });
                }
                rows.query(
                    "INSERT INTO claim_codes (tenant_id, code_sha256, device_name, created_by, created_at, expires_at) \
                     VALUES ($1, $2, $3, $4, $5, $6)",
                )
                .bind(code.as_str())
                .bind(&name)
                .bind(user)
                .bind(now)
                .bind(expires_at)
                .execute()
                .await?;
                audit::note(&mut rows, &by, Action::ClaimCodeMade, &name, "", now).await?;
                Ok(expires_at)
            })
        })
        .await
}

async fn waiting(rows: &mut TeamRows<'_>) -> Result<i64, StoreError> {
    let row = rows
        .query("SELECT COUNT(*) AS n FROM claim_codes WHERE tenant_id = $1")
        .fetch_one()
        .await?;
    row.get("n")
}

/// Uses a code up and makes its device with `token`; gives the device's name too.
pub async fn exchange(
    store: &Store,
    code: TokenDigest,
    token: TokenDigest,
) -> Result<(DeviceId, String), AccountError> {
    let device = DeviceId(store.new_id());
    let now = store.now();
    store
        .write_across(move |rows| {
            Box::pin(async move {
                let used = query(
                    "DELETE FROM claim_codes WHERE code_sha256 = $1 AND expires_at > $2 \
                     RETURNING tenant_id, device_name, created_by",
                )
                .bind(code.as_str())
                .bind(now)
                .fetch_optional(rows)
                .await?
                .ok_or(AccountError::CodeInvalid)?;
                let tenant: TenantId = used.get("tenant_id")?;
                let created_by: UserId = used.get("created_by")?;
                let name: String = used.get("device_name")?;
                let new = NewDevice {
                    id: device,
                    name: name.clone(),
                    created_by: Some(created_by),
                    token: Some(token),
                };
                accounts_devices::insert(&mut TeamRows::of(rows, tenant), &new, &Actor::ClaimCode, now)
                    .await?;
                Ok((device, name))
            })
        })
        .await
}
