//! Heartbeats as rows: all that was heard of each session, and totals that are kept by differences.
//!
//! [`record`] takes whatever a batch of requests said of one team's devices in five statements or so: it reads the sessions
//! they are about, lets `uptime` add what was heard, and writes only those that changed. That one task writes
//! (`docs/decisions/0003-one-writer.md`) is what makes reading before writing right.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::sql::{Many, Row};
use super::{DeviceId, StoreError, TeamRows, bad_row};
use crate::uptime::intervals::{Shift, Span, shift};
use crate::uptime::{Evidence, Heartbeat, Longest, SessionKey, Standing, StartClaim, Suspect, SuspectRun};

// CROSS JOIN keeps SQLite from reading the sessions first; to PostgreSQL it is any join.
static LOAD: Many = Many::new(
    "WITH wanted(device_id, session_key) AS (VALUES ",
    2,
    ") SELECT s.device_id, s.session_key, s.start_revision, s.start_run_s, s.start_update_at, s.start_at, s.longest_s, \
     s.longest_update_at, s.longest_received_at, s.status, s.suspect_s, s.suspect_reason, s.listed_at \
     FROM wanted w CROSS JOIN uptime_sessions s \
     WHERE s.tenant_id = $1 AND s.device_id = w.device_id AND s.session_key = w.session_key",
);

macro_rules! write_sessions {
    ($and:literal) => {
        Many::new(
            "WITH heard(device_id, session_key, start_revision, start_run_s, start_update_at, start_at, longest_s, \
             longest_update_at, longest_received_at, status, suspect_s, suspect_reason, placed_from, placed_to, \
             listed_at, changed_at) AS (VALUES ",
            16,
            concat!(
                ") INSERT INTO uptime_sessions (tenant_id, device_id, session_key, start_revision, start_run_s, \
                 start_update_at, start_at, longest_s, longest_update_at, longest_received_at, status, suspect_s, \
                 suspect_reason, placed_from, placed_to, listed_at, changed_at) \
                 SELECT $1, heard.* FROM heard WHERE heard.device_id IS NOT NULL \
                 ON CONFLICT (tenant_id, device_id, session_key) DO UPDATE SET \
                 start_revision = excluded.start_revision, start_run_s = excluded.start_run_s, \
                 start_update_at = excluded.start_update_at, start_at = excluded.start_at, \
                 longest_s = excluded.longest_s, longest_update_at = excluded.longest_update_at, \
                 longest_received_at = excluded.longest_received_at, status = excluded.status, \
                 suspect_s = excluded.suspect_s, suspect_reason = excluded.suspect_reason, \
                 placed_from = excluded.placed_from, placed_to = excluded.placed_to, \
                 changed_at = excluded.changed_at",
                $and
            ),
        )
    };
}

static WRITE_SESSIONS: Many = write_sessions!(", listed_at = excluded.listed_at");
// Nearly every heartbeat is of a session that grows where it is. What does not name `listed_at` leaves the index alone, which
// else were a page of each device in each commit.
static GROW_SESSIONS: Many = write_sessions!("");

// A session that has a place is listed at its beginning, so the index of the list finds it.
static NEIGHBOURS: Many = Many::new(
    "WITH windows(device_id, from_us, to_us) AS (VALUES ",
    3,
    ") SELECT s.device_id, s.session_key, s.placed_from, s.placed_to \
     FROM windows w CROSS JOIN uptime_totals t CROSS JOIN uptime_sessions s \
     WHERE t.tenant_id = $1 AND t.device_id = w.device_id AND s.tenant_id = $1 AND s.device_id = w.device_id \
     AND s.listed_at < w.to_us AND s.listed_at > w.from_us - t.longest_us AND s.placed_to > w.from_us",
);

static WRITE_TOTALS: Many = Many::new(
    "WITH moved(device_id, counted_us, claimed_us, unplaced_s, sessions, suspects, longest_us) AS (VALUES ",
    7,
    ") INSERT INTO uptime_totals (tenant_id, device_id, counted_us, claimed_us, unplaced_s, sessions, suspects, \
     longest_us) SELECT $1, moved.* FROM moved WHERE moved.device_id IS NOT NULL \
     ON CONFLICT (tenant_id, device_id) DO UPDATE SET \
     counted_us = uptime_totals.counted_us + excluded.counted_us, \
     claimed_us = uptime_totals.claimed_us + excluded.claimed_us, \
     unplaced_s = uptime_totals.unplaced_s + excluded.unplaced_s, \
     sessions = uptime_totals.sessions + excluded.sessions, \
     suspects = uptime_totals.suspects + excluded.suspects, \
     longest_us = CASE WHEN excluded.longest_us > uptime_totals.longest_us THEN excluded.longest_us \
     ELSE uptime_totals.longest_us END",
);

/// A heartbeat with the device that it is about.
#[derive(Debug, Clone)]
pub struct Heard {
    pub device: DeviceId,
    pub heartbeat: Heartbeat,
}

/// What the server has of a session after a heartbeat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub session: SessionKey,
    pub standing: Standing,
}

/// One session on its way through a batch.
struct Touched {
    /// As the row has it; `None` for a session that is new.
    before: Option<Evidence>,
    after: Evidence,
    listed_at: Timestamp,
}

impl Touched {
    fn changed(&self) -> bool {
        self.before.as_ref() != Some(&self.after)
    }

    /// Where it stands in the list of its device's sessions, in microseconds: where it begins, or when it was first heard of.
    fn place_us(&self) -> i64 {
        let placed = self.after.standing().placed;
        placed.map_or(self.listed_at.as_microsecond(), |span| span.from_us)
    }

    fn stays(&self) -> bool {
        self.before.is_some() && self.place_us() == self.listed_at.as_microsecond()
    }
}

type Sessions = BTreeMap<(DeviceId, SessionKey), Touched>;

/// Adds heartbeats of one team's devices. What is answered is in their order.
pub async fn record(
    rows: &mut TeamRows<'_>,
    heard: &[Heard],
    now: Timestamp,
) -> Result<Vec<Kept>, StoreError> {
    let mut sessions = load(rows, heard, now).await?;
    for Heard { device, heartbeat } in heard {
        if let Some(session) = sessions.get_mut(&(*device, heartbeat.key.clone())) {
            session.after.hear(heartbeat, now);
        }
    }
    let changed: Vec<_> = sessions.iter().filter(|(_, session)| session.changed()).collect();
    let totals = totals(rows, &changed).await?;
    let (grown, moved): (Vec<_>, Vec<_>) = changed.into_iter().partition(|(_, session)| session.stays());
    for (statement, sessions) in [(&GROW_SESSIONS, grown), (&WRITE_SESSIONS, moved)] {
        for part in Many::parts(&sessions) {
            write_sessions(rows, statement, part, now).await?;
        }
    }
    for part in Many::parts(&totals) {
        write_totals(rows, part).await?;
    }
    let devices: Vec<DeviceId> = totals.iter().map(|(device, _)| *device).collect();
    super::devices_state::data_came(rows, &devices, now).await?;
    let kept = heard.iter().map(|Heard { device, heartbeat }| {
        let session = sessions.get(&(*device, heartbeat.key.clone()));
        let session = session.ok_or_else(|| bad_row(format!("{} was not looked at", heartbeat.key)))?;
        Ok(Kept {
            session: heartbeat.key.clone(),
            standing: session.after.standing(),
        })
    });
    kept.collect()
}

async fn load(rows: &mut TeamRows<'_>, heard: &[Heard], now: Timestamp) -> Result<Sessions, StoreError> {
    let wanted: BTreeSet<(DeviceId, SessionKey)> = heard
        .iter()
        .map(|one| (one.device, one.heartbeat.key.clone()))
        .collect();
    let wanted: Vec<_> = wanted.into_iter().collect();
    let mut sessions = Sessions::new();
    for part in Many::parts(&wanted) {
        let mut asking = rows.many(&LOAD);
        for (device, key) in part {
            asking = asking.bind(*device).bind(key.as_str());
        }
        for row in asking.fetch_all().await? {
            let evidence = evidence_from_row(&row)?;
            let touched = Touched {
                before: Some(evidence.clone()),
                after: evidence,
                listed_at: row.get("listed_at")?,
            };
            let key = SessionKey::stored(row.get("session_key")?);
            sessions.insert((row.get("device_id")?, key), touched);
        }
    }
    for key in wanted {
        sessions.entry(key).or_insert_with(|| Touched {
            before: None,
            after: Evidence::default(),
            listed_at: now,
        });
    }
    Ok(sessions)
}

pub(super) fn evidence_from_row(row: &Row) -> Result<Evidence, StoreError> {
    let start = match row.get::<Option<Timestamp>>("start_at")? {
        None => None,
        Some(at) => Some(StartClaim {
            revision: row.get("start_revision")?,
            run_s: row.get("start_run_s")?,
            last_update: row.get("start_update_at")?,
            at,
        }),
    };
    let longest = match row.get::<Option<i64>>("longest_s")? {
        None => None,
        Some(run_s) => Some(Longest {
            run_s,
            last_update: row.get("longest_update_at")?,
            status: row.get("status")?,
            received_at: row.get("longest_received_at")?,
        }),
    };
    let suspect = match row.get::<Option<i64>>("suspect_s")? {
        None => None,
        Some(run_s) => {
            let reason: String = row.get("suspect_reason")?;
            let reason = Suspect::parse(&reason)
                .ok_or_else(|| bad_row(format!("uptime_sessions.suspect_reason is {reason:?}")))?;
            Some(SuspectRun { run_s, reason })
        }
    };
    Ok(Evidence {
        start,
        longest,
        suspect,
    })
}

type Changed<'s> = (&'s (DeviceId, SessionKey), &'s Touched);

async fn write_sessions(
    rows: &mut TeamRows<'_>,
    statement: &'static Many,
    part: &[Changed<'_>],
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut writing = rows.many(statement);
    for ((device, key), session) in part {
        let Evidence {
            start,
            longest,
            suspect,
        } = &session.after;
        let placed = session.after.standing().placed;
        writing = writing
            .bind(*device)
            .bind(key.as_str())
            .bind(start.map(|start| start.revision))
            .bind(start.map(|start| start.run_s))
            .bind(start.and_then(|start| start.last_update))
            .bind(start.map(|start| start.at))
            .bind(longest.as_ref().map(|longest| longest.run_s))
            .bind(longest.as_ref().and_then(|longest| longest.last_update))
            .bind(longest.as_ref().map(|longest| longest.received_at))
            .bind(longest.as_ref().and_then(|longest| longest.status.clone()))
            .bind(suspect.map(|suspect| suspect.run_s))
            .bind(suspect.map(|suspect| suspect.reason.as_str()))
            .bind(placed.map(|span| span.from_us))
            .bind(placed.map(|span| span.to_us))
            .bind(session.place_us())
            .bind(now);
    }
    writing.execute().await.map(drop)
}

/// By how much a device's totals move.
#[derive(Debug, Clone, Copy, Default)]
struct Move {
    shift: Shift,
    unplaced_s: i64,
    sessions: i64,
    suspects: i64,
    longest_us: i64,
}

async fn totals(
    rows: &mut TeamRows<'_>,
    changed: &[Changed<'_>],
) -> Result<Vec<(DeviceId, Move)>, StoreError> {
    let neighbours = neighbours(rows, changed).await?;
    let mut devices: BTreeMap<DeviceId, Vec<&Touched>> = BTreeMap::new();
    for ((device, _), session) in changed {
        devices.entry(*device).or_default().push(session);
    }
    let moves = devices.into_iter().map(|(device, sessions)| {
        let beside = neighbours.get(&device).map_or(&[][..], Vec::as_slice);
        (device, move_of(&sessions, beside))
    });
    Ok(moves.collect())
}

fn move_of(sessions: &[&Touched], neighbours: &[Span]) -> Move {
    let (mut before, mut after) = (Vec::new(), Vec::new());
    let mut moved = Move::default();
    for session in sessions {
        if let Some(evidence) = &session.before {
            tally(&mut moved, &evidence.standing(), -1);
            before.extend(evidence.standing().placed);
        }
        let standing = session.after.standing();
        tally(&mut moved, &standing, 1);
        after.extend(standing.placed);
    }
    moved.longest_us = after.iter().map(|span| span.length_us()).max().unwrap_or(0);
    moved.shift = shift(&before, &after, neighbours);
    moved
}

fn tally(moved: &mut Move, standing: &Standing, sign: i64) {
    moved.sessions += sign;
    if standing.suspect.is_some() {
        moved.suspects += sign;
    }
    if standing.placed.is_none() {
        moved.unplaced_s += sign * standing.run_s;
    }
}

/// The other sessions of each device that share time with one that changed, as it was or as it is.
async fn neighbours(
    rows: &mut TeamRows<'_>,
    changed: &[Changed<'_>],
) -> Result<BTreeMap<DeviceId, Vec<Span>>, StoreError> {
    let moved: BTreeSet<&(DeviceId, SessionKey)> = changed.iter().map(|(key, _)| *key).collect();
    let windows: Vec<(DeviceId, Span)> = changed
        .iter()
        .flat_map(|((device, _), session)| {
            let before = session
                .before
                .as_ref()
                .and_then(|evidence| evidence.standing().placed);
            let spans = [before, session.after.standing().placed];
            spans.into_iter().flatten().map(|span| (*device, span))
        })
        .collect();
    let mut found = BTreeMap::new();
    for part in Many::parts(&windows) {
        let mut asking = rows.many(&NEIGHBOURS);
        for (device, span) in part {
            asking = asking.bind(*device).bind(span.from_us).bind(span.to_us);
        }
        for row in asking.fetch_all().await? {
            let key = (row.get("device_id")?, SessionKey::stored(row.get("session_key")?));
            let span = Span {
                from_us: row.get("placed_from")?,
                to_us: row.get("placed_to")?,
            };
            if !moved.contains(&key) {
                found.insert(key, span);
            }
        }
    }
    let mut by_device: BTreeMap<DeviceId, Vec<Span>> = BTreeMap::new();
    for ((device, _), span) in found {
        by_device.entry(device).or_default().push(span);
    }
    Ok(by_device)
}

async fn write_totals(rows: &mut TeamRows<'_>, part: &[(DeviceId, Move)]) -> Result<(), StoreError> {
    let mut writing = rows.many(&WRITE_TOTALS);
    for (device, moved) in part {
        writing = writing
            .bind(*device)
            .bind(moved.shift.counted_us)
            .bind(moved.shift.claimed_us)
            .bind(moved.unplaced_s)
            .bind(moved.sessions)
            .bind(moved.suspects)
            .bind(moved.longest_us);
    }
    writing.execute().await.map(drop)
}
