//! GPX 1.0 and 1.1: track points as fixes, waypoints named Start and Finish as gates.
//!
//! Several `trkseg` are one ride. Speed and course are read where a file has them (GPX 1.0 and Garmin's extension), and
//! satellites as `sat` or RaceBox's `siv`; other extensions are passed over. A point without a time is of no use here.

mod xml;

use std::io::BufRead;

use crate::model::{DeclaredGate, Fix, GateRole, GateShape, Message, Meta};
use crate::sink::{Rejection, Sink};

use super::cells::{is_place, number};
use super::channels::narrow;
use super::date::iso_utc_ms;
use super::{Format, ReadError};

use xml::{Broken, Node, Nodes};

/// How near a waypoint the line across the track is looked for: half a wide straight.
const GATE_RADIUS_M: f64 = 15.0;

pub(super) fn read(input: &mut dyn BufRead, sink: &mut dyn Sink) -> Result<(), ReadError> {
    let mut nodes = Nodes::new(input);
    let mut track = Track::default();
    loop {
        match nodes.next() {
            Ok(Some(node)) => track.take(node, sink),
            Ok(None) => break,
            Err(Broken::Io(source)) => {
                return Err(ReadError::Io {
                    line: nodes.line(),
                    source,
                });
            }
            // What was read before the damage is good; markup behind it is not.
            Err(Broken::Markup(cause)) if track.points > 0 => {
                sink.message(broken(&cause, nodes.line()));
                break;
            }
            Err(Broken::Markup(cause)) => {
                return Err(ReadError::Xml {
                    line: nodes.line(),
                    cause,
                });
            }
        }
    }
    if track.points == 0 {
        return Err(ReadError::HeaderOnly {
            format: Format::Gpx,
            line: nodes.line(),
        });
    }
    if track.without_time > 0 {
        sink.message(Message {
            code: "no_time".into(),
            text: format!(
                "{} points have no time and were left out; a planned route has none.",
                track.without_time
            ),
            line: None,
        });
    }
    Ok(())
}

fn broken(cause: &str, line: u64) -> Message {
    Message {
        code: "broken_xml".into(),
        text: format!("The XML is broken ({cause}); everything before is used, what follows is not."),
        line: Some(line),
    }
}

#[derive(Default)]
struct Track {
    points: u64,
    without_time: u64,
    open: Option<Point>,
}

/// A `trkpt` or `wpt` being read.
struct Point {
    is_waypoint: bool,
    fix: Fix,
    name: String,
}

impl Track {
    fn take(&mut self, node: Node<'_>, sink: &mut dyn Sink) {
        match node {
            Node::Open {
                name: "gpx",
                creator: Some(creator),
                ..
            } => sink.meta(Meta::DeviceName(creator)),
            Node::Open {
                name: name @ ("trkpt" | "wpt"),
                lat,
                lon,
                ..
            } => {
                let fix = Fix::at(f64::NAN, degrees(&lat), degrees(&lon));
                self.open = Some(Point {
                    is_waypoint: name == "wpt",
                    fix,
                    name: String::new(),
                });
            }
            Node::Open { .. } => {}
            Node::Text { of, text } => {
                if let Some(point) = &mut self.open {
                    point.set(of, text);
                }
            }
            Node::Close {
                name: "trkpt" | "wpt",
                line,
            } => {
                if let Some(point) = self.open.take() {
                    self.finish(point, line, sink);
                }
            }
            Node::Close { .. } => {}
            Node::BreaksOff { line } => sink.message(Message {
                code: "cut_off".into(),
                text: "The file breaks off before its last element is closed. Everything before it is used."
                    .into(),
                line: Some(line),
            }),
        }
    }

    fn finish(&mut self, point: Point, line: u64, sink: &mut dyn Sink) {
        if !point.is_waypoint {
            self.points += 1;
        }
        let fix = point.fix;
        if !is_place(fix.lat_deg, fix.lon_deg) {
            return sink.rejected(Rejection::Malformed, line);
        }
        if point.is_waypoint {
            if let Some(role) = role_of(&point.name) {
                let shape = GateShape::Radius {
                    at: (fix.lat_deg, fix.lon_deg),
                    radius_m: GATE_RADIUS_M,
                };
                sink.gate(DeclaredGate {
                    role,
                    alternatives: vec![shape],
                    label: point.name,
                    line: Some(line),
                });
            }
            return;
        }
        if fix.utc_ms.is_nan() {
            self.without_time += 1;
            return sink.rejected(Rejection::Malformed, line);
        }
        sink.fix(fix);
    }
}

impl Point {
    fn set(&mut self, element: &str, text: &str) {
        let number = || number(text.as_bytes()).map_or(f32::NAN, narrow);
        match element {
            "ele" => self.fix.alt_m = number(),
            "speed" => self.fix.speed_mps = number(),
            "course" => self.fix.heading_deg = number(),
            "sat" | "siv" => self.fix.satellites = number(),
            "time" => {
                self.fix.utc_ms = iso_utc_ms(text.trim()).unwrap_or(f64::NAN);
                self.fix.clock_s = self.fix.utc_ms / 1000.0;
            }
            // Text comes in pieces where it holds entities; the first piece says what the point is.
            "name" if self.name.is_empty() => text.trim().clone_into(&mut self.name),
            _ => {}
        }
    }
}

/// NaN where the attribute is missing or no number, which is no place.
fn degrees(text: &Option<String>) -> f64 {
    text.as_deref()
        .and_then(|text| number(text.as_bytes()).ok())
        .unwrap_or(f64::NAN)
}

fn role_of(name: &str) -> Option<GateRole> {
    let name = name.to_lowercase();
    if name.starts_with("start") {
        Some(GateRole::Start)
    } else if name.starts_with("finish") {
        Some(GateRole::Finish)
    } else if name.starts_with("split") {
        Some(GateRole::Split)
    } else {
        None
    }
}
