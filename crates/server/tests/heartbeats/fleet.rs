//! A fleet whose hours are known to the second, and what it sends: each minute's heartbeat, 30 % of all a repetition, all in
//! random order, the first ones of many sessions without time, clocks that are corrected on the way or after the end, and a
//! few runs that cannot be.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use server::store::DeviceId;
use uuid::Uuid;

/// Heartbeats of one request.
pub(crate) const REQUEST_MAX: usize = 100;
const DEVICES: usize = 24;
/// Before the moment at which the server hears all of it.
const FIRST_DAY: &str = "2026-10-25T06:00:00Z";
const HEARD_AT: &str = "2026-11-20T12:00:00Z";
const DAY_S: i64 = 86_400;

/// A session as it really was.
struct Session {
    device: usize,
    /// Seconds since the first day.
    from_s: i64,
    run_s: i64,
    key: Key,
}

enum Key {
    Boot(usize),
    Start,
}

/// What one heartbeat says.
#[derive(Clone, Copy)]
struct Beat {
    session: usize,
    run_s: i64,
    start: Said,
}

#[derive(Clone, Copy)]
enum Said {
    Nothing,
    /// Off by this.
    Off(i64),
    /// Right, after the device has corrected itself when it was over.
    Corrected,
}

/// What must come of one device.
#[derive(Default)]
pub(crate) struct Truth {
    pub(crate) seconds_on: i64,
    pub(crate) sessions: BTreeSet<String>,
    pub(crate) absurd: BTreeSet<String>,
    pub(crate) overlapping: BTreeSet<String>,
}

#[derive(Default)]
struct Mixture {
    twice: usize,
    without_time: usize,
    wrong_clock: usize,
    absurd: usize,
}

pub(crate) struct Fleet {
    sessions: Vec<Session>,
    beats: Vec<Beat>,
    absurd: BTreeSet<usize>,
    mixture: Mixture,
    random: StdRng,
}

impl Fleet {
    /// About so many heartbeats; the same seed gives the same.
    pub(crate) fn of(heartbeats: usize, seed: u64) -> Self {
        let mut fleet = Self {
            sessions: Vec::new(),
            beats: Vec::new(),
            absurd: BTreeSet::new(),
            mixture: Mixture::default(),
            random: StdRng::seed_from_u64(seed),
        };
        // Three of ten are sent again.
        let per_device = heartbeats * 7 / 10 / DEVICES;
        for device in 0..DEVICES {
            fleet.add_device(device, per_device);
        }
        let twice = fleet.beats.len() * 3 / 7;
        for _ in 0..twice {
            let again = fleet.beats[fleet.random.random_range(0..fleet.beats.len())];
            fleet.beats.push(again);
        }
        fleet.mixture.twice = twice;
        fleet.beats.shuffle(&mut fleet.random);
        fleet
    }

    /// One session after the other, each with a heartbeat every `step` seconds, within four weeks.
    fn add_device(&mut self, device: usize, beats: usize) {
        let days_s = 25 * DAY_S;
        // A pause takes as long as a session; a session has some 60 heartbeats.
        let step_s = (days_s / (2 * i64::try_from(beats).unwrap() + 200)).clamp(1, 60);
        let mut from_s = i64::try_from(device).unwrap() * 7;
        let (mut boot, mut left) = (0, beats);
        while left > 0 {
            let count = self
                .random
                .random_range(10..110_i64)
                .min(i64::try_from(left).unwrap());
            left -= usize::try_from(count).unwrap();
            let run_s = step_s * count - self.random.random_range(0..step_s);
            boot += 1;
            // Older clients have no boot number, and overlap now and then with what a colleague's logger says.
            let key = if boot % 4 == 0 {
                Key::Start
            } else {
                Key::Boot(boot)
            };
            let overlapping = boot % 50 == 9;
            self.add_session(
                Session {
                    device,
                    from_s,
                    run_s,
                    key,
                },
                step_s,
            );
            if overlapping {
                let from_s = from_s + run_s / 2;
                self.add_session(
                    Session {
                        device,
                        from_s,
                        run_s,
                        key: Key::Start,
                    },
                    step_s * 10,
                );
            }
            from_s += 2 * run_s + self.random.random_range(1..=step_s);
        }
        assert!(
            from_s < days_s + DAY_S,
            "the fleet ran past the moment it is heard"
        );
    }

    fn add_session(&mut self, session: Session, step_s: i64) {
        let number = self.sessions.len();
        let has_boot = matches!(session.key, Key::Boot(_));
        let (run_s, from_s) = (session.run_s, session.from_s);
        self.sessions.push(session);
        let fate = if has_boot {
            self.random.random_range(0..100)
        } else {
            100
        };
        // Without time until some way through, or by a wrong clock until then, or corrected when all is over.
        let turn_s = run_s * self.random.random_range(2..9) / 10;
        let off_s = -self.random.random_range(1..3 * DAY_S);
        let mut at_s = step_s;
        loop {
            let now_s = at_s.min(run_s);
            let start = match fate {
                0..22 if now_s < turn_s => Said::Nothing,
                22..31 if now_s < turn_s => Said::Off(off_s),
                31..36 => Said::Off(off_s),
                _ => Said::Off(0),
            };
            self.push(Beat {
                session: number,
                run_s: now_s,
                start,
            });
            if now_s == run_s {
                break;
            }
            at_s += step_s;
        }
        if (31..36).contains(&fate) {
            self.push(Beat {
                session: number,
                run_s,
                start: Said::Corrected,
            });
        }
        if self.random.random_range(0..20) == 0 {
            self.add_absurd(number, from_s, has_boot);
        }
    }

    fn add_absurd(&mut self, session: usize, from_s: i64, has_boot: bool) {
        let heard_s = (at(HEARD_AT).duration_since(at(FIRST_DAY))).as_secs();
        // More than since its start, and a day; the longest that the clock of the test runs on is minutes.
        let too_long_s = heard_s - from_s + DAY_S + 3600;
        let untimed_s = if too_long_s < 30 * DAY_S {
            too_long_s
        } else {
            30 * DAY_S + 1
        };
        let (run_s, start) = match self.random.random_range(0..5) {
            0 => (-1, Said::Off(0)),
            1 => (i64::from(u32::MAX), Said::Off(0)),
            2 => (30 * DAY_S + 1, Said::Off(0)),
            3 if has_boot => (untimed_s, Said::Nothing),
            _ => (too_long_s, Said::Off(0)),
        };
        self.absurd.insert(session);
        self.mixture.absurd += 1;
        self.push(Beat {
            session,
            run_s,
            start,
        });
    }

    fn push(&mut self, beat: Beat) {
        match beat.start {
            Said::Nothing => self.mixture.without_time += 1,
            Said::Off(off_s) if off_s != 0 => self.mixture.wrong_clock += 1,
            Said::Off(_) | Said::Corrected => {}
        }
        self.beats.push(beat);
    }

    pub(crate) fn len(&self) -> usize {
        self.beats.len()
    }

    pub(crate) fn devices(&self) -> impl Iterator<Item = DeviceId> {
        (0..DEVICES).map(device_id)
    }

    pub(crate) fn mixture(&self) -> String {
        let share = |count: usize| format!("{:.1} %", 100.0 * count as f64 / self.beats.len() as f64);
        format!(
            "{} sent twice, {} without time, {} by a wrong clock, {} absurd",
            share(self.mixture.twice),
            share(self.mixture.without_time),
            share(self.mixture.wrong_clock),
            self.mixture.absurd
        )
    }

    /// Bodies in the order in which they arrive; each is of one device, as a token is.
    pub(crate) fn requests(&self) -> impl Iterator<Item = (DeviceId, String)> {
        let mut waiting: Vec<Vec<String>> = vec![Vec::new(); DEVICES];
        let mut beats = self.beats.iter();
        std::iter::from_fn(move || {
            for beat in beats.by_ref() {
                let device = self.sessions[beat.session].device;
                waiting[device].push(self.json(beat));
                if waiting[device].len() == REQUEST_MAX - device {
                    return Some((device_id(device), body(&mut waiting[device])));
                }
            }
            let device = waiting.iter().position(|beats| !beats.is_empty())?;
            Some((device_id(device), body(&mut waiting[device])))
        })
    }

    fn json(&self, beat: &Beat) -> String {
        let session = &self.sessions[beat.session];
        let boot = match session.key {
            Key::Boot(number) => format!(r#""boot_epoch":"e{}","boot_number":{number},"#, session.device),
            Key::Start => String::new(),
        };
        let start = match beat.start {
            Said::Nothing => "\"session_start\":null,".to_owned(),
            Said::Off(off_s) => format!("\"session_start\":\"{}\",", moment(session.from_s + off_s)),
            Said::Corrected => format!(
                "\"session_start\":\"{}\",\"start_revision\":1,",
                moment(session.from_s)
            ),
        };
        let run_s = beat.run_s;
        format!(
            r#"{{{boot}{start}"run_seconds":{run_s},"status":"running","msg_id":"{run_s}-{}"}}"#,
            beat.session
        )
    }

    /// Every second of every device is looked at.
    pub(crate) fn truth(&self) -> Vec<(DeviceId, Truth)> {
        let truths = (0..DEVICES).map(|device| {
            let mut truth = Truth::default();
            let own: Vec<(usize, &Session)> = self
                .sessions
                .iter()
                .enumerate()
                .filter(|(_, one)| one.device == device)
                .collect();
            let mut on = vec![0_u8; usize::try_from(40 * DAY_S).unwrap()];
            for (_, session) in &own {
                for second in &mut on[seconds(session)] {
                    *second += 1;
                }
            }
            truth.seconds_on = i64::try_from(on.iter().filter(|&&times| times > 0).count()).unwrap();
            for (number, session) in own {
                truth.sessions.insert(session.key());
                if self.absurd.contains(&number) {
                    truth.absurd.insert(session.key());
                }
                if on[seconds(session)].iter().any(|&times| times > 1) {
                    truth.overlapping.insert(session.key());
                }
            }
            (device_id(device), truth)
        });
        truths.collect()
    }
}

impl Session {
    fn key(&self) -> String {
        match self.key {
            Key::Boot(number) => format!("b:e{}:{number}", self.device),
            Key::Start => format!("s:{}", moment(self.from_s)),
        }
    }
}

fn seconds(session: &Session) -> std::ops::Range<usize> {
    let second = |second| usize::try_from(second).unwrap();
    second(session.from_s)..second(session.from_s + session.run_s)
}

fn body(beats: &mut Vec<String>) -> String {
    format!("[{}]", std::mem::take(beats).join(","))
}

fn device_id(device: usize) -> DeviceId {
    DeviceId(Uuid::from_u128(0x000F_1EE7_0000 + device as u128))
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn moment(second: i64) -> Timestamp {
    at(FIRST_DAY) + SignedDuration::from_secs(second)
}
