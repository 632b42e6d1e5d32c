//! NMEA 0183: an RMC and a GGA sentence for each fix, with checksums.

use std::io::{self, Write};

use crate::gps::GpsFix;

const KNOTS_PER_MPS: f64 = 3_600.0 / 1_852.0;
const MS_PER_DAY: i64 = 86_400_000;

/// Writes the fixes of a drive whose time 0 is `started_utc_ms` in Unix milliseconds. Minutes have six decimals (2 mm),
/// times milliseconds.
pub fn write_nmea(fixes: &[GpsFix], started_utc_ms: i64, out: &mut impl Write) -> io::Result<()> {
    for fix in fixes {
        let utc_ms = started_utc_ms + libm::round(fix.time_s * 1_000.0) as i64;
        let (clock, date) = (clock(utc_ms), date(utc_ms));
        let latitude = angle(fix.lat_deg, 2, ['N', 'S']);
        let longitude = angle(fix.lon_deg, 3, ['E', 'W']);
        let knots = fix.speed_mps * KNOTS_PER_MPS;
        let course = fix.heading_deg;
        sentence(
            out,
            &format!("GPRMC,{clock},A,{latitude},{longitude},{knots:.3},{course:.2},{date},,,A"),
        )?;
        let (satellites, altitude_m) = (fix.satellites, fix.alt_m);
        sentence(
            out,
            &format!("GPGGA,{clock},{latitude},{longitude},1,{satellites:02},0.8,{altitude_m:.2},M,0.0,M,,"),
        )?;
    }
    Ok(())
}

fn sentence(out: &mut impl Write, body: &str) -> io::Result<()> {
    let checksum = body.bytes().fold(0, |sum, byte| sum ^ byte);
    write!(out, "${body}*{checksum:02X}\r\n")
}

/// `hhmmss.sss`
fn clock(utc_ms: i64) -> String {
    let of_day_ms = utc_ms.rem_euclid(MS_PER_DAY);
    let (seconds, ms) = (of_day_ms / 1_000, of_day_ms % 1_000);
    format!(
        "{:02}{:02}{:02}.{ms:03}",
        seconds / 3_600,
        seconds / 60 % 60,
        seconds % 60
    )
}

/// `ddmmyy`
fn date(utc_ms: i64) -> String {
    let (year, month, day) = civil(utc_ms.div_euclid(MS_PER_DAY));
    format!("{day:02}{month:02}{:02}", year.rem_euclid(100))
}

/// Year, month and day of a day number since 1970 in the Gregorian calendar (Hinnant's algorithm, with years that begin
/// in March so that the leap day is the last).
pub(super) fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

/// `ddmm.mmmmmm,N`
fn angle(degrees: f64, digits: usize, [positive, negative]: [char; 2]) -> String {
    let micro_minutes = libm::round(libm::fabs(degrees) * 60.0 * 1e6) as u64;
    let (whole, rest) = (micro_minutes / 60_000_000, micro_minutes % 60_000_000);
    let side = if degrees < 0.0 { negative } else { positive };
    format!(
        "{whole:0digits$}{:02}.{:06},{side}",
        rest / 1_000_000,
        rest % 1_000_000
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_reads_as_the_standard_says() {
        let fix = GpsFix {
            time_s: 1.25,
            arrival_s: 1.25,
            lat_deg: -(48.0 + 7.038 / 60.0),
            lon_deg: 11.0 + 31.0 / 60.0,
            alt_m: 545.4,
            speed_mps: 10.0,
            heading_deg: 84.4,
            satellites: 8,
        };
        let mut text = Vec::new();
        // 2026-02-28T23:59:59Z
        write_nmea(&[fix], 1_772_323_199_000, &mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        let rmc = "GPRMC,000000.250,A,4807.038000,S,01131.000000,E,19.438,84.40,010326,,,A";
        assert!(text.starts_with(&format!("${rmc}*")), "{text}");
        assert!(text.contains("$GPGGA,000000.250,4807.038000,S,01131.000000,E,1,08,0.8,545.40,M,0.0,M,,*"));
    }
}
