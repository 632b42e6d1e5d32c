//! Sensor faults that the numbers themselves give away: stuck, at the end of their range, or scaled wrongly.

use super::histogram::Histogram;
use crate::model::{Channel, Fix};

/// Fewer samples say nothing about a sensor: two seconds at 100 Hz.
const SAMPLES_MIN: u64 = 200;
/// A sensor that is at the end of its range for more of the time than this is not measuring.
const AT_LIMIT_SHARE_MAX: f64 = 0.2;
/// Full scales of inertial sensors, in g and in degrees per second.
const ACC_LIMITS_G: [f32; 4] = [2.0, 4.0, 8.0, 16.0];
const GYRO_LIMITS_DPS: [f32; 7] = [125.0, 245.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0];
const RAW_LIMIT: f32 = 32_768.0;
/// Full scales are nominal: −32768 counts at 131 counts per °/s are 250.14.
const LIMIT_TOLERANCE: f32 = 0.005;

/// Lowest and highest value of a channel and how often each was met.
#[derive(Debug, Clone, Default)]
pub(super) struct ChannelHealth {
    samples: u64,
    extremes: Option<(Extreme, Extreme)>,
}

#[derive(Debug, Clone, Copy)]
struct Extreme {
    value: f32,
    count: u64,
}

impl ChannelHealth {
    pub(super) fn add(&mut self, values: &[f32]) {
        for &value in values {
            if value.is_nan() {
                continue;
            }
            self.samples += 1;
            let once = Extreme { value, count: 1 };
            match &mut self.extremes {
                None => self.extremes = Some((once, once)),
                Some((low, high)) => {
                    if value <= low.value {
                        *low = Extreme {
                            value,
                            count: if value < low.value { 1 } else { low.count + 1 },
                        };
                    }
                    if value >= high.value {
                        *high = Extreme {
                            value,
                            count: if value > high.value { 1 } else { high.count + 1 },
                        };
                    }
                }
            }
        }
    }

    pub(super) fn samples(&self) -> u64 {
        self.samples
    }

    /// Inertial channels always move a little; of others (a throttle, a gear) constancy proves nothing.
    pub(super) fn fault(&self, channel: &Channel) -> Option<String> {
        let limits: &[f32] = match channel.unit.as_str() {
            "g" => &ACC_LIMITS_G,
            "deg/s" => &GYRO_LIMITS_DPS,
            _ => return None,
        };
        let (low, high) = self.extremes?;
        if self.samples < SAMPLES_MIN {
            return None;
        }
        let unit = &channel.unit;
        if low.value == high.value {
            let end = if is_limit(low.value, limits) {
                ", the end of its range,"
            } else {
                ""
            };
            return Some(format!(
                "stayed at {} {unit}{end} from the first sample to the last",
                low.value
            ));
        }
        let at_limit = [low, high].into_iter().find(|extreme| {
            is_limit(extreme.value, limits) && extreme.count as f64 > AT_LIMIT_SHARE_MAX * self.samples as f64
        })?;
        let percent = at_limit.count as f64 / self.samples as f64 * 100.0;
        Some(format!(
            "was at {} {unit}, the end of its range, in {percent:.0} % of the samples",
            at_limit.value
        ))
    }
}

fn is_limit(value: f32, limits: &[f32]) -> bool {
    let near = |limit: f32| (value.abs() - limit).abs() <= limit * LIMIT_TOLERANCE;
    limits.iter().copied().any(near) || near(RAW_LIMIT)
}

/// Lengths of the acceleration and turn-rate vectors, where the stream has all three axes.
pub(super) struct Inertial {
    acc: Option<Axes>,
    gyro: Option<Axes>,
}

struct Axes {
    columns: [usize; 3],
    lengths: Histogram,
}

impl Axes {
    fn find(channels: &[Channel], names: [&str; 3], unit: &str) -> Option<Self> {
        let find = |name: &str| channels.iter().position(|c| c.name == name && c.unit == unit);
        let [x, y, z] = names.map(find);
        Some(Self {
            columns: [x?, y?, z?],
            lengths: Histogram::new(),
        })
    }

    fn add(&mut self, values: &[Vec<f32>]) {
        let [x, y, z] = self.columns.map(|column| values[column].as_slice());
        for ((&x, &y), &z) in x.iter().zip(y).zip(z) {
            self.lengths.add(f64::from((x * x + y * y + z * z).sqrt()));
        }
    }
}

impl Inertial {
    pub(super) fn new(channels: &[Channel]) -> Self {
        Self {
            acc: Axes::find(channels, ["acc_x", "acc_y", "acc_z"], "g"),
            gyro: Axes::find(channels, ["gyro_x", "gyro_y", "gyro_z"], "deg/s"),
        }
    }

    pub(super) fn add(&mut self, values: &[Vec<f32>]) {
        for axes in [&mut self.acc, &mut self.gyro].into_iter().flatten() {
            axes.add(values);
        }
    }

    /// Channel and reason.
    pub(super) fn faults(&self, fixes: &[Fix]) -> Vec<(&'static str, String)> {
        let acc = self.acc.as_ref().and_then(|axes| acc_fault(&axes.lengths));
        let gyro = self
            .gyro
            .as_ref()
            .and_then(|axes| gyro_fault(&axes.lengths, &turn_rates(fixes)));
        [("acc", acc), ("gyro", gyro)]
            .into_iter()
            .filter_map(|(name, why)| Some((name, why?)))
            .collect()
    }
}

/// Gravity is always in the acceleration: its median length is 1 g or a little more. A full scale that was configured
/// wrongly makes it twice or half that, in calm and in wild moments alike; a recorder that takes gravity out
/// does not (its calm moments are near zero).
fn acc_fault(lengths_g: &Histogram) -> Option<String> {
    if lengths_g.total() < SAMPLES_MIN {
        return None;
    }
    let (calm_g, median_g) = (lengths_g.quantile(0.1)?, lengths_g.quantile(0.5)?);
    let has_gravity = calm_g > 0.7 * median_g;
    let wrong = (1.8..2.3).contains(&median_g) || (0.45..0.57).contains(&median_g);
    (has_gravity && wrong).then(|| {
        let factor = if median_g > 1.0 { "twice" } else { "half" };
        format!("reads {factor} of what it should: gravity measures {median_g:.2} g; check the sensor's full scale")
    })
}

/// A gyroscope turns at least as fast as the driven line does, and on wheels not many times faster.
fn gyro_fault(lengths_dps: &Histogram, turns_dps: &Histogram) -> Option<String> {
    const TURNS_MIN: u64 = 120;
    const TURN_DPS_MIN: f64 = 8.0;
    if lengths_dps.total() < SAMPLES_MIN || turns_dps.total() < TURNS_MIN {
        return None;
    }
    let (gyro_dps, turn_dps) = (lengths_dps.quantile(0.9)?, turns_dps.quantile(0.9)?);
    if turn_dps < TURN_DPS_MIN {
        return None;
    }
    let ratio = gyro_dps / turn_dps;
    let usual = 1.0 / 6.0..10.0;
    (!usual.contains(&ratio)).then(|| {
        format!(
            "does not fit the driven line: it turns at {gyro_dps:.1} °/s where the line turns at {turn_dps:.1} °/s \
             (nine tenths are below); check the sensor's full scale"
        )
    })
}

/// How fast the driven line turns, from positions about a second apart while moving.
fn turn_rates(fixes: &[Fix]) -> Histogram {
    const STEP_S: f64 = 0.8;
    const GAP_S: f64 = 3.0;
    const SPEED_MPS_MIN: f64 = 5.0;
    const METRES_PER_DEGREE: f64 = 111_320.0;
    let mut turns_dps = Histogram::new();
    let mut before: Option<(Fix, Option<f64>)> = None;
    for fix in fixes {
        let Some((from, heading_before)) = before else {
            before = Some((*fix, None));
            continue;
        };
        let step_s = fix.clock_s - from.clock_s;
        if (0.0..STEP_S).contains(&step_s) {
            continue;
        }
        let north_m = (fix.lat_deg - from.lat_deg) * METRES_PER_DEGREE;
        let east_m = (fix.lon_deg - from.lon_deg) * METRES_PER_DEGREE * libm::cos(fix.lat_deg.to_radians());
        let moving = step_s > 0.0 && step_s < GAP_S && libm::hypot(north_m, east_m) > SPEED_MPS_MIN * step_s;
        let heading = moving.then(|| libm::atan2(east_m, north_m).to_degrees());
        if let (Some(heading), Some(heading_before)) = (heading, heading_before) {
            let turn_deg = (heading - heading_before + 540.0).rem_euclid(360.0) - 180.0;
            turns_dps.add(turn_deg.abs() / step_s);
        }
        before = Some((*fix, heading));
    }
    turns_dps
}
