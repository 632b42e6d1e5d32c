//! One target a parser. The input is a whole file, but for the older dialects of our own CSV, where it is the rows.

use std::io::{BufReader, Cursor};

use telemetry::formats::{self, Format};

use crate::witness::Witness;

/// Smaller than a line and larger: a parser must not care where the buffer ends.
const CHUNKS_BYTES: [usize; 3] = [1, 7, 64];

/// Which format a file is must be answered for any bytes, and only a format that was recognised is read.
pub fn detect(data: &[u8]) {
    if let Ok(format) = formats::detect(data) {
        read(format, data);
    }
}

/// The current dialect: rows of several kinds, marker rows, block checksums.
pub fn own_csv(data: &[u8]) {
    read(Format::FieldpostCsv, data);
}

/// The dialects of older firmware: the first byte says which (`A` to `D`), the rest are rows.
pub fn own_csv_old(data: &[u8]) {
    let Some((dialect, rows)) = data.split_first() else {
        return;
    };
    let header = match dialect {
        b'A' => {
            "timestamp,latitude,longitude,speed,satellites,imu_x,imu_y,imu_z,gyro_x,gyro_y,gyro_z,pressure"
        }
        b'B' => "timestamp,lat,lon,speed_kmh,sats,alt,acc_x,acc_y,acc_z,gyro_x,gyro_y,gyro_z",
        b'C' => "time,lat,lon,alt,speed,acc_x,acc_y,acc_z,gyro_x,gyro_y,gyro_z,vbat",
        _ => "gps_time,lat,lon,alt,speed,acc_x,acc_y,acc_z,gyro_x,gyro_y,gyro_z,vbat",
    };
    read(Format::FieldpostCsv, &[header.as_bytes(), b"\n", rows].concat());
}

pub fn vbo(data: &[u8]) {
    read(Format::Vbo, data);
}

pub fn racechrono_csv(data: &[u8]) {
    read(Format::RacechronoCsv, data);
}

pub fn racecapture(data: &[u8]) {
    read(Format::Racecapture, data);
}

pub fn nmea(data: &[u8]) {
    read(Format::Nmea, data);
}

pub fn ubx(data: &[u8]) {
    read(Format::Ubx, data);
}

pub fn racebox_csv(data: &[u8]) {
    read(Format::RaceboxCsv, data);
}

pub fn trackaddict(data: &[u8]) {
    read(Format::Trackaddict, data);
}

pub fn aim_csv(data: &[u8]) {
    read(Format::AimCsv, data);
}

pub fn gpx(data: &[u8]) {
    read(Format::Gpx, data);
}

pub fn dovex(data: &[u8]) {
    read(Format::Dovex, data);
}

/// Reads the bytes at once and again through a small buffer: both must give the same events.
fn read(format: Format, data: &[u8]) {
    let mut whole = Witness::default();
    let outcome = formats::read(format, &mut Cursor::new(data), &mut whole);
    let chunk_bytes = CHUNKS_BYTES[data.len() % CHUNKS_BYTES.len()];
    let mut parts = Witness::default();
    let again = formats::read(
        format,
        &mut BufReader::with_capacity(chunk_bytes, data),
        &mut parts,
    );
    assert_eq!(
        outcome.is_ok(),
        again.is_ok(),
        "success depends on where the buffer ends"
    );
    assert_eq!(
        whole.digest(),
        parts.digest(),
        "what is read depends on where the buffer ends"
    );
}
