//! Our own recording, row by row through the encoder that devices use.

use std::io::{self, Write};

use wire::recording::{BlockWriter, HEADER, Marker, ROW_BYTES_MAX, RecordingId, Row, SECTOR_BYTES};

use crate::gps::GpsFix;
use crate::imu::ImuSample;

/// What a race logger says about itself, and when it was switched on.
#[derive(Debug, Clone, PartialEq)]
pub struct Logger {
    pub recording_id: u128,
    pub device: String,
    pub firmware: String,
    pub profile: String,
    /// The track it is set to, where its people have chosen one.
    pub track: Option<String>,
    /// UTC of drive time 0 in Unix milliseconds.
    pub started_utc_ms: i64,
    /// Milliseconds since boot at drive time 0.
    pub started_tick_ms: u32,
    /// How much faster than true time its crystal runs, in parts per million.
    pub crystal_ppm: f64,
}

/// A block is flushed at least this often.
const BLOCK_MS: u32 = 500;

impl Logger {
    /// Writes both streams in order of arrival, with `OPEN`, a `BLOCK` twice a second and `CLOSE`.
    pub fn write(
        &self,
        fixes: &[GpsFix],
        mut imu: impl Iterator<Item = ImuSample>,
        out: &mut impl Write,
    ) -> io::Result<()> {
        // Behind `dyn` the loop is compiled here, optimised even in the debug builds of its callers.
        self.write_rows(fixes, &mut imu, out)
    }

    fn write_rows(
        &self,
        fixes: &[GpsFix],
        imu: &mut dyn Iterator<Item = ImuSample>,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let mut file = BlockFile::open(self, out)?;
        let mut fixes = fixes.iter().peekable();
        let mut latest = None;
        let mut last_tick_ms = self.started_tick_ms;
        for sample in imu {
            while let Some(fix) = fixes.next_if(|fix| fix.arrival_s <= sample.time_s) {
                file.row(&self.gps_row(fix, latest))?;
            }
            let cells = imu_cells(&sample);
            latest = Some(cells);
            last_tick_ms = self.tick_ms(sample.time_s);
            file.row(&Row::Imu {
                tick_ms: last_tick_ms,
                imu: cells,
            })?;
        }
        for fix in fixes {
            last_tick_ms = last_tick_ms.max(self.tick_ms(fix.arrival_s));
            file.row(&self.gps_row(fix, latest))?;
        }
        file.close(last_tick_ms)
    }

    fn tick_ms(&self, time_s: f64) -> u32 {
        let since_start_ms = time_s * 1_000.0 * (1.0 + self.crystal_ppm * 1e-6);
        self.started_tick_ms + libm::round(since_start_ms.max(0.0)) as u32
    }

    fn gps_row(&self, fix: &GpsFix, imu: Option<wire::recording::Imu>) -> Row<'static> {
        Row::Gps {
            tick_ms: self.tick_ms(fix.arrival_s),
            imu,
            gps: wire::recording::Gps {
                lat_e7_deg: libm::round(fix.lat_deg * 1e7) as i32,
                lon_e7_deg: libm::round(fix.lon_deg * 1e7) as i32,
                alt_cm: libm::round(fix.alt_m * 100.0) as i32,
                speed_e2_kmh: libm::round(fix.speed_mps * 360.0) as i32,
                satellites: fix.satellites,
                vbat_mv: Some(4_020),
                epoch_ms: Some(self.started_utc_ms + libm::round(fix.time_s * 1_000.0) as i64),
            },
        }
    }
}

fn imu_cells(sample: &ImuSample) -> wire::recording::Imu {
    wire::recording::Imu {
        acc_e4_g: sample.acc_g.map(|g| libm::round(g * 1e4) as i32),
        gyro_e2_dps: sample.gyro_dps.map(|dps| libm::round(dps * 1e2) as i32),
    }
}

/// The file in blocks.
struct BlockFile<'w> {
    out: &'w mut dyn Write,
    blocks: BlockWriter,
    block_began_ms: u32,
}

impl<'w> BlockFile<'w> {
    fn open(logger: &Logger, out: &'w mut dyn Write) -> io::Result<Self> {
        let id = RecordingId(logger.recording_id);
        let mut file = Self {
            out,
            blocks: BlockWriter::new(id),
            block_began_ms: logger.started_tick_ms,
        };
        file.bytes(HEADER.as_bytes())?;
        file.bytes(b"\n")?;
        file.row(&Row::Marker {
            tick_ms: logger.started_tick_ms,
            marker: Marker::Open {
                id,
                device: &logger.device,
                firmware: &logger.firmware,
                profile: &logger.profile,
            },
        })?;
        if let Some(name) = &logger.track {
            file.row(&Row::Marker {
                tick_ms: logger.started_tick_ms,
                marker: Marker::Track { name },
            })?;
        }
        Ok(file)
    }

    fn row(&mut self, row: &Row<'_>) -> io::Result<()> {
        let tick_ms = match row {
            Row::Imu { tick_ms, .. } | Row::Gps { tick_ms, .. } | Row::Marker { tick_ms, .. } => *tick_ms,
        };
        if tick_ms >= self.block_began_ms + BLOCK_MS {
            self.seal(tick_ms)?;
        }
        let mut buffer = [0; ROW_BYTES_MAX];
        let length = row.encode(&mut buffer).map_err(io::Error::other)?;
        self.bytes(&buffer[..length])
    }

    fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.blocks.rows(bytes);
        self.out.write_all(bytes)
    }

    fn seal(&mut self, tick_ms: u32) -> io::Result<()> {
        let mut buffer = [0; ROW_BYTES_MAX + SECTOR_BYTES];
        let length = self.blocks.seal(tick_ms, &mut buffer).map_err(io::Error::other)?;
        self.block_began_ms = tick_ms;
        self.out.write_all(&buffer[..length])
    }

    fn close(mut self, tick_ms: u32) -> io::Result<()> {
        self.row(&Row::Marker {
            tick_ms,
            marker: Marker::Close { reason: "button" },
        })?;
        self.seal(tick_ms)
    }
}
