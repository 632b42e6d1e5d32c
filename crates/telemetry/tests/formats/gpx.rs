//! GPX with its traps.

use telemetry::formats::{Format, ReadError};
use telemetry::model::{GateRole, GateShape, Meta};
use telemetry::sink::Rejection;

use crate::support::{assert_close, keep, try_keep};

const HEAD: &str = "<?xml version=\"1.0\"?>\n<gpx version=\"1.1\" creator=\"Boxer\" xmlns=\"http://www.topografix.com/GPX/1/1\">\n";

fn point(second: u32) -> String {
    format!(
        "<trkpt lat=\"45.5\" lon=\"-10.5\"><ele>100.5</ele><time>2026-02-01T10:11:{second:02}.039Z</time></trkpt>\n"
    )
}

#[test]
fn segments_are_one_ride_and_speed_is_optional() {
    let full = "<trkpt lon=\"-10.5\" lat=\"45.5\"><ele>100.5</ele><time>2026-02-01T10:11:12.539Z</time>\
                <extensions><gpxtpx:TrackPointExtension><gpxtpx:speed>10.0</gpxtpx:speed><gpxtpx:course>93.5</gpxtpx:course>\
                </gpxtpx:TrackPointExtension></extensions><sat>9</sat></trkpt>\n";
    let siv = point(13).replace("</time>", "</time><siv>28</siv>");
    let file =
        format!("{HEAD}<trk><name>x</name><trkseg>\n{full}</trkseg><trkseg>{siv}</trkseg></trk></gpx>\n");
    let kept = keep(Format::Gpx, file);
    let [first, second] = kept.fixes.as_slice() else {
        panic!("{:?}", kept.fixes)
    };
    assert_eq!((first.lat_deg, first.lon_deg, first.alt_m), (45.5, -10.5, 100.5));
    assert_eq!(
        (first.speed_mps, first.heading_deg, first.satellites),
        (10.0, 93.5, 9.0)
    );
    assert_close(first.utc_ms, 1_769_940_672_539.0, 0.01);
    assert_close(second.clock_s - first.clock_s, 0.5, 1e-6);
    assert!(second.speed_mps.is_nan());
    assert_eq!(second.satellites, 28.0);
    assert_eq!(kept.metas, [Meta::DeviceName("Boxer".into())]);
    assert_eq!((kept.rejected.len(), kept.messages.len()), (0, 0));
}

#[test]
fn waypoints_named_start_and_finish_are_gates_and_others_are_not() {
    let way = "<wpt lat=\"45.1\" lon=\"10.1\"><name>Start</name></wpt><wpt lat=\"45.2\" lon=\"10.2\"><name>Finish</name></wpt>\
               <wpt lat=\"45.3\" lon=\"10.3\"><name>Toilets</name></wpt><wpt lat=\"45.4\" lon=\"10.4\"/>";
    let kept = keep(
        Format::Gpx,
        format!("{HEAD}{way}<trk><trkseg>{}</trkseg></trk></gpx>", point(1)),
    );
    let roles: Vec<GateRole> = kept.gates.iter().map(|gate| gate.role).collect();
    assert_eq!(roles, [GateRole::Start, GateRole::Finish]);
    let GateShape::Radius { at, .. } = kept.gates[1].alternatives[0] else {
        panic!("{:?}", kept.gates)
    };
    assert_eq!(at, (45.2, 10.2));
    assert_eq!(kept.gates[0].line, Some(3));
}

#[test]
fn points_without_time_or_place_are_rejected_with_their_line() {
    let file = format!(
        "{HEAD}<trk><trkseg>\n{}<trkpt lat=\"45.5\" lon=\"10.5\"></trkpt>\n<trkpt lat=\"95\" lon=\"10.5\"/>\n\
         <trkpt lat=\"x\" lon=\"10.5\"/>\n</trkseg></trk></gpx>",
        point(1)
    );
    let kept = keep(Format::Gpx, file);
    assert_eq!(kept.fixes.len(), 1);
    assert_eq!(kept.rejected, [5, 6, 7].map(|line| (Rejection::Malformed, line)));
    assert_eq!(kept.message_codes(), ["no_time"]);
}

#[test]
fn names_in_latin1_do_no_harm() {
    let mut file = HEAD.replace("?>", " encoding=\"ISO-8859-1\"?>").into_bytes();
    file.extend_from_slice(b"<trk><name>N\xFCrburgring</name><trkseg>");
    file.extend_from_slice(point(1).as_bytes());
    file.extend_from_slice(b"</trkseg></trk></gpx>");
    assert_eq!(keep(Format::Gpx, file).fixes.len(), 1);
}

#[test]
fn a_file_that_breaks_off_keeps_what_came_before() {
    let file = format!(
        "{HEAD}<trk><trkseg>\n{}{}<trkpt lat=\"45.5\" lo",
        point(1),
        point(2)
    );
    let kept = keep(Format::Gpx, file);
    assert_eq!(kept.fixes.len(), 2);
    assert_eq!(kept.message_codes(), ["broken_xml"]);
    assert_eq!(kept.messages[0].line, Some(6));
    let file = format!("{HEAD}<trk><trkseg>\n{}", point(1));
    let kept = keep(Format::Gpx, file);
    assert_eq!((kept.fixes.len(), kept.message_codes()), (1, vec!["cut_off"]));
}

#[test]
fn nothing_to_read_says_where() {
    let error = try_keep(Format::Gpx, format!("{HEAD}</gpx>\n").as_bytes()).expect_err("no points");
    assert!(matches!(error, ReadError::HeaderOnly { .. }), "{error}");
    assert_eq!(error.line(), Some(4));
    let error = try_keep(Format::Gpx, format!("{HEAD}<trk lat=></trk").as_bytes()).expect_err("broken");
    assert_eq!((error.code(), error.line()), ("broken_xml", Some(3)));
}

#[test]
fn endless_elements_and_nesting_are_refused() {
    let endless = format!("{HEAD}<trk name=\"{}", "x".repeat(100_000));
    assert_eq!(
        try_keep(Format::Gpx, endless.as_bytes())
            .expect_err("endless")
            .code(),
        "broken_xml"
    );
    let deep = format!("{HEAD}{}", "<a>".repeat(1000));
    assert_eq!(
        try_keep(Format::Gpx, deep.as_bytes()).expect_err("deep").code(),
        "broken_xml"
    );
}
