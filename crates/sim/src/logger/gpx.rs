//! GPX 1.1: one track, one segment.

use std::io::{self, Write};

use super::nmea::civil;
use crate::gps::GpsFix;

const MS_PER_DAY: i64 = 86_400_000;

/// Writes the fixes of a drive whose time 0 is `started_utc_ms` in Unix milliseconds.
pub fn write_gpx(fixes: &[GpsFix], started_utc_ms: i64, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(
        out,
        r#"<gpx version="1.1" creator="Fieldpost" xmlns="http://www.topografix.com/GPX/1/1">"#
    )?;
    writeln!(out, "<trk><trkseg>")?;
    for fix in fixes {
        let time = instant(started_utc_ms + libm::round(fix.time_s * 1_000.0) as i64);
        let GpsFix {
            lat_deg,
            lon_deg,
            alt_m,
            satellites,
            ..
        } = fix;
        writeln!(
            out,
            r#"<trkpt lat="{lat_deg:.7}" lon="{lon_deg:.7}"><ele>{alt_m:.2}</ele><time>{time}</time><sat>{satellites}</sat></trkpt>"#
        )?;
    }
    writeln!(out, "</trkseg></trk>")?;
    writeln!(out, "</gpx>")
}

fn instant(utc_ms: i64) -> String {
    let (year, month, day) = civil(utc_ms.div_euclid(MS_PER_DAY));
    let of_day_ms = utc_ms.rem_euclid(MS_PER_DAY);
    let (seconds, ms) = (of_day_ms / 1_000, of_day_ms % 1_000);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
}
