//! CSV: our own recording's columns, so that this program reads it back, followed by the derived ones for a spreadsheet.

use std::io::{self, Write};

use wire::recording::HEADER;

use super::session::Session;
use super::text::Cell;

/// One row for each fix, with its header row.
pub fn csv(session: &Session, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "{HEADER},time_s,heading_deg,distance_m,lat_g,lon_g,lap,lap_time_s"
    )?;
    for point in &session.points {
        // The tick is in milliseconds since the start; without a date it alone tells the time.
        let tick_ms = Cell(point.time_s * 1000.0, 3);
        let epoch_ms = session.start_utc_ms.map_or(f64::NAN, |_| session.utc_ms(point));
        writeln!(
            out,
            "{tick_ms},G,,,,,,,{},{},{},{},{},,{},{},{},{},{},{},{},{}",
            Cell(point.lat_deg, 9),
            Cell(point.lon_deg, 9),
            Cell(f64::from(point.alt_m), 2),
            Cell(f64::from(point.speed_mps) * 3.6, 3),
            Cell(f64::from(point.satellites), 0),
            Cell(epoch_ms, 3),
            Cell(point.time_s, 3),
            Cell(f64::from(point.heading_deg), 2),
            Cell(f64::from(point.distance_m), 2),
            Cell(f64::from(point.lat_g), 4),
            Cell(f64::from(point.lon_g), 4),
            Cell(f64::from(point.lap), 0),
            Cell(f64::from(point.lap_time_s), 3),
        )?;
    }
    Ok(())
}
