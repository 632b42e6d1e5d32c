//! Commands for devices: queued by people, given out until the device says what became of them or they expire.

use std::time::Duration;

use jiff::Timestamp;

use super::accounts::Member;
use super::audit::{self, Action, Actor};
use super::desired::{self, DesiredError};
use super::sql::Row;
use super::{CommandId, DeviceId, Store, StoreError, TeamRows, TenantId, bad_row};
use crate::clock;
use crate::desired::CommandKind;

/// A device that fetches more at once was away for long; nobody remembers what they wanted.
const QUEUED_MAX: i64 = 16;
/// Those that ended or expired, for people to see.
const ENDED_KEPT_MAX: i64 = 32;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    pub id: CommandId,
    pub kind: CommandKind,
    pub state: State,
    pub made_by: String,
    pub made_at: Timestamp,
    pub expires_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    /// The device's own words.
    pub detail: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Queued,
    Done,
    Failed,
}

/// What a device says became of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    pub id: CommandId,
    pub done: bool,
    pub detail: Option<String>,
}

/// Queues a command; answers it with the device's new version.
pub async fn queue(
    store: &Store,
    member: &Member,
    device: DeviceId,
    kind: CommandKind,
    lives: Duration,
) -> Result<(Command, i64), DesiredError> {
    let now = store.now();
    let command = Command {
        id: CommandId(store.new_id()),
        kind,
        state: State::Queued,
        made_by: member.email.clone(),
        made_at: now,
        expires_at: clock::after(now, lives.try_into().unwrap_or_default()),
        ended_at: None,
        detail: None,
    };
    let by = Actor::Person(member.email.clone());
    store
        .write(member.tenant, move |mut rows| {
            Box::pin(async move {
                desired::must_work(&mut rows, device).await?;
                if queued_count(&mut rows, device, now).await? >= QUEUED_MAX {
                    return Err(DesiredError::TooManyCommands);
                }
                insert(&mut rows, device, &command).await?;
                forget_old(&mut rows, device, now).await?;
                let mut desired = desired::find_in(&mut rows, device).await?;
                desired.version += 1;
                desired::write(&mut rows, device, &desired).await?;
                audit::note(
                    &mut rows,
                    &by,
                    Action::DeviceCommanded,
                    device,
                    kind.as_str(),
                    now,
                )
                .await?;
                Ok((command, desired.version))
            })
        })
        .await
}

async fn queued_count(rows: &mut TeamRows<'_>, device: DeviceId, now: Timestamp) -> Result<i64, StoreError> {
    let row = rows
        .query(
            "SELECT COUNT(*) AS queued FROM device_commands \
             WHERE tenant_id = $1 AND device_id = $2 AND state = 'queued' AND expires_at > $3",
        )
        .bind(device)
        .bind(now)
        .fetch_one()
        .await?;
    row.get("queued")
}

async fn insert(rows: &mut TeamRows<'_>, device: DeviceId, command: &Command) -> Result<(), StoreError> {
    rows.query(
        "INSERT INTO device_commands (tenant_id, id, device_id, kind, state, made_by, made_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(command.id)
    .bind(device)
    .bind(command.kind.as_str())
    .bind(command.state.as_str())
    .bind(&command.made_by)
    .bind(command.made_at)
    .bind(command.expires_at)
    .execute()
    .await
    .map(drop)
}

async fn forget_old(rows: &mut TeamRows<'_>, device: DeviceId, now: Timestamp) -> Result<(), StoreError> {
    rows.query(
        "DELETE FROM device_commands WHERE tenant_id = $1 AND device_id = $2 AND (state <> 'queued' OR expires_at <= $3) \
         AND id NOT IN (SELECT id FROM device_commands WHERE tenant_id = $1 AND device_id = $2 \
         AND (state <> 'queued' OR expires_at <= $3) ORDER BY made_at DESC, id DESC LIMIT $4)",
    )
    .bind(device)
    .bind(now)
    .bind(ENDED_KEPT_MAX)
    .execute()
    .await
    .map(drop)
}

/// Ends those that wait; what is said of others (ended before, forgotten, of another device) changes nothing. One that
/// expired meanwhile was done all the same.
pub(super) async fn end(
    rows: &mut TeamRows<'_>,
    device: DeviceId,
    ended: &[Ended],
    now: Timestamp,
) -> Result<(), StoreError> {
    for command in ended {
        let state = if command.done { State::Done } else { State::Failed };
        rows.query(
            "UPDATE device_commands SET state = $4, ended_at = $5, detail = $6 \
             WHERE tenant_id = $1 AND device_id = $2 AND id = $3 AND state = 'queued'",
        )
        .bind(device)
        .bind(command.id)
        .bind(state.as_str())
        .bind(now)
        .bind(command.detail.as_ref())
        .execute()
        .await?;
    }
    Ok(())
}

/// A device's commands, oldest first: those that wait, and with `ended` the others as far as they are kept.
pub async fn list(
    store: &Store,
    tenant: TenantId,
    device: DeviceId,
    ended: bool,
) -> Result<Vec<Command>, StoreError> {
    let mut rows = store.read(tenant).await?;
    let found = rows
        .query(
            "SELECT id, kind, state, made_by, made_at, expires_at, ended_at, detail FROM device_commands \
             WHERE tenant_id = $1 AND device_id = $2 AND ($3 = 1 OR (state = 'queued' AND expires_at > $4)) ORDER BY made_at, id",
        )
        .bind(device)
        .bind(ended)
        .bind(store.now())
        .fetch_all()
        .await?;
    found.iter().map(from_row).collect()
}

fn from_row(row: &Row) -> Result<Command, StoreError> {
    let (kind, state): (String, String) = (row.get("kind")?, row.get("state")?);
    Ok(Command {
        id: row.get("id")?,
        kind: CommandKind::parse(&kind)
            .ok_or_else(|| bad_row(format!("device_commands.kind is {kind:?}")))?,
        state: State::parse(&state)?,
        made_by: row.get("made_by")?,
        made_at: row.get("made_at")?,
        expires_at: row.get("expires_at")?,
        ended_at: row.get("ended_at")?,
        detail: row.get("detail")?,
    })
}

impl State {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    fn parse(text: &str) -> Result<Self, StoreError> {
        match text {
            "queued" => Ok(Self::Queued),
            "done" => Ok(Self::Done),
            "failed" => Ok(Self::Failed),
            other => Err(bad_row(format!("device_commands.state is {other:?}"))),
        }
    }
}
