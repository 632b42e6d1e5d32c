//! What a header row says: the dialect, and what stands in each column.

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Slot {
    /// One of the six inertial channels: acceleration x, y, z, then turn rate x, y, z.
    Inertial(usize),
    Lat,
    Lon,
    Alt,
    Speed,
    Satellites,
    SupplyVoltage,
    /// Unix milliseconds by the receiver's own time.
    GpsEpoch,
    /// The stamp, the row type, and columns that later devices add.
    Other,
}

/// Slots up to this one are inertial.
pub(super) const INERTIAL_LAST: Slot = Slot::Inertial(5);

/// Cells of a row by what they mean; NaN where the row has none.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cells {
    pub(super) inertial: [f64; 6],
    pub(super) lat_deg: f64,
    pub(super) lon_deg: f64,
    pub(super) alt_m: f64,
    pub(super) speed_kmh: f64,
    pub(super) satellites: f64,
    pub(super) vbat_v: f64,
    pub(super) gps_epoch: f64,
}

impl Cells {
    pub(super) const UNKNOWN: Self = Self {
        inertial: [f64::NAN; 6],
        lat_deg: f64::NAN,
        lon_deg: f64::NAN,
        alt_m: f64::NAN,
        speed_kmh: f64::NAN,
        satellites: f64::NAN,
        vbat_v: f64::NAN,
        gps_epoch: f64::NAN,
    };

    pub(super) fn set(&mut self, slot: Slot, value: f64) {
        match slot {
            Slot::Inertial(axis) => self.inertial[axis] = value,
            Slot::Lat => self.lat_deg = value,
            Slot::Lon => self.lon_deg = value,
            Slot::Alt => self.alt_m = value,
            Slot::Speed => self.speed_kmh = value,
            Slot::Satellites => self.satellites = value,
            Slot::SupplyVoltage => self.vbat_v = value,
            Slot::GpsEpoch => self.gps_epoch = value,
            Slot::Other => {}
        }
    }
}

/// What the stamp of an older dialect means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StampedDialect {
    /// A: Unix seconds at which the host received the row.
    Arrival,
    /// B: hhmmss.ss of an unknown day.
    TimeOfDay,
    /// C: whole seconds, since 1970 or 2000.
    WholeSeconds,
    /// D: Unix seconds whose fraction comes from another clock.
    MixedSeconds,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// E and E+: a monotonic tick and a row type.
    Ticks,
    Stamped(StampedDialect),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) dialect: Dialect,
    pub(super) slots: Vec<Slot>,
    /// Inertial cells are raw counts of an MPU-9250 at ±2 g and ±250 °/s.
    pub(super) raw_counts: bool,
}

impl Header {
    /// The error names what is missing.
    pub(super) fn parse(line: &[u8]) -> Result<Self, &'static str> {
        let lower = line.to_ascii_lowercase();
        let names: Vec<&[u8]> = lower.split(|&b| b == b',').map(<[u8]>::trim_ascii).collect();
        let has = |name: &str| names.contains(&name.as_bytes());
        let dialect = match names.first().copied().unwrap_or_default() {
            b"tick_ms" if names.get(1) == Some(&&b"row_type"[..]) => Dialect::Ticks,
            b"timestamp" if has("speed_kmh") => Dialect::Stamped(StampedDialect::TimeOfDay),
            b"timestamp" => Dialect::Stamped(StampedDialect::Arrival),
            b"time" => Dialect::Stamped(StampedDialect::WholeSeconds),
            b"gps_time" => Dialect::Stamped(StampedDialect::MixedSeconds),
            _ => return Err("a first column tick_ms (with row_type), timestamp, time or gps_time"),
        };
        let slots: Vec<Slot> = names.iter().map(|name| slot(name)).collect();
        if !slots.contains(&Slot::Lat) || !slots.contains(&Slot::Lon) {
            return Err("the columns lat and lon");
        }
        let raw_counts = matches!(
            dialect,
            Dialect::Stamped(StampedDialect::Arrival | StampedDialect::WholeSeconds)
        );
        Ok(Self {
            dialect,
            slots,
            raw_counts,
        })
    }
}

fn slot(name: &[u8]) -> Slot {
    match name {
        b"acc_x" | b"imu_x" => Slot::Inertial(0),
        b"acc_y" | b"imu_y" => Slot::Inertial(1),
        b"acc_z" | b"imu_z" => Slot::Inertial(2),
        b"gyro_x" => Slot::Inertial(3),
        b"gyro_y" => Slot::Inertial(4),
        b"gyro_z" => Slot::Inertial(5),
        b"lat" | b"latitude" => Slot::Lat,
        b"lon" | b"longitude" => Slot::Lon,
        b"alt" => Slot::Alt,
        b"speed" | b"speed_kmh" => Slot::Speed,
        b"sats" | b"satellites" => Slot::Satellites,
        b"vbat" => Slot::SupplyVoltage,
        b"gps_epoch" => Slot::GpsEpoch,
        _ => Slot::Other,
    }
}
