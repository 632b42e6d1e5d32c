//! The rows of a recording: `I` inertial samples, `G` fixes, `M` markers.

use super::text::Text;
use super::{BufferTooSmall, RecordingId};

/// One inertial sample in the units of its cells' last digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Imu {
    /// x, y, z in 0.0001 g.
    pub acc_e4_g: [i32; 3],
    /// x, y, z in 0.01 degrees per second.
    pub gyro_e2_dps: [i32; 3],
}

/// One fix in the units of its cells' last digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gps {
    /// 0.0000001 degrees, north positive: as u-blox receivers say it.
    pub lat_e7_deg: i32,
    /// 0.0000001 degrees, east positive.
    pub lon_e7_deg: i32,
    /// Above mean sea level, in centimetres.
    pub alt_cm: i32,
    /// Speed over ground in 0.01 km/h.
    pub speed_e2_kmh: i32,
    pub satellites: u8,
    /// Supply voltage; `None` leaves the cell empty.
    pub vbat_mv: Option<u16>,
    /// Unix milliseconds from the receiver's own time of week; `None` while it has none.
    pub epoch_ms: Option<i64>,
}

/// What a recorder notes about the recording itself. `BLOCK` is made by [`super::BlockWriter`] alone, because only it
/// knows the checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marker<'t> {
    /// The first row after the header.
    Open {
        id: RecordingId,
        device: &'t str,
        firmware: &'t str,
        profile: &'t str,
    },
    /// The track that the device is set to, by the name its people gave it; right after `OPEN`, absent without one.
    Track { name: &'t str },
    /// Samples that could not be kept: which stream, how many, from which tick on, and why.
    Loss {
        what: &'t str,
        count: u32,
        from_tick_ms: u32,
        why: &'t str,
    },
    /// How far the SHA-256 of the file was when this block began: after `bytes`, a multiple of its 64-byte blocks, with these
    /// eight words. Whoever lost its place in the file goes on from the last one.
    Digest { bytes: u32, state: [u32; 8] },
    /// The last row of a recording that was ended on purpose.
    Close { reason: &'t str },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Row<'t> {
    Imu {
        tick_ms: u32,
        imu: Imu,
    },
    Gps {
        tick_ms: u32,
        imu: Option<Imu>,
        gps: Gps,
    },
    Marker {
        tick_ms: u32,
        marker: Marker<'t>,
    },
}

impl Row<'_> {
    /// Writes the row with its line end and gives its length.
    pub fn encode(&self, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let mut text = Text::new(buffer);
        match self {
            Row::Imu { tick_ms, imu } => {
                start(&mut text, *tick_ms, b'I')?;
                imu_cells(&mut text, imu)?;
                // Empty lat, lon, alt, speed, sats, vbat and gps_epoch.
                text.bytes(b",,,,,,,")?;
            }
            Row::Gps { tick_ms, imu, gps } => {
                start(&mut text, *tick_ms, b'G')?;
                match imu {
                    Some(imu) => imu_cells(&mut text, imu)?,
                    None => text.bytes(b",,,,,,")?,
                }
                gps_cells(&mut text, gps)?;
            }
            Row::Marker { tick_ms, marker } => {
                start(&mut text, *tick_ms, b'M')?;
                marker_cells(&mut text, marker)?;
            }
        }
        text.byte(b'\n')?;
        Ok(text.len())
    }
}

fn start(text: &mut Text<'_>, tick_ms: u32, row_type: u8) -> Result<(), BufferTooSmall> {
    text.unsigned(tick_ms)?;
    text.bytes(&[b',', row_type])
}

fn imu_cells(text: &mut Text<'_>, imu: &Imu) -> Result<(), BufferTooSmall> {
    for acc in imu.acc_e4_g {
        text.byte(b',')?;
        text.fixed(acc, 4)?;
    }
    for gyro in imu.gyro_e2_dps {
        text.byte(b',')?;
        text.fixed(gyro, 2)?;
    }
    Ok(())
}

fn gps_cells(text: &mut Text<'_>, gps: &Gps) -> Result<(), BufferTooSmall> {
    for (value, decimals) in [
        (gps.lat_e7_deg, 7),
        (gps.lon_e7_deg, 7),
        (gps.alt_cm, 2),
        (gps.speed_e2_kmh, 2),
    ] {
        text.byte(b',')?;
        text.fixed(value, decimals)?;
    }
    text.byte(b',')?;
    text.unsigned(u32::from(gps.satellites))?;
    text.byte(b',')?;
    if let Some(vbat_mv) = gps.vbat_mv {
        text.fixed(i32::from(vbat_mv), 3)?;
    }
    text.byte(b',')?;
    if let Some(epoch_ms) = gps.epoch_ms {
        text.signed_wide(epoch_ms)?;
    }
    Ok(())
}

fn marker_cells(text: &mut Text<'_>, marker: &Marker<'_>) -> Result<(), BufferTooSmall> {
    match marker {
        Marker::Open {
            id,
            device,
            firmware,
            profile,
        } => {
            text.bytes(b",OPEN,")?;
            text.hex128(id.0)?;
            for word in [device, firmware, profile] {
                text.byte(b',')?;
                text.word(word)?;
            }
            Ok(())
        }
        Marker::Track { name } => {
            text.bytes(b",TRACK,")?;
            text.word(name)
        }
        Marker::Loss {
            what,
            count,
            from_tick_ms,
            why,
        } => {
            text.bytes(b",LOSS,")?;
            text.word(what)?;
            text.byte(b',')?;
            text.unsigned(*count)?;
            text.byte(b',')?;
            text.unsigned(*from_tick_ms)?;
            text.byte(b',')?;
            text.word(why)
        }
        Marker::Digest { bytes, state } => {
            text.bytes(b",DIGEST,")?;
            text.unsigned(*bytes)?;
            text.byte(b',')?;
            for word in state {
                text.hex32(*word)?;
            }
            Ok(())
        }
        Marker::Close { reason } => {
            text.bytes(b",CLOSE,")?;
            text.word(reason)
        }
    }
}
