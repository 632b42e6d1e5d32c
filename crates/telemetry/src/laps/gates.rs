//! Which gates are used: an argument, the file's own, the file's lap marks, a known track, the driven line, in this
//! order. Every candidate that is passed over says why.

use timing::{Course, Gate, MAX_SPLITS};

use super::lay::{self, DEFAULT_WIDTH_M, Reading, Refusal};
use super::learn::learn_gate;
use crate::clean::Drive;
use crate::model::{DeclaredGate, GateRole, GateShape, LapMark, Message};
use crate::report::{self, GateSource, TrackRef};

/// A track that the caller knows; ends are `[latitude, longitude]`, left then right seen in the direction of travel.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownTrack {
    pub id: String,
    pub name: Option<String>,
    pub gate: [[f64; 2]; 2],
    pub finish: Option<[[f64; 2]; 2]>,
    pub splits: Vec<[[f64; 2]; 2]>,
}

/// Gates found in a drive, for keeping; ends as in [`KnownTrack`].
#[derive(Debug, Clone, PartialEq)]
pub struct LearnedTrack {
    pub name: Option<String>,
    pub gate: [[f64; 2]; 2],
    pub finish: Option<[[f64; 2]; 2]>,
    pub splits: Vec<[[f64; 2]; 2]>,
}

/// Everything that may tell where laps begin.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted<'a> {
    pub gate: Option<GateShape>,
    pub finish: Option<GateShape>,
    pub declared: &'a [DeclaredGate],
    pub marks: &'a [LapMark],
    pub tracks: &'a [KnownTrack],
    /// As the file names it.
    pub track_name: Option<&'a str>,
}

/// The gates in use, if any, and what to tell about the choice.
#[derive(Debug, Clone)]
pub struct Chosen {
    pub(super) course: Option<Gates>,
    pub(super) track: Option<TrackRef>,
    pub messages: Vec<Message>,
}

#[derive(Debug, Clone)]
pub(super) struct Gates {
    pub(super) start: Gate,
    pub(super) finish: Option<Gate>,
    pub(super) splits: Vec<Gate>,
    source: GateSource,
    finish_source: GateSource,
    splits_source: GateSource,
}

/// Lines of one kind on the ground that was driven: a file may declare each circuit of a site, of which few have more.
const LINES_TRIED: usize = 8;
/// A separate finish this close to the start is the same line.
const SAME_LINE_M: f64 = 5.0;
/// Lap marks further from each other than this are not one gate.
const MARKS_SPREAD_M: f64 = 50.0;

/// Decides on the gates.
pub fn choose(drive: &Drive, wanted: &Wanted<'_>) -> Chosen {
    let mut messages = Vec::new();
    let known = known_track(drive, wanted.tracks);
    let track = known.as_ref().map(|(track, _)| *track);
    let mut course = if drive.len() < 2 {
        None
    } else {
        first_that_fits(drive, wanted, known, &mut messages)
    };
    if let (Some(course), Some(shape)) = (&mut course, wanted.finish) {
        match lay::lay(drive, shape, Reading::Ends) {
            Ok(gate) => {
                course.finish = Some(gate);
                course.finish_source = GateSource::Argument;
            }
            Err(refusal) => messages.push(refused(refusal, "The finish that was given", None)),
        }
    }
    if course.is_none() && wanted.gate.is_none() {
        messages.push(message(
            "no_gate",
            "No start line was given or found: the recording declares none on this ground, no known track fits, and the \
             driven line does not pass one fast, straight place three times. Give a gate to get laps."
                .to_owned(),
            None,
        ));
    }
    let name = wanted.track_name.map(str::to_owned);
    let track = match track {
        Some(track) => Some(TrackRef {
            id: Some(track.id.clone()),
            name: track.name.clone().or(name),
            length_m: None,
        }),
        None => name.map(|name| TrackRef {
            id: None,
            name: Some(name),
            length_m: None,
        }),
    };
    Chosen {
        course,
        track,
        messages,
    }
}

fn first_that_fits(
    drive: &Drive,
    wanted: &Wanted<'_>,
    known: Option<(&KnownTrack, Gates)>,
    messages: &mut Vec<Message>,
) -> Option<Gates> {
    if let Some(shape) = wanted.gate {
        // Who gives a gate wants that gate: another one in its place would be an answer to another question.
        return match lay::lay(drive, shape, Reading::Ends) {
            Ok(gate) => Some(Gates::from(gate, GateSource::Argument)),
            Err(refusal) => {
                messages.push(refused(refusal, "The gate that was given", None));
                None
            }
        };
    }
    declared(drive, wanted.declared, messages)
        .or_else(|| marked(drive, wanted.marks).map(|gate| Gates::from(gate, GateSource::Markers)))
        .or_else(|| known.map(|(_, gates)| gates))
        .or_else(|| learn_gate(drive).map(|gate| Gates::from(gate, GateSource::Learned)))
}

impl Gates {
    fn from(start: Gate, source: GateSource) -> Self {
        let (finish_source, splits_source) = (source.clone(), source.clone());
        Self {
            start,
            finish: None,
            splits: Vec::new(),
            source,
            finish_source,
            splits_source,
        }
    }

    /// Splits laid by [`super::sectors`].
    pub(super) fn with_learned_splits(&mut self, splits: Vec<Gate>) {
        self.splits = splits;
        self.splits_source = GateSource::Learned;
    }

    pub(super) fn course(&self) -> Course {
        let mut course = match self.finish {
            Some(finish) => Course::stage(self.start, finish),
            None => Course::circuit(self.start),
        };
        for split in &self.splits {
            // `declared` and `sectors` lay no more than fit.
            if course.add_split(*split).is_err() {
                break;
            }
        }
        course
    }

    pub(super) fn report_start(&self, drive: &Drive) -> report::Gate {
        in_degrees(drive, &self.start, &self.source)
    }

    pub(super) fn report_finish(&self, drive: &Drive) -> Option<report::Gate> {
        self.finish
            .as_ref()
            .map(|gate| in_degrees(drive, gate, &self.finish_source))
    }

    pub(super) fn report_splits(&self, drive: &Drive) -> Vec<report::Gate> {
        self.splits
            .iter()
            .map(|gate| in_degrees(drive, gate, &self.splits_source))
            .collect()
    }

    /// The gates for keeping, when this drive is where they come from.
    pub(super) fn as_learned_track(&self, drive: &Drive, name: Option<&str>) -> Option<LearnedTrack> {
        let ends = |gate: &Gate| {
            let gate = in_degrees(drive, gate, &self.source);
            [gate.a, gate.b]
        };
        (self.source == GateSource::Learned).then(|| LearnedTrack {
            name: name.map(str::to_owned),
            gate: ends(&self.start),
            finish: self.finish.as_ref().map(ends),
            splits: self.splits.iter().map(ends).collect(),
        })
    }
}

fn in_degrees(drive: &Drive, gate: &Gate, source: &GateSource) -> report::Gate {
    let degrees = |point| {
        let (lat_deg, lon_deg) = drive.plane().degrees(point);
        // A tenth of a micrometre: what is left are the digits of the calculation, not of the place.
        [lat_deg, lon_deg].map(|deg| (deg * 1e12).round() / 1e12)
    };
    report::Gate {
        a: degrees(gate.left()),
        b: degrees(gate.right()),
        source: source.clone(),
        bearing_deg: (gate.forward().bearing_deg() * 1e3).round() / 1e3 % 360.0,
    }
}

/// The file's own gates, if its start lies on what was driven.
fn declared(drive: &Drive, gates: &[DeclaredGate], messages: &mut Vec<Message>) -> Option<Gates> {
    let mut laid = |role: GateRole, name: &str, most: usize| {
        let gates: Vec<_> = gates.iter().filter(|gate| gate.role == role).collect();
        laid(drive, &gates, name, most, messages)
    };
    let start = laid(GateRole::Start, "start line", 1).into_iter().next();
    let finish = laid(GateRole::Finish, "finish line", 1).into_iter().next();
    let mut course = Gates::from(start?, GateSource::File);
    course.finish =
        finish.filter(|finish| (finish.centre() - course.start.centre()).length_m() > SAME_LINE_M);
    course.splits = laid(GateRole::Split, "split line", MAX_SPLITS);
    Some(course)
}

/// The first `most` of these gates that lie on what was driven, with a word about all others.
fn laid(
    drive: &Drive,
    gates: &[&DeclaredGate],
    name: &str,
    most: usize,
    messages: &mut Vec<Message>,
) -> Vec<Gate> {
    let away = gates.iter().map(|gate| (*gate, away_m(drive, gate)));
    let (far, near): (Vec<_>, Vec<_>) = away.partition(|(_, away_m)| *away_m > lay::NEAR_M);
    messages.extend(elsewhere(&far, name));
    let mut lines = Vec::new();
    let mut tried = 0;
    // Laying a gate looks at the whole drive, so only as many are laid as may be needed.
    for (gate, _) in near.iter().take(LINES_TRIED.max(most)) {
        if lines.len() == most {
            break;
        }
        tried += 1;
        match best_reading(drive, gate) {
            Ok(line) => lines.push(line),
            Err(refusal) => messages.push(refused(refusal, &format!("A {name} in the file"), gate.line)),
        }
    }
    if let Some((untried, _)) = near.get(tried) {
        messages.push(message(
            "gates_not_tried",
            format!(
                "The file declares {} {name}s on this ground; {} of the first {tried} are used and the rest was not \
                 looked at.",
                near.len(),
                lines.len()
            ),
            untried.line,
        ));
    }
    lines
}

/// From the nearest reading of a gate to everything driven.
fn away_m(drive: &Drive, gate: &DeclaredGate) -> f64 {
    let readings = gate.alternatives.iter();
    let away_m = readings.map(|shape| lay::distance_from_drive_m(drive, lay::place_of(*shape)));
    away_m.reduce(f64::min).unwrap_or(0.0)
}

/// One word about all lines of other circuits.
fn elsewhere(far: &[(&DeclaredGate, f64)], name: &str) -> Option<Message> {
    let (first, _) = far.first()?;
    let nearest_m = far
        .iter()
        .map(|(_, away_m)| *away_m)
        .fold(f64::INFINITY, f64::min);
    if let [_] = far {
        return Some(refused(
            Refusal::TooFar(nearest_m),
            &format!("The {name} in the file"),
            first.line,
        ));
    }
    Some(message(
        "gate_too_far",
        format!(
            "{} {name}s in the file are {:.0} km and more away from everything driven, so they belong to other circuits \
             and were not used.",
            far.len(),
            nearest_m / 1000.0
        ),
        first.line,
    ))
}

/// The first reading of a declared gate that lies near the drive and is crossed; failing that, the first that is near.
fn best_reading(drive: &Drive, gate: &DeclaredGate) -> Result<Gate, Refusal> {
    let mut near = None;
    let mut refusal = Refusal::NoWidth;
    for (i, shape) in gate.alternatives.iter().enumerate() {
        match lay::lay(drive, *shape, Reading::Unsure) {
            Ok(line) if lay::crossings(drive, &line) > 0 => return Ok(line),
            Ok(line) => near = near.or(Some(line)),
            Err(why) if i == 0 => refusal = why,
            Err(_) => {}
        }
    }
    near.ok_or(refusal)
}

/// The gate through the places where the file says that laps begin.
fn marked(drive: &Drive, marks: &[LapMark]) -> Option<Gate> {
    let places: Vec<_> = marks
        .iter()
        .filter(|mark| mark.lat_deg.is_finite() && mark.lon_deg.is_finite())
        .map(|mark| (mark, drive.plane().point(mark.lat_deg, mark.lon_deg)))
        .collect();
    let first = places.first()?.1;
    if places.len() < 2
        || places
            .iter()
            .any(|(_, at)| (*at - first).length_m() > MARKS_SPREAD_M)
    {
        return None;
    }
    let centre = places
        .iter()
        .fold(timing::Point::default(), |sum, (_, at)| sum + *at)
        * (1.0 / places.len() as f64);
    let shape_at = drive.plane().degrees(centre);
    lay::lay(
        drive,
        GateShape::Radius {
            at: shape_at,
            radius_m: 0.5 * DEFAULT_WIDTH_M,
        },
        Reading::Ends,
    )
    .ok()
}

/// The known track whose gate was crossed most often; of equals the first.
fn known_track<'a>(drive: &Drive, tracks: &'a [KnownTrack]) -> Option<(&'a KnownTrack, Gates)> {
    let mut best: Option<(usize, &KnownTrack, Gates)> = None;
    for track in tracks {
        let place = (track.gate[0][0], track.gate[0][1]);
        if lay::distance_from_drive_m(drive, place) > lay::NEAR_M {
            continue;
        }
        let line = |ends: &[[f64; 2]; 2]| {
            let [left, right] = ends.map(|end| drive.plane().point(end[0], end[1]));
            Gate::between(left, right)
        };
        let Some(start) = line(&track.gate) else { continue };
        let passes = lay::crossings(drive, &start);
        if passes > best.as_ref().map_or(0, |(most, _, _)| *most) {
            let mut gates = Gates::from(start, GateSource::Track);
            gates.finish = track.finish.as_ref().and_then(line);
            gates.splits = track.splits.iter().filter_map(line).take(MAX_SPLITS).collect();
            best = Some((passes, track, gates));
        }
    }
    best.map(|(_, track, gates)| (track, gates))
}

pub(super) fn never_crossed() -> Message {
    message(
        "gate_not_crossed",
        "The start line was never crossed in the recording, so there are no laps. Check the place and the direction \
         of the gate."
            .to_owned(),
        None,
    )
}

fn refused(refusal: Refusal, what: &str, line: Option<u64>) -> Message {
    match refusal {
        Refusal::TooFar(away_m) => message(
            "gate_too_far",
            format!(
                "{what} is {:.0} km away from everything driven, so it belongs to another circuit and was not used.",
                away_m / 1000.0
            ),
            line,
        ),
        Refusal::NotPassed => message(
            "gate_not_passed",
            format!("{what} was never passed within its radius; a larger radius or another point would be."),
            line,
        ),
        Refusal::NoWidth => message(
            "gate_without_width",
            format!("{what} has both ends at one point; give two ends, a bearing or a radius."),
            line,
        ),
    }
}

fn message(code: &str, text: String, line: Option<u64>) -> Message {
    Message {
        code: code.to_owned(),
        text,
        line,
    }
}
