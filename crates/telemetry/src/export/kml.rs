//! KML 2.2 for Earth viewers: a track in time, and a line for each lap.

use std::io::{self, Write};

use super::session::{Point, Session};
use super::text::{Cell, rfc3339, xml};

pub fn kml(session: &Session, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(
        out,
        r#"<kml xmlns="http://www.opengis.net/kml/2.2" xmlns:gx="http://www.google.com/kml/ext/2.2"><Document>"#
    )?;
    writeln!(
        out,
        "<name>{}</name>",
        xml(session.track.as_deref().unwrap_or("Session"))
    )?;
    // A viewer without dates still shows the lines of the laps.
    if session.start_utc_ms.is_some() {
        track(session, out)?;
    }
    for lap in session.points.chunk_by(|a, b| a.lap.to_bits() == b.lap.to_bits()) {
        line(lap, out)?;
    }
    writeln!(out, "</Document></kml>")
}

fn track(session: &Session, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<Placemark><name>Drive</name><gx:Track>")?;
    for point in &session.points {
        writeln!(out, "<when>{}</when>", rfc3339(session.utc_ms(point)))?;
    }
    for point in &session.points {
        let alt_m = if point.alt_m.is_nan() { 0.0 } else { point.alt_m };
        writeln!(
            out,
            "<gx:coord>{:.9} {:.9} {alt_m:.2}</gx:coord>",
            point.lon_deg, point.lat_deg
        )?;
    }
    writeln!(out, "</gx:Track></Placemark>")
}

fn line(lap: &[Point], out: &mut dyn Write) -> io::Result<()> {
    let Some(first) = lap.first() else { return Ok(()) };
    let name = match first.lap {
        number if number.is_nan() => "Drive".to_owned(),
        0.0 => "Out lap".to_owned(),
        number => format!("Lap {}", Cell(f64::from(number), 0)),
    };
    writeln!(
        out,
        "<Placemark><name>{name}</name><LineString><tessellate>1</tessellate><coordinates>"
    )?;
    for point in lap {
        writeln!(out, "{:.9},{:.9}", point.lon_deg, point.lat_deg)?;
    }
    writeln!(out, "</coordinates></LineString></Placemark>")
}
