//! GPX 1.1: one track with a segment for the whole session, gates as waypoints.

use std::io::{self, Write};

use super::session::Session;
use super::text::{Cell, rfc3339, xml};

pub fn gpx(session: &Session, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(
        out,
        r#"<gpx version="1.1" creator="Fieldpost" xmlns="http://www.topografix.com/GPX/1/1">"#
    )?;
    let name = xml(session.track.as_deref().unwrap_or("Session"));
    if session.start_utc_ms.is_none() {
        writeln!(
            out,
            "<metadata><desc>The date is unknown; times count from 1970-01-01.</desc></metadata>"
        )?;
    }
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
