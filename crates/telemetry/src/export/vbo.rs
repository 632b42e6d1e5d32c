//! Racelogic VBO: packed UTC time of day, positions in minutes with west positive.
//!
//! Gates are written as Racelogic does, longitude first: the middle of the gate and a second point ten metres on in the
//! direction of travel, square to the gate.

use std::io::{self, Write};

use super::session::Session;
use super::text::civil;

/// Distance of the second point of a gate line.
const DIRECTION_M: f64 = 10.0;
const METRES_PER_DEGREE: f64 = 111_320.0;

pub fn vbo(session: &Session, out: &mut dyn Write) -> io::Result<()> {
    let created = civil(session.start_utc_ms.unwrap_or(0.0));
    write!(
        out,
        "File created on {} @ {}\r\n\r\n",
        created.strftime("%d/%m/%Y"),
        created.strftime("%H:%M:%S")
    )?;
    write!(
        out,
        "[header]\r\nsatellites\r\ntime\r\nlatitude\r\nlongitude\r\nvelocity kmh\r\nheading\r\nheight\r\n\
         Lateral acceleration\r\nLongitudinal acceleration\r\n\r\n[channel units]\r\ng\r\ng\r\n\r\n"
    )?;
    write!(out, "[comments]\r\nWritten by Fieldpost\r\n")?;
    if let Some(device) = &session.device {
        write!(out, "Recorded by {}\r\n", device.replace(['\r', '\n'], " "))?;
    }
    if session.start_utc_ms.is_none() {
        write!(out, "The date is unknown; time counts from midnight.\r\n")?;
    }
    write!(out, "\r\n[laptiming]\r\n")?;
    for (role, ends) in &session.gates {
        let [from, to] = direction(ends);
        write!(
            out,
            "{} {:+.8} {:+.8} {:+.8} {:+.8} ¬ {}\r\n",
            role.label(),
            -from[1] * 60.0,
            from[0] * 60.0,
            -to[1] * 60.0,
            to[0] * 60.0,
            role.label(),
        )?;
    }
    write!(
        out,
        "\r\n[column names]\r\nsats time lat long velocity heading height latacc longacc\r\n\r\n[data]\r\n"
    )?;
    for point in &session.points {
        let time = civil(session.utc_ms(point));
        write!(
            out,
            "{:03.0} {}.{:03} {:+.8} {:+.8} {:.3} {:.2} {:.2} {:.4} {:.4}\r\n",
            known(point.satellites),
            time.strftime("%H%M%S"),
            time.millisecond(),
            point.lat_deg * 60.0,
            -point.lon_deg * 60.0,
            known(point.speed_mps) * 3.6,
            known(point.heading_deg),
            known(point.alt_m),
            known(point.lat_g),
            known(point.lon_g),
        )?;
    }
    Ok(())
}

/// The format has no empty cells: what is unknown is written as 0, as VBOX loggers do.
fn known(value: f32) -> f64 {
    if value.is_nan() { 0.0 } else { f64::from(value) }
}

/// The gate's middle, and a point in the direction of travel: the left end is on the left.
fn direction([left, right]: &[[f64; 2]; 2]) -> [[f64; 2]; 2] {
    let middle = [(left[0] + right[0]) / 2.0, (left[1] + right[1]) / 2.0];
    let shrink = libm::cos(middle[0].to_radians());
    let north_m = (right[0] - left[0]) * METRES_PER_DEGREE;
    let east_m = (right[1] - left[1]) * METRES_PER_DEGREE * shrink;
    let width_m = libm::hypot(north_m, east_m).max(f64::MIN_POSITIVE);
    // Left to right, turned left by a quarter: forward.
    let (forward_north, forward_east) = (east_m / width_m, -north_m / width_m);
    let ahead = [
        middle[0] + forward_north * DIRECTION_M / METRES_PER_DEGREE,
        middle[1] + forward_east * DIRECTION_M / (METRES_PER_DEGREE * shrink),
    ];
    [middle, ahead]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_from_west_to_east_is_passed_northwards() {
        let [middle, ahead] = direction(&[[45.0, 9.0], [45.0, 9.001]]);
        assert!((middle[1] - 9.0005).abs() < 1e-12 && (ahead[1] - middle[1]).abs() < 1e-12);
        assert!(((ahead[0] - middle[0]) * METRES_PER_DEGREE - 10.0).abs() < 1e-6);
    }
}
