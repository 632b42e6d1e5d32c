//! NMEA 0183 with its traps.

use telemetry::formats::{Format, ReadError};
use telemetry::sink::Rejection;

use crate::support::{assert_close, keep, try_keep};

/// Sentences with their checksums put on.
fn log(bodies: &[&str]) -> String {
    bodies.iter().map(|body| sentence(body) + "\r\n").collect()
}

fn sentence(body: &str) -> String {
    let sum = body.bytes().fold(0_u8, |sum, byte| sum ^ byte);
    format!("${body}*{sum:02X}")
}

#[test]
fn rmc_gga_and_vtg_of_one_moment_make_one_fix_in_any_order() {
    let file = log(&[
        "GPGGA,120000.00,4530.0000,N,01030.0000,E,1,09,0.8,100.5,M,47.0,M,,",
        "GNRMC,120000.00,A,4530.0000,N,01030.0000,E,10.0,90.5,010226,,,A",
        "GNRMC,120000.10,A,4530.0060,N,01030.0000,E,,,010226,,,A",
        "GNVTG,91.5,T,,M,19.4,N,36.0,K,A",
        "GLGGA,120000.10,4530.0060,N,01030.0000,E,1,10,0.8,101.5,M,47.0,M,,",
    ]);
    let kept = keep(Format::Nmea, file);
    let [first, second] = kept.fixes.as_slice() else {
        panic!("{:?}", kept.fixes)
    };
    assert_close(first.lat_deg, 45.5, 1e-9);
    assert_close(first.lon_deg, 10.5, 1e-9);
    assert_close(first.speed_mps.into(), 5.144_444, 1e-5);
    assert_eq!(
        (first.heading_deg, first.alt_m, first.satellites),
        (90.5, 100.5, 9.0)
    );
    // 2026-02-01T12:00:00Z
    assert_close(first.utc_ms, 1_769_947_200_000.0, 0.5);
    assert_close(second.speed_mps.into(), 10.0, 1e-5);
    assert_eq!(
        (second.heading_deg, second.alt_m, second.satellites),
        (91.5, 101.5, 10.0)
    );
    assert_close(second.clock_s - first.clock_s, 0.1, 1e-9);
    assert_eq!(kept.rejected, []);
}

#[test]
fn a_gga_whose_rmc_is_damaged_is_not_a_fix() {
    let file = log(&[
        "GPRMC,120000.00,A,4530.0000,N,01030.0000,E,10.0,90.5,010226,,,A",
        "GPRMC,120000.10,A,4530.0000,N,01030.0000,E,10.0,90.5,010226,,,A",
        "GPGGA,120000.10,4530.0000,N,01030.0000,E,1,09,0.8,100.5,M,47.0,M,,",
        "GPRMC,120000.20,A,4530.0000,N,01030.0000,E,10.0,90.5,010226,,,A",
    ]);
    let kept = keep(
        Format::Nmea,
        file.replace("GPRMC,120000.10,A,4530", "GPRMC,120000.10,A,4531"),
    );
    assert_eq!(kept.fixes.len(), 2);
    assert_eq!(kept.rejected, [(Rejection::Checksum, 2)]);
}

#[test]
fn south_and_west_are_negative() {
    let kept = keep(
        Format::Nmea,
        log(&["GPRMC,000001.00,A,3330.0000,S,07015.0000,W,0.0,,010226,,,A"]),
    );
    assert_close(kept.fixes[0].lat_deg, -33.5, 1e-9);
    assert_close(kept.fixes[0].lon_deg, -70.25, 1e-9);
}

#[test]
fn a_flipped_bit_is_a_checksum_rejection_with_its_line() {
    let good = log(&["GPRMC,120000.00,A,4530.0000,N,01030.0000,W,10.0,90.5,010226,,,A"]);
    let flipped = good.replace(",W,", ",E,");
    let kept = keep(Format::Nmea, format!("{good}{flipped}"));
    assert_eq!(kept.fixes.len(), 1);
    assert_eq!(kept.rejected, [(Rejection::Checksum, 2)]);
}

#[test]
fn a_good_sentence_behind_a_torn_one_is_kept_and_the_line_is_rejected_once() {
    let good = log(&[
        "GPRMC,120000.00,A,4530.0000,N,01030.0000,W,10.0,90.5,010226,,,A",
        "GPRMC,120000.10,A,4530.0000,N,01030.0000,W,10.0,90.5,010226,,,A",
    ]);
    let (first, second) = good.split_once("\r\n").expect("two lines");
    let kept = keep(
        Format::Nmea,
        format!("{first}\r\n$GPRMC,120000.04,A,45$GPRMC,12$GPGGA,1{second}"),
    );
    assert_eq!(kept.fixes.len(), 2);
    assert_eq!(kept.rejected, [(Rejection::Checksum, 2)]);
}

#[test]
fn a_sentence_without_checksum_is_not_trusted() {
    let good = log(&["GPRMC,120000.00,A,4530.0000,N,01030.0000,W,10.0,90.5,010226,,,A"]);
    let kept = keep(
        Format::Nmea,
        format!("{good}$GPRMC,120000.10,A,4530.0000,N,01030.0000,W,10.0,90.5,010226,,,A\n"),
    );
    assert_eq!(kept.rejected, [(Rejection::Checksum, 2)]);
}

#[test]
fn a_void_rmc_is_no_fix_even_with_a_stale_place() {
    let file = log(&[
        "GPRMC,120000.00,V,4530.0000,N,01030.0000,E,10.0,90.5,010226,,,N",
        "GPGGA,120000.00,4530.0000,N,01030.0000,E,0,00,99.9,100.5,M,47.0,M,,",
        "GPRMC,120000.10,A,4530.0000,N,01030.0000,E,10.0,90.5,010226,,,A",
    ]);
    let kept = keep(Format::Nmea, file);
    assert_eq!(kept.fixes.len(), 1);
    assert_eq!(kept.rejected, [(Rejection::NoFix, 1)]);
}

#[test]
fn a_place_the_receiver_disowns_is_no_fix_whichever_sentence_says_so() {
    let file = log(&[
        "GPRMC,120000.00,A,4530.0000,N,01030.0000,E,10.0,90.5,010226,,,A",
        "GPRMC,120000.10,A,4530.0000,N,01030.0000,E,10.0,90.5,010226,,,N",
        "GPRMC,120000.20,A,4530.0000,N,01030.0000,E,10.0,90.5,010226,,,A",
        "GPGGA,120000.20,4530.0000,N,01030.0000,E,0,00,99.9,100.5,M,47.0,M,,",
        "GPGGA,120000.30,4530.0000,N,01030.0000,E,0,00,99.9,100.5,M,47.0,M,,",
        "GPRMC,120000.30,A,4530.0000,N,01030.0000,E,10.0,90.5,010226,,,A",
    ]);
    let kept = keep(Format::Nmea, file);
    assert_eq!(kept.fixes.len(), 1);
    assert_eq!(
        kept.rejected,
        [
            (Rejection::NoFix, 2),
            (Rejection::NoFix, 4),
            (Rejection::NoFix, 6)
        ]
    );
}

#[test]
fn accuracy_is_two_and_a_half_metres_for_a_dilution_of_one_and_useless_for_guesses() {
    let second = |mode: &str, quality: &str| {
        let bodies = [
            format!("GPRMC,120000.10,A,4530.0000,N,01030.0000,E,10.0,90.5,010226,,,{mode}"),
            format!("GPGGA,120000.10,4530.0000,N,01030.0000,E,{quality},09,0.8,100.5,M,47.0,M,,"),
        ];
        keep(Format::Nmea, log(&bodies.each_ref().map(String::as_str)))
    };
    let measured = second("A", "1");
    assert_close(measured.fixes[0].accuracy_m.into(), 2.0, 1e-6);
    assert_eq!(measured.message_codes(), [""; 0]);
    for (mode, quality) in [("E", "1"), ("S", "8"), ("M", "7"), ("A", "6")] {
        let guessed = second(mode, quality);
        assert_eq!(guessed.fixes[0].accuracy_m, 100.0, "{mode} {quality}");
        assert_eq!(
            guessed.message_codes(),
            ["estimated_positions"],
            "{mode} {quality}"
        );
    }
}

#[test]
fn midnight_goes_on_in_clock_and_date() {
    let file = log(&[
        "GPRMC,235959.90,A,4530.0000,N,01030.0000,E,10.0,90.5,311225,,,A",
        "GPRMC,000000.00,A,4530.0000,N,01030.0000,E,10.0,90.5,010126,,,A",
    ]);
    let kept = keep(Format::Nmea, file);
    assert_close(kept.fixes[1].clock_s - kept.fixes[0].clock_s, 0.1, 1e-6);
    assert_close(kept.fixes[1].utc_ms - kept.fixes[0].utc_ms, 100.0, 1e-3);
}

/// Clock of the second fix after the first and how far its UTC is ahead, for two moments told as `(time, date)`.
fn steps_s(moments: [(&str, &str); 2]) -> [f64; 2] {
    let bodies =
        moments.map(|(time, date)| format!("GPRMC,{time},A,4530.0000,N,01030.0000,E,10.0,90.5,{date},,,A"));
    let kept = keep(Format::Nmea, log(&bodies.each_ref().map(String::as_str)));
    let [first, second] = kept.fixes.as_slice() else {
        panic!("{:?}", kept.fixes)
    };
    [
        second.clock_s - first.clock_s,
        (second.utc_ms - first.utc_ms) / 1000.0,
    ]
}

#[test]
fn the_next_day_comes_a_day_later_whatever_its_hour() {
    for (next, expected_s) in [
        ("130000.00", 90_000.0),
        ("110000.00", 82_800.0),
        ("120000.00", 86_400.0),
    ] {
        let [clock_s, utc_s] = steps_s([("120000.00", "010120"), (next, "020120")]);
        assert_close(clock_s, expected_s, 1e-6);
        assert_close(utc_s, expected_s, 1e-6);
    }
}

#[test]
fn midnight_passes_although_the_date_stays() {
    let [clock_s, utc_s] = steps_s([("235959.00", "311225"), ("000001.00", "311225")]);
    assert_close(clock_s, 2.0, 1e-6);
    assert_close(utc_s, 2.0, 1e-6);
    let late = [
        ("235959.00", "311225"),
        ("000001.00", "311225"),
        ("000002.00", "010126"),
    ]
    .map(|(time, date)| format!("GPRMC,{time},A,4530.0000,N,01030.0000,E,10.0,90.5,{date},,,A"));
    let kept = keep(Format::Nmea, log(&late.each_ref().map(String::as_str)));
    assert_close(kept.fixes[2].clock_s - kept.fixes[0].clock_s, 3.0, 1e-6);
    assert_close(kept.fixes[2].utc_ms - kept.fixes[0].utc_ms, 3000.0, 1e-3);
}

#[test]
fn a_receiver_that_learns_the_date_is_no_pause_of_years() {
    let [clock_s, utc_s] = steps_s([("120000.00", "060180"), ("120001.00", "201126")]);
    assert_close(clock_s, 1.0, 1e-6);
    assert!(utc_s > 1e9, "what it said stays: {utc_s}");
}

#[test]
fn gga_alone_gives_places_and_a_message_that_the_date_is_unknown() {
    let file = log(&["GPGGA,120000.00,4530.0000,N,01030.0000,E,1,09,0.8,100.5,M,47.0,M,,"]);
    let kept = keep(Format::Nmea, file);
    assert_eq!(kept.fixes.len(), 1);
    assert!(kept.fixes[0].utc_ms.is_nan());
    assert_eq!(kept.message_codes(), ["no_date"]);
}

#[test]
fn numbers_that_cannot_be_are_malformed() {
    let file = log(&[
        "GPRMC,120000.00,A,4530.0000,N,01030.0000,E,10.0,90.5,010226,,,A",
        "GPRMC,126100.00,A,4530.0000,N,01030.0000,E,10.0,90.5,010226,,,A",
        "GPRMC,120000.20,A,4575.0000,N,01030.0000,E,10.0,90.5,010226,,,A",
        "GPRMC,120000.30,A,4530.0000,N,19030.0000,E,10.0,90.5,010226,,,A",
        "GPRMC,120000.40,A,4530.0000,N,01030.0000,E,fast,90.5,010226,,,A",
        "GPRMC,120000.50,A,4530.0000,N,01030.0000,E,10.0,90.5,320226,,,A",
    ]);
    let kept = keep(Format::Nmea, file);
    assert_eq!(kept.fixes.len(), 1);
    let lines: Vec<u64> = kept.rejected.iter().map(|(_, line)| *line).collect();
    assert_eq!(lines, [2, 3, 4, 5, 6]);
    assert!(kept.rejected.iter().all(|(why, _)| *why == Rejection::Malformed));
}

#[test]
fn a_log_cut_within_its_last_sentence_loses_only_that() {
    let file = log(&["GPRMC,120000.00,A,4530.0000,N,01030.0000,E,10.0,90.5,010226,,,A"]);
    let kept = keep(Format::Nmea, format!("{file}$GPRMC,120000.10,A,4530.0"));
    assert_eq!(kept.fixes.len(), 1);
    assert_eq!(kept.rejected, [(Rejection::Checksum, 2)]);
}

#[test]
fn text_without_a_sentence_says_where_it_ended() {
    let error = try_keep(Format::Nmea, b"hello\nworld\n").expect_err("nothing to read");
    assert!(matches!(error, ReadError::HeaderOnly { line: 2, .. }), "{error}");
    assert_eq!(error.line(), Some(2));
}
