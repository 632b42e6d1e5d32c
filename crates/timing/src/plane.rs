//! A flat metric plane around one place on the WGS-84 ellipsoid.
//!
//! Second-order local expansion with both radii of curvature: within 3 km of the origin a point is less than 1 mm from
//! its geodesic east/north place, within 10 km less than 3 cm. There is no trigonometry per point, so a device without
//! a double-precision unit can afford it at 25 Hz. It does not know altitude, and it is meaningless thousands of
//! kilometres away: [`great_circle_m`] is for asking whether something is near at all.

use crate::Point;

const WGS84_A_M: f64 = 6_378_137.0;
const WGS84_E2: f64 = 0.006_694_379_990_141_316;
const MEAN_RADIUS_M: f64 = 6_371_008.8;
const RAD_PER_DEG: f64 = core::f64::consts::PI / 180.0;

/// Turns degrees into metres east and north of an origin, and back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plane {
    lat_deg: f64,
    lon_deg: f64,
    /// Metres per radian of latitude (meridian radius) and of longitude (prime vertical radius times cosine).
    north_m: f64,
    east_m: f64,
    /// Second order: the shrinking of a parallel, the curving of a parallel, the growth of the meridian radius.
    shrink_m: f64,
    curve_m: f64,
    growth_m: f64,
}

impl Plane {
    /// A plane whose (0, 0) is the given place.
    pub fn at(lat_deg: f64, lon_deg: f64) -> Self {
        let (sin, cos) = libm::sincos(lat_deg * RAD_PER_DEG);
        let w2 = 1.0 - WGS84_E2 * sin * sin;
        let prime_m = WGS84_A_M / libm::sqrt(w2);
        let meridian_m = prime_m * (1.0 - WGS84_E2) / w2;
        Self {
            lat_deg,
            lon_deg,
            north_m: meridian_m,
            east_m: prime_m * cos,
            shrink_m: meridian_m * sin,
            curve_m: 0.5 * prime_m * sin * cos,
            growth_m: 1.5 * meridian_m * WGS84_E2 * sin * cos / w2,
        }
    }

    /// Metres east (`x_m`) and north (`y_m`) of the origin; right across the date line too.
    pub fn point(&self, lat_deg: f64, lon_deg: f64) -> Point {
        let north = (lat_deg - self.lat_deg) * RAD_PER_DEG;
        let east = wrapped_deg(lon_deg - self.lon_deg) * RAD_PER_DEG;
        Point {
            x_m: east * (self.east_m - self.shrink_m * north),
            y_m: north * (self.north_m + self.growth_m * north) + self.curve_m * east * east,
        }
    }

    /// The place of a point as (latitude, longitude) in degrees: the inverse of [`Plane::point`] to under 1 µm on a
    /// track.
    pub fn degrees(&self, point: Point) -> (f64, f64) {
        let (mut north, mut east) = (point.y_m / self.north_m, point.x_m / self.east_m);
        // The corrections are 10⁻³ of the first term at 10 km: each round wins three digits.
        for _ in 0..4 {
            east = point.x_m / (self.east_m - self.shrink_m * north);
            north = (point.y_m - self.curve_m * east * east) / (self.north_m + self.growth_m * north);
        }
        (
            self.lat_deg + north / RAD_PER_DEG,
            wrapped_deg(self.lon_deg + east / RAD_PER_DEG),
        )
    }
}

/// Distance on a sphere, good to 0.5 % anywhere on Earth; for "is this gate on this track at all".
pub fn great_circle_m(a: (f64, f64), b: (f64, f64)) -> f64 {
    let half_lat = libm::sin((b.0 - a.0) * RAD_PER_DEG / 2.0);
    let half_lon = libm::sin((b.1 - a.1) * RAD_PER_DEG / 2.0);
    let h = half_lat * half_lat
        + libm::cos(a.0 * RAD_PER_DEG) * libm::cos(b.0 * RAD_PER_DEG) * half_lon * half_lon;
    2.0 * MEAN_RADIUS_M * libm::asin(libm::sqrt(h.clamp(0.0, 1.0)))
}

fn wrapped_deg(deg: f64) -> f64 {
    if deg > 180.0 {
        deg - 360.0
    } else if deg < -180.0 {
        deg + 360.0
    } else {
        deg
    }
}
