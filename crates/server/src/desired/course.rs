use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::BadWish;
use crate::store::tracks::Track;

/// As many as the lap timer of a device holds.
const SPLITS_MAX: usize = 16;
const NAME_CHARS_MAX: usize = 100;
/// Ends that are closer say no direction; ends that are further apart are a mistyped coordinate.
const LINE_METRES: std::ops::RangeInclusive<f64> = 1.0..=1000.0;
const METRES_PER_DEGREE: f64 = 111_195.0;

/// A line's two ends, each `[latitude, longitude]` in degrees; seen in travel direction the left one first.
type Line = [[f64; 2]; 2];

/// A track as a device is told it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Course {
    /// `null` for one that was given by its lines.
    pub id: Option<String>,
    pub name: Option<String>,
    /// Two ends, each `[latitude, longitude]` in degrees; seen in travel direction the left one first.
    #[schema(value_type = Vec<Vec<f64>>)]
    pub gate: Line,
    /// Where it is not the gate.
    #[schema(value_type = Option<Vec<Vec<f64>>>)]
    pub finish: Option<Line>,
    #[schema(value_type = Vec<Vec<Vec<f64>>>)]
    pub splits: Vec<Line>,
}

/// A track as people ask for it: by the id of one that the team has, or by its lines.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
pub struct CourseWish {
    pub id: Option<String>,
    pub name: Option<String>,
    #[schema(value_type = Option<Vec<Vec<f64>>>)]
    pub gate: Option<Line>,
    #[schema(value_type = Option<Vec<Vec<f64>>>)]
    pub finish: Option<Line>,
    #[schema(value_type = Option<Vec<Vec<Vec<f64>>>>)]
    pub splits: Option<Vec<Line>>,
}

impl From<Track> for Course {
    fn from(track: Track) -> Self {
        Self {
            id: Some(track.id.to_string()),
            name: track.shape.name,
            gate: track.shape.gate,
            finish: track.shape.finish,
            splits: track.shape.splits,
        }
    }
}

impl CourseWish {
    /// The id that is asked for, if it is nothing but that.
    pub fn by_id(&self) -> Result<Option<&str>, BadWish> {
        let lines = self.gate.is_some() || self.finish.is_some() || self.splits.is_some();
        match (&self.id, lines || self.name.is_some()) {
            (Some(id), false) => Ok(Some(id)),
            (None, true) if self.gate.is_some() => Ok(None),
            (Some(_) | None, _) => Err(BadWish::TrackUnclear),
        }
    }

    /// The track that these lines are.
    pub fn by_lines(self) -> Result<Course, BadWish> {
        let gate = self.gate.ok_or(BadWish::TrackUnclear)?;
        let name = self.name.map(|name| name.trim().to_owned());
        if name.as_ref().is_some_and(|name| !is_name(name)) {
            return Err(BadWish::TrackName);
        }
        let splits = self.splits.unwrap_or_default();
        if splits.len() > SPLITS_MAX {
            return Err(BadWish::TooManySplits(splits.len()));
        }
        check_line("the gate", gate)?;
        if let Some(finish) = self.finish {
            check_line("the finish", finish)?;
        }
        for (index, split) in splits.iter().enumerate() {
            check_line(&format!("split {}", index + 1), *split)?;
        }
        Ok(Course {
            id: None,
            name,
            gate,
            finish: self.finish,
            splits,
        })
    }
}

fn is_name(name: &str) -> bool {
    (1..=NAME_CHARS_MAX).contains(&name.chars().count()) && !name.chars().any(char::is_control)
}

fn check_line(line: &str, ends: Line) -> Result<(), BadWish> {
    for [latitude, longitude] in ends {
        // NaN is in no range.
        if !(-90.0..=90.0).contains(&latitude) || !(-180.0..=180.0).contains(&longitude) {
            return Err(BadWish::NoPlace {
                line: line.to_owned(),
                latitude,
                longitude,
            });
        }
    }
    let metres = length_m(ends);
    if !LINE_METRES.contains(&metres) {
        let line = line.to_owned();
        return Err(BadWish::LineLength { line, metres });
    }
    Ok(())
}

/// On a sphere, as if it were flat: good to a per cent over the few metres of a line.
fn length_m([[lat_a, lon_a], [lat_b, lon_b]]: Line) -> f64 {
    let mut east = lon_b - lon_a;
    // A line may lie across the meridian where degrees turn over.
    if east.abs() > 180.0 {
        east -= 360.0_f64.copysign(east);
    }
    let shrink = f64::midpoint(lat_a, lat_b).to_radians().cos();
    (east * shrink).hypot(lat_b - lat_a) * METRES_PER_DEGREE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(gate: Line) -> CourseWish {
        CourseWish {
            id: None,
            name: Some("Home".to_owned()),
            gate: Some(gate),
            finish: None,
            splits: None,
        }
    }

    #[test]
    fn points_that_are_no_place_and_lines_that_are_no_line_are_refused() {
        let good = [[54.886, -2.271], [54.886, -2.2705]];
        assert_eq!(lines(good).by_lines().unwrap().gate, good);
        for (gate, code) in [
            ([[91.0, 0.0], [90.0, 0.0]], "bad_coordinates"),
            ([[0.0, 180.5], [0.0, 180.0]], "bad_coordinates"),
            ([[f64::NAN, 0.0], [0.0, 0.0]], "bad_coordinates"),
            ([[54.886, -2.271], [54.886, -2.271]], "bad_track"),
            ([[54.886, -2.271], [54.986, -2.271]], "bad_track"),
        ] {
            assert_eq!(lines(gate).by_lines().unwrap_err().code(), code, "{gate:?}");
        }
        let split = CourseWish {
            splits: Some(vec![good, [[54.0, 200.0], [54.0, 2.0]]]),
            ..lines(good)
        };
        assert!(
            split
                .by_lines()
                .unwrap_err()
                .to_string()
                .starts_with("split 2: [54, 200]")
        );
    }

    #[test]
    fn a_line_across_the_date_line_is_as_long_as_any() {
        let metres = length_m([[0.0, 179.9999], [0.0, -179.9999]]);
        assert!((metres - 22.24).abs() < 0.1, "{metres}");
    }

    #[test]
    fn a_track_is_asked_for_in_one_way() {
        let id = CourseWish {
            id: Some("x".to_owned()),
            name: None,
            gate: None,
            finish: None,
            splits: None,
        };
        assert_eq!(id.by_id(), Ok(Some("x")));
        let both = CourseWish {
            id: Some("x".to_owned()),
            ..lines([[0.0, 0.0], [0.0, 0.001]])
        };
        assert_eq!(both.by_id(), Err(BadWish::TrackUnclear));
        let neither = CourseWish { id: None, ..id };
        assert_eq!(neither.by_id(), Err(BadWish::TrackUnclear));
    }
}
