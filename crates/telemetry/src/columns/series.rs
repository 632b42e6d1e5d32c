//! Turning the rows of a time range into the points of a chart: all of them, or the peaks of each bucket.

use serde::Serialize;

/// One channel over a time range.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Series {
    pub name: String,
    pub unit: String,
    /// Seconds since the start of the recording, not decreasing.
    pub t_s: Vec<f64>,
    pub values: Samples,
}

/// The values, as wide as they are stored. NaN is unknown and becomes `null` in JSON.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Samples {
    F32(Vec<f32>),
    F64(Vec<f64>),
}

impl Samples {
    pub fn len(&self) -> usize {
        match self {
            Samples::F32(values) => values.len(),
            Samples::F64(values) => values.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// As `f64`, NaN where unknown.
    pub fn to_f64(&self) -> Vec<f64> {
        match self {
            Samples::F32(values) => values.iter().map(|&v| f64::from(v)).collect(),
            Samples::F64(values) => values.clone(),
        }
    }
}

/// What a stored column holds.
pub(super) trait Sample: Copy + PartialOrd {
    const UNKNOWN: Self;
    fn is_unknown(self) -> bool;
}

impl Sample for f32 {
    const UNKNOWN: Self = f32::NAN;
    fn is_unknown(self) -> bool {
        self.is_nan()
    }
}

impl Sample for f64 {
    const UNKNOWN: Self = f64::NAN;
    fn is_unknown(self) -> bool {
        self.is_nan()
    }
}

#[derive(Debug, Clone, Copy)]
struct Point<V> {
    t_s: f64,
    value: V,
}

/// How many rows a range has and which times they span.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Extent {
    pub(super) rows: usize,
    pub(super) from_s: f64,
    pub(super) to_s: f64,
}

impl Extent {
    pub(super) const EMPTY: Self = Self {
        rows: 0,
        from_s: f64::INFINITY,
        to_s: f64::NEG_INFINITY,
    };

    pub(super) fn add(&mut self, t_s: f64) {
        self.rows += 1;
        self.from_s = self.from_s.min(t_s);
        self.to_s = self.to_s.max(t_s);
    }
}

/// Collects points in time order into at most `points_max` points.
///
/// While the rows fit, each is kept. Otherwise time is cut into equal buckets and each gives its lowest and its highest
/// point, in time order; a bucket that knows nothing gives one null.
///
/// A null is put into every gap, so that a chart does not draw across. Among buckets only into those that leave a whole
/// bucket empty: its two points make room for the null, and a narrower gap could not be seen.
pub(super) struct Downsampler<V> {
    points: Vec<Point<V>>,
    buckets: Option<Buckets<V>>,
    hole_s: f64,
    last_t_s: f64,
}

struct Buckets<V> {
    from_s: f64,
    width_s: f64,
    last: usize,
    open: Option<Bucket<V>>,
}

struct Bucket<V> {
    index: usize,
    first_t_s: f64,
    peaks: Option<(Point<V>, Point<V>)>,
}

impl<V: Sample> Downsampler<V> {
    pub(super) fn new(extent: Extent, points_max: usize) -> Self {
        let length_s = extent.to_s - extent.from_s;
        let usual_step_s = length_s / extent.rows.max(1) as f64;
        let count = (points_max / 2).max(1);
        let width_s = length_s / count as f64;
        let gap_s = timing::gap_s(usual_step_s);
        let bucketed = extent.rows > points_max;
        let buckets = bucketed.then(|| Buckets {
            from_s: extent.from_s,
            width_s,
            last: count - 1,
            open: None,
        });
        Self {
            points: Vec::with_capacity(extent.rows.min(2 * count)),
            buckets,
            hole_s: if bucketed { gap_s.max(2.0 * width_s) } else { gap_s },
            last_t_s: f64::NAN,
        }
    }

    pub(super) fn add(&mut self, t_s: f64, value: V) {
        if t_s - self.last_t_s > self.hole_s {
            self.close_bucket();
            self.points.push(Point {
                t_s: (self.last_t_s + t_s) / 2.0,
                value: V::UNKNOWN,
            });
        }
        self.last_t_s = t_s;
        let Some(buckets) = &mut self.buckets else {
            self.points.push(Point { t_s, value });
            return;
        };
        // Saturating float conversion: a width of zero puts all into the last bucket.
        let index = (((t_s - buckets.from_s) / buckets.width_s) as usize).min(buckets.last);
        match &mut buckets.open {
            Some(bucket) if bucket.index == index => bucket.add(t_s, value),
            open => {
                let mut bucket = Bucket {
                    index,
                    first_t_s: t_s,
                    peaks: None,
                };
                bucket.add(t_s, value);
                if let Some(full) = open.replace(bucket) {
                    full.give(&mut self.points);
                }
            }
        }
    }

    /// Times and values. Rows out of order, as older devices wrote them, are put into order here.
    pub(super) fn finish(mut self) -> (Vec<f64>, Vec<V>) {
        self.close_bucket();
        if !self.points.is_sorted_by(|a, b| a.t_s <= b.t_s) {
            self.points.sort_by(|a, b| a.t_s.total_cmp(&b.t_s));
        }
        self.points
            .into_iter()
            .map(|point| (point.t_s, point.value))
            .unzip()
    }

    fn close_bucket(&mut self) {
        if let Some(bucket) = self.buckets.as_mut().and_then(|b| b.open.take()) {
            bucket.give(&mut self.points);
        }
    }
}

impl<V: Sample> Bucket<V> {
    fn add(&mut self, t_s: f64, value: V) {
        if value.is_unknown() {
            return;
        }
        let point = Point { t_s, value };
        match &mut self.peaks {
            None => self.peaks = Some((point, point)),
            Some((low, high)) => {
                if value < low.value {
                    *low = point;
                }
                if value > high.value {
                    *high = point;
                }
            }
        }
    }

    fn give(self, points: &mut Vec<Point<V>>) {
        match self.peaks {
            None => points.push(Point {
                t_s: self.first_t_s,
                value: V::UNKNOWN,
            }),
            Some((low, high)) if low.t_s == high.t_s => points.push(low),
            Some((low, high)) if low.t_s < high.t_s => points.extend([low, high]),
            Some((low, high)) => points.extend([high, low]),
        }
    }
}
