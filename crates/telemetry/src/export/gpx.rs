//! GPX 1.1: one track with a segment for the whole session, gates as waypoints.

use std::io::{self, Write};

use super::session::Session;
use super::text::{Cell, rfc3339, xml};

/// Fails with [`io::ErrorKind::InvalidInput`] without a date: a track without times has no laps, and one in 1970 is a lie.
pub fn gpx(session: &Session, out: &mut dyn Write) -> io::Result<()> {
    if !session.has_date() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "the recording's date is unknown, and GPX has no times without one; export it as csv or vbo",
        ));
    }
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(
        out,
        r#"<gpx version="1.1" creator="Fieldpost" xmlns="http://www.topografix.com/GPX/1/1">"#
    )?;
    let name = xml(session.track.as_deref().unwrap_or("Session"));
    for (role, [a, b]) in &session.gates {
        let (lat_deg, lon_deg) = ((a[0] + b[0]) / 2.0, (a[1] + b[1]) / 2.0);
        writeln!(
            out,
            r#"<wpt lat="{lat_deg:.9}" lon="{lon_deg:.9}"><name>{}</name></wpt>"#,
            role.label()
        )?;
    }
    writeln!(out, "<trk><name>{name}</name><trkseg>")?;
    for point in &session.points {
        write!(
            out,
            r#"<trkpt lat="{:.9}" lon="{:.9}">"#,
            point.lat_deg, point.lon_deg
        )?;
        if !point.alt_m.is_nan() {
            write!(out, "<ele>{}</ele>", Cell(f64::from(point.alt_m), 2))?;
        }
        writeln!(out, "<time>{}</time></trkpt>", rfc3339(session.utc_ms(point)))?;
    }
    writeln!(out, "</trkseg></trk></gpx>")
}
