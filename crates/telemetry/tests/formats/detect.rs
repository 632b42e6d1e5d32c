//! Recognition by content.

use telemetry::formats::{DetectError, Format, detect};

#[test]
fn each_format_is_known_by_what_only_its_maker_writes() {
    let heads: [(&[u8], Format); 17] = [
        (
            b"tick_ms,row_type,acc_x,acc_y,acc_z,lat,lon\r\n1,I,0,0,1,,\r\n",
            Format::FieldpostCsv,
        ),
        (
            b"timestamp,latitude,longitude,speed,satellites,imu_x,imu_y,imu_z\n",
            Format::FieldpostCsv,
        ),
        (b"gps_time,lat,lon,alt,speed,acc_x,acc_y\n", Format::FieldpostCsv),
        (
            b"File created on 1/2/2026 @ 10:00\r\n\r\n[header]\r\n",
            Format::Vbo,
        ),
        (b"[header]\nsatellites\n", Format::Vbo),
        (
            b"This file is created using RaceChrono Pro v9 ( http://racechrono.com/ ).\r\nFormat,3\r\n",
            Format::RacechronoCsv,
        ),
        (
            b"\"Interval\"|\"ms\"|0|0|1,\"Utc\"|\"ms\"|0|0|1\n",
            Format::Racecapture,
        ),
        (b"#\"Interval\"|\"ms\"|1,\"Utc\"|\"ms\"|1\n", Format::Racecapture),
        (b"Format,RaceBox CSV\nTrack,Somewhere\n", Format::RaceboxCsv),
        (
            b"Record,Time,Latitude,Longitude,Altitude,Speed,GForceX,GForceZ,Lap,LeanAngle\n",
            Format::RaceboxCsv,
        ),
        (
            b"Record,Time,Latitude,Longitude,Altitude,KPH,X,Y,Z,Lap\n",
            Format::RaceboxCsv,
        ),
        (
            b"# RaceRender Data: TrackAddict 4.3.5 on Android 9 [x] (Mode: 0)\n",
            Format::Trackaddict,
        ),
        (b"\"Format\",\"AIM CSV File\"\n\"Venue\",\"X\"\n", Format::AimCsv),
        (b"Format,AiM CSV File,,,\nSession,X,,,\n", Format::AimCsv),
        (
            b"<?xml version=\"1.0\"?><gpx version=\"1.1\"><trk/></gpx>",
            Format::Gpx,
        ),
        (
            b"datetime,driver,course,short_name,best_lap_ms,optimal_ms\n",
            Format::Dovex,
        ),
        (
            b"timestamp,sats,hdop,lat,lng,speed_mph,altitude_m,heading_deg\n",
            Format::Dovex,
        ),
    ];
    for (head, format) in heads {
        assert_eq!(detect(head), Ok(format), "{}", String::from_utf8_lossy(head));
    }
}

#[test]
fn a_byte_order_mark_and_latin1_do_not_matter() {
    assert_eq!(
        detect(b"\xEF\xBB\xBFThis file is created using RaceChrono Pro v9\r\nFormat,3\r\n"),
        Ok(Format::RacechronoCsv)
    );
    assert_eq!(
        detect(b"File created on 1/2/2026 at 10:00\n[header]\nH\xF6he\n"),
        Ok(Format::Vbo)
    );
}

#[test]
fn what_is_no_recording_is_refused_with_cause_and_remedy() {
    let cases: [(&[u8], &str, &str); 9] = [
        (b"", "empty_file", "the file is empty"),
        (b"\r\n  \n\0\0\0", "empty_file", "the file is empty"),
        (b"\xFF\xD8\xFF\xE0\x00\x10JFIF", "other_kind_of_file", "JPEG"),
        (b"PK\x03\x04\x14\x00", "other_kind_of_file", "unpack it"),
        (
            b"\x01\x02\x03\x04\x05\x06\x07\x08\x0B\x0E",
            "binary_file",
            "binary",
        ),
        (b"\xFF\xFEt\0i\0m\0e\0", "utf16_text", "UTF-16"),
        (b"Format,2\nSession,x\n", "unread_dialect", "CSV v3"),
        (
            b"<!DOCTYPE html><html><body>Sign in</body></html>",
            "unread_dialect",
            "web page",
        ),
        (b"\nname,price\napple,3\n", "unknown_format", "name,price"),
    ];
    for (head, code, words) in cases {
        let error = detect(head).expect_err("not a recording");
        assert_eq!(error.code(), code);
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn an_unknown_text_names_the_line_it_begins_with() {
    assert_eq!(
        detect(b"\r\nname,price\r\n"),
        Err(DetectError::Unknown {
            line: 2,
            start: "name,price".into()
        })
    );
}

#[test]
fn nmea_is_known_by_one_right_checksum_even_after_garbage() {
    assert_eq!(detect(b"\x00\xB5boot\r\n$GPTXT,01*62\r\n"), Ok(Format::Nmea));
    assert!(
        detect(b"$GPTXT,01*63\r\n").is_err(),
        "a wrong checksum is not enough"
    );
}
