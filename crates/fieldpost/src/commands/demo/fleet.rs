//! The three devices of the demo and what they recorded: drives by the physical model, in our own format.

use std::io;

use sim::{Drive, Gps, Imu, Logger, Session, Track, TrackError, Vehicle};

/// How a device's firmware sends its files; each is a shape that existing loggers use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// The file as the whole body, its name in a header.
    Raw,
    /// A form with every file in one request.
    Multipart,
    /// `{"filename", "content"}`.
    Json,
}

/// A logger in a vehicle at a track.
pub(super) struct VirtualDevice {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    profile: &'static str,
    track: Track,
    vehicle: Vehicle,
    /// Timed laps of each session, oldest first.
    sessions: &'static [u32],
    first_file: u32,
}

/// A file on a device's card.
pub(super) struct Recorded {
    pub(super) file_name: String,
    pub(super) bytes: Vec<u8>,
}

/// From the end of one session to the end of the next: a track day's rhythm.
const TURN_MS: i64 = 40 * 60 * 1_000;
/// Since the end of the last session: long enough to have walked to the phone.
const LAST_ENDED_MS: i64 = 9 * 60 * 1_000;
/// From switching the logger on to the first row.
const BOOT_TICK_MS: u32 = 38_400;

/// A car at Hollin Moor, a motorcycle at Valdarne, a kart at Eschenried.
pub(super) fn devices() -> Result<[VirtualDevice; 3], TrackError> {
    Ok([
        VirtualDevice {
            name: "Car logger",
            shape: Shape::Raw,
            profile: "car",
            track: sim::hollin_moor()?,
            vehicle: Vehicle::car(),
            sessions: &[5, 6],
            first_file: 41,
        },
        VirtualDevice {
            name: "Motorcycle logger",
            shape: Shape::Multipart,
            profile: "motorcycle",
            track: sim::valdarne()?,
            vehicle: Vehicle::motorcycle(),
            sessions: &[4, 6],
            first_file: 117,
        },
        VirtualDevice {
            name: "Kart logger",
            shape: Shape::Json,
            profile: "kart",
            track: sim::eschenried()?,
            vehicle: Vehicle::kart(),
            sessions: &[9, 12],
            first_file: 8,
        },
    ])
}

impl VirtualDevice {
    pub(super) fn session_count(&self) -> usize {
        self.sessions.len()
    }

    /// Everything on its card, oldest first; one `seed` and one `now` give the same bytes.
    pub(super) fn recordings(
        &self,
        seed: u64,
        now_utc_ms: i64,
    ) -> impl Iterator<Item = io::Result<Recorded>> + '_ {
        let count = self.sessions.len();
        self.sessions.iter().enumerate().map(move |(index, &timed_laps)| {
            let turns_ago = i64::try_from(count - 1 - index).unwrap_or(0);
            let ended_utc_ms = now_utc_ms - LAST_ENDED_MS - turns_ago * TURN_MS;
            // Distinct for each session of each device, so that no two drives are alike.
            let number = self.first_file + u32::try_from(index).unwrap_or(0);
            let mut rng = sim::seeded(seed.wrapping_mul(1_000).wrapping_add(u64::from(number)));
            let session = Session {
                timed_laps,
                ..Session::default()
            };
            let drive = session.drive(&self.track, &self.vehicle, &mut rng);
            let bytes = self.record(&drive, ended_utc_ms, &mut rng)?;
            Ok(Recorded {
                file_name: format!("sess_{number:06}.csv"),
                bytes,
            })
        })
    }

    fn record(&self, drive: &Drive, ended_utc_ms: i64, rng: &mut sim::SeededRng) -> io::Result<Vec<u8>> {
        let duration_ms = (drive.duration_s() * 1_000.0) as i64;
        // Receivers align their fixes to the second.
        let started_utc_ms = (ended_utc_ms - duration_ms).div_euclid(1_000) * 1_000;
        let logger = Logger {
            recording_id: sim::random_id(rng),
            device: self.name.to_owned(),
            firmware: "1.4.2".to_owned(),
            profile: self.profile.to_owned(),
            track: Some(self.track.name.to_owned()),
            started_utc_ms,
            started_tick_ms: BOOT_TICK_MS,
            crystal_ppm: 14.0,
        };
        let fixes = Gps::believable().sample(drive, rng);
        let mut bytes = Vec::new();
        logger.write(&fixes, Imu::believable().samples(drive, rng), &mut bytes)?;
        Ok(bytes)
    }
}
