//! Gates as a person types them, on a command line or in a form.
//!
//! Three forms, degrees with a point as decimal mark: `lat,lon;lat,lon` (two ends), `lat,lon@bearing` or
//! `lat,lon@bearing/width` (a point, the direction of travel through it, the full width in metres), `lat,lon~radius`.
//! It checks ranges; whether a gate lies anywhere near the data is for the analysis to say.

use crate::model::GateShape;

/// Width of a gate that is given without one: wider than a track and its run-off, narrower than the distance to the
/// next piece of most tracks.
pub const DEFAULT_WIDTH_M: f64 = 30.0;

/// A gate longer than this would catch other parts of the track, and other tracks.
pub const SIZE_MAX_M: f64 = 1_000.0;

const FORMS: &str = "write it as \"lat,lon;lat,lon\" (two ends), \"lat,lon@bearing\" or \"lat,lon@bearing/width\", or \
                     \"lat,lon~radius\", in degrees and metres";

/// Why a text is no gate.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum GateTextError {
    #[error("\"{text}\" is not a gate; {FORMS}")]
    NoForm { text: String },
    #[error("\"{text}\" is not a number where the {what} is expected; {FORMS}")]
    NotANumber { text: String, what: &'static str },
    #[error("the {what} {value} is outside {min} to {max}; {FORMS}")]
    OutOfRange {
        what: &'static str,
        value: f64,
        min: f64,
        max: f64,
    },
    #[error("both ends of the gate are the same point; a gate needs two different ends")]
    NoLength,
}

/// Reads any of the three forms; spaces around numbers are ignored.
///
/// ```
/// use telemetry::gate_text::parse;
/// use telemetry::model::GateShape;
///
/// let shape = parse("54.886, -2.271 @ 92 / 20")?;
/// assert_eq!(shape, GateShape::Bearing { at: (54.886, -2.271), bearing_deg: 92.0, width_m: 20.0 });
/// let error = parse("154.886,-2.271~10").unwrap_err();
/// assert!(error.to_string().starts_with("the latitude 154.886 is outside -90 to 90"));
/// # Ok::<(), telemetry::gate_text::GateTextError>(())
/// ```
pub fn parse(text: &str) -> Result<GateShape, GateTextError> {
    if let Some((a, b)) = text.split_once(';') {
        let (a, b) = (point(a)?, point(b)?);
        return if a == b {
            Err(GateTextError::NoLength)
        } else {
            Ok(GateShape::Ends { a, b })
        };
    }
    if let Some((at, direction)) = text.split_once('@') {
        let (bearing, width) = match direction.split_once('/') {
            Some((bearing, width)) => (bearing, Some(width)),
            None => (direction, None),
        };
        return Ok(GateShape::Bearing {
            at: point(at)?,
            bearing_deg: number(bearing, "bearing", 0.0, 360.0)?,
            width_m: width.map_or(Ok(DEFAULT_WIDTH_M), |width| {
                number(width, "width", 1.0, SIZE_MAX_M)
            })?,
        });
    }
    if let Some((at, radius)) = text.split_once('~') {
        let radius_m = number(radius, "radius", 1.0, SIZE_MAX_M / 2.0)?;
        return Ok(GateShape::Radius {
            at: point(at)?,
            radius_m,
        });
    }
    Err(GateTextError::NoForm {
        text: text.to_owned(),
    })
}

fn point(text: &str) -> Result<(f64, f64), GateTextError> {
    let Some((latitude, longitude)) = text.split_once(',') else {
        return Err(GateTextError::NoForm {
            text: text.trim().to_owned(),
        });
    };
    Ok((
        number(latitude, "latitude", -90.0, 90.0)?,
        number(longitude, "longitude", -180.0, 180.0)?,
    ))
}

fn number(text: &str, what: &'static str, min: f64, max: f64) -> Result<f64, GateTextError> {
    let text = text.trim();
    let value: f64 = text.parse().map_err(|_| GateTextError::NotANumber {
        text: text.to_owned(),
        what,
    })?;
    // Also refuses NaN, which Rust reads as a number.
    if (min..=max).contains(&value) {
        Ok(value)
    } else {
        Err(GateTextError::OutOfRange {
            what,
            value,
            min,
            max,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_read() {
        assert_eq!(
            parse("1.5,-2;1.6,-2.1"),
            Ok(GateShape::Ends {
                a: (1.5, -2.0),
                b: (1.6, -2.1)
            })
        );
        assert_eq!(
            parse(" 1.5 , -2 @ 359.5 "),
            Ok(GateShape::Bearing {
                at: (1.5, -2.0),
                bearing_deg: 359.5,
                width_m: DEFAULT_WIDTH_M
            })
        );
        assert_eq!(
            parse("1.5,-2@10/12.5"),
            Ok(GateShape::Bearing {
                at: (1.5, -2.0),
                bearing_deg: 10.0,
                width_m: 12.5
            })
        );
        assert_eq!(
            parse("1.5,-2~7"),
            Ok(GateShape::Radius {
                at: (1.5, -2.0),
                radius_m: 7.0
            })
        );
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, says) in [
            ("", "\"\" is not a gate"),
            ("1.5,-2", "\"1.5,-2\" is not a gate"),
            ("1.5;-2", "\"1.5\" is not a gate"),
            ("1.5,-2;1.5,-2", "both ends of the gate are the same point"),
            (
                "1.5,west~5",
                "\"west\" is not a number where the longitude is expected",
            ),
            ("1.5,NaN~5", "the longitude NaN is outside -180 to 180"),
            ("1.5,-2@400", "the bearing 400 is outside 0 to 360"),
            ("1.5,-2@10/0", "the width 0 is outside 1 to 1000"),
            ("1.5,-2~501", "the radius 501 is outside 1 to 500"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.starts_with(says), "{text}: {error}");
        }
    }
}
