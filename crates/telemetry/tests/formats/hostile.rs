//! Input that is torn, empty, of another kind or made to hurt: every reader ends, says what was wrong and where, and
//! holds no more than its bounds.

use std::io::{BufRead, BufReader, Read};

use telemetry::formats::{Format, detect, read};
use telemetry::sink::Rejection;

use crate::support::{Kept, keep, try_keep};

/// A small whole file of each format.
fn samples() -> Vec<(Format, Vec<u8>)> {
    let nmea = b"$GPRMC,120000.00,A,4530.0000,N,01030.0000,E,10.0,90.5,010226,,,A*57\r\n".repeat(2);
    let mut pvt = vec![0xB5, 0x62, 0x01, 0x07, 92, 0];
    pvt.extend([0; 92]);
    pvt.extend([0x64, 0xC1]);
    let texts = [
        (
            Format::FieldpostCsv,
            "tick_ms,row_type,acc_x,acc_y,acc_z,gyro_x,gyro_y,gyro_z,lat,lon,alt,speed,sats,vbat\n\
                                100,G,0,0,1,0,0,0,45.5,10.5,100.5,36.0,9,12.1\n",
        ),
        (
            Format::Vbo,
            "File created on 01/02/2026 at 10:11:00\n[laptiming]\nStart +00630.0 +02730.0 +00629.9 +02730.0 x\n\
                       [column names]\nsats time lat long velocity heading height\n[data]\n\
                       008 101112.50 +02730.000000 +00630.000000 036.000 091.97 +0149.81\n",
        ),
        (
            Format::RacechronoCsv,
            "This file is created using RaceChrono Pro v9\nFormat,3\n\n\
                                 timestamp,lap_number,latitude,longitude,speed\nunix time,,deg,deg,m/s\n,,100: gps,100: gps,100: gps\n\
                                 1769940672.5,1,45.5,10.5,10.0\n",
        ),
        (
            Format::Racecapture,
            "\"Interval\"|\"ms\"|1,\"Utc\"|\"ms\"|1,\"Latitude\"|\"Deg\"|1,\"Longitude\"|\"Deg\"|1\n1,0,45.5,10.5\n",
        ),
        (
            Format::RaceboxCsv,
            "Record,Time,Latitude,Longitude,Altitude,Speed,GForceX,GForceY,GForceZ,Lap\n\
                              1,2026-02-01T10:11:12.500Z,45.5,10.5,100.5,36.0,0.1,0.2,1.0,0\n",
        ),
        (
            Format::Trackaddict,
            "# RaceRender Data: TrackAddict 4\n\"Time\",\"UTC Time\",\"GPS_Update\",\"GPS_Delay\",\"Latitude\",\"Longitude\"\n\
                               1.0,1769940672.5,1,0.0,45.5,10.5\n# Lap 1: 00:01:00.000\n",
        ),
        (
            Format::AimCsv,
            "Format,AiM CSV File,,\nDuration,200.5,,\nBeacon Markers,60.25,120.5,200.5\n\n\
                          Time,GPS Speed,GPS Latitude,GPS Longitude\ns,km/h,deg,deg\n\n0.05,36.0,45.5,10.5\n",
        ),
        (
            Format::Gpx,
            "<?xml version=\"1.0\"?>\n<gpx version=\"1.1\"><trk><trkseg>\n<trkpt lat=\"45.5\" lon=\"10.5\">\
                       <ele>100.5</ele><time>2026-02-01T10:11:12Z</time></trkpt>\n</trkseg></trk></gpx>\n",
        ),
        (
            Format::Dovex,
            "timestamp,sats,hdop,lat,lng,speed_mph\n1769947200040,9,1.1,45.5,10.5,22.4\n",
        ),
    ];
    let texts = texts
        .into_iter()
        .map(|(format, text)| (format, text.as_bytes().to_vec()));
    texts.chain([(Format::Nmea, nmea), (Format::Ubx, pvt)]).collect()
}

#[test]
fn every_format_has_a_sample_that_is_recognised_and_read() {
    let samples = samples();
    assert_eq!(samples.len(), Format::ALL.len());
    for (format, bytes) in samples {
        let kept = keep(format, &bytes);
        assert_eq!(kept.fixes.len() + kept.rejected.len(), 1, "{format}: one record");
    }
}

#[test]
fn a_file_cut_at_any_byte_ends_without_a_panic_and_errors_have_words_and_a_place() {
    for (format, bytes) in samples() {
        for length in 0..bytes.len() {
            let head = &bytes[..length];
            if let Err(error) = try_keep(format, head) {
                assert!(!error.code().is_empty());
                let said = error.to_string();
                assert!(
                    said.contains("line") || error.line().is_none(),
                    "{format}: {said}"
                );
            }
            let _ = detect(head);
        }
    }
}

#[test]
fn any_wrong_byte_anywhere_ends_without_a_panic() {
    for (format, bytes) in samples() {
        for at in 0..bytes.len() {
            for wrong in [0, b'\n', b',', b'"', b'<', b'9', b'-', 0xFF] {
                let mut bytes = bytes.clone();
                bytes[at] = wrong;
                let _ = try_keep(format, &bytes);
                let _ = detect(&bytes);
            }
        }
    }
}

#[test]
fn every_reader_survives_every_other_makers_file_and_no_file_at_all() {
    for format in Format::ALL {
        for (_, bytes) in samples() {
            let _ = try_keep(format, &bytes);
        }
        let error = try_keep(format, b"").expect_err("nothing to read");
        assert!(!error.to_string().is_empty());
        let picture = try_keep(format, b"\xFF\xD8\xFF\xE0\x00\x10JFIF\x00\n\x01\x02\n");
        assert!(picture.map_or(true, |kept| kept.fixes.is_empty()), "{format}");
    }
}

#[test]
fn a_name_says_nothing_about_the_content() {
    // Whatever a file is called, only its bytes reach the detector: a VBO sent as `.csv` is a VBO.
    for (format, bytes) in samples() {
        assert_eq!(detect(&bytes), Ok(format));
    }
}

#[test]
fn an_overlong_line_is_skipped_and_told_and_the_rest_is_read() {
    let mut file = b"timestamp,sats,hdop,lat,lng,speed_mph\n".to_vec();
    file.extend(std::iter::repeat_n(b'7', 200_000));
    file.extend(b"\n1769947200040,9,1.1,45.5,10.5,22.4\n");
    let kept = keep(Format::Dovex, file);
    assert_eq!(kept.fixes.len(), 1);
    assert_eq!(kept.rejected, [(Rejection::Malformed, 2)]);
    assert_eq!(kept.message_codes(), ["line_too_long"]);
}

#[test]
fn the_empty_sectors_of_a_preallocated_file_are_no_rows() {
    let mut file = b"timestamp,sats,hdop,lat,lng,speed_mph\n1769947200040,9,1.1,45.5,10.5,22.4\n".to_vec();
    file.extend(std::iter::repeat_n(0, 300_000));
    file.extend(b"1769947200080,9,1.1,45.5,10.5,22.4\n");
    file.extend(std::iter::repeat_n(0xFF, 300_000));
    let kept = keep(Format::Dovex, &file[..]);
    assert_eq!(kept.fixes.len(), 2, "the row behind the hole is read");
    assert_eq!(kept.rejected, []);
}

#[test]
fn more_columns_than_any_logger_has_are_refused() {
    let header = format!("timestamp,sats,hdop,lat,lng{}\n1\n", ",x".repeat(5000));
    let error = try_keep(Format::Dovex, header.as_bytes()).expect_err("too many");
    assert_eq!((error.code(), error.line()), ("too_many_columns", Some(1)));
}

/// Bytes without end, until `left` runs out.
struct Endless {
    byte: u8,
    left: usize,
}

impl Read for Endless {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let count = out.len().min(self.left);
        out[..count].fill(self.byte);
        self.left -= count;
        Ok(count)
    }
}

#[test]
fn a_stream_of_one_byte_ends_in_every_reader() {
    for format in Format::ALL {
        for byte in [0, b'x', b'<', b'"', b',', 0xB5, b'\n'] {
            let mut input = BufReader::new(Endless { byte, left: 400_000 });
            let mut kept = Kept::default();
            let _ = read(format, &mut input as &mut dyn BufRead, &mut kept);
            assert!(
                kept.rejected.len() <= 1 && kept.messages.len() <= 1,
                "{format} {byte}"
            );
        }
    }
}

#[test]
fn a_reading_error_says_after_which_line() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("the card was pulled"))
        }
    }
    let good = b"timestamp,sats,hdop,lat,lng,speed_mph\n1769947200040,9,1.1,45.5,10.5,22.4\n";
    let mut input = BufReader::new(good.chain(Broken));
    let error = read(Format::Dovex, &mut input, &mut Kept::default()).expect_err("broken");
    assert_eq!((error.code(), error.line()), ("read_failed", Some(2)));
    assert!(error.to_string().contains("the card was pulled"));
}
