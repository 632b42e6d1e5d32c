//! Racelogic VBO: packed UTC time of day, positions in minutes with west positive.
//!
//! Gates are written as RaceBox does, latitude first: the two ends of the line. Racelogic's point and direction says nothing
//! of a gate's width, and a gate read back wider than it was catches the pit lane too.

use std::io::{self, Write};

use super::session::Session;
use super::text::civil;

pub fn vbo(session: &Session, out: &mut dyn Write) -> io::Result<()> {
    if let Some(start_utc_ms) = session.start_utc_ms {
        let created = civil(start_utc_ms);
        write!(
            out,
            "File created on {} @ {}\r\n\r\n",
            created.strftime("%d/%m/%Y"),
            created.strftime("%H:%M:%S")
        )?;
    }
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
        let [from, to] = ends.map(|[lat_deg, lon_deg]| [lat_deg * 60.0, -lon_deg * 60.0]);
        write!(
            out,
            "{} {:+.8} {:+.8} {:+.8} {:+.8} ¬ {}\r\n",
            role.label(),
            from[0],
            from[1],
            to[0],
            to[1],
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
