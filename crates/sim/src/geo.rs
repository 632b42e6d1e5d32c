//! The map between a track's metres and WGS-84 degrees.

/// A local plane: metres east and north of an origin.
///
/// The map to degrees is affine, so a straight line in metres is a straight line in degrees and the moment of crossing
/// it does not depend on which of the two a reader computes in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plane {
    lat0_deg: f64,
    lon0_deg: f64,
    m_per_deg_lat: f64,
    m_per_deg_lon: f64,
}

const WGS84_A_M: f64 = 6_378_137.0;
const WGS84_E2: f64 = 6.694_379_990_141_316e-3;

impl Plane {
    /// Scales are the ellipsoid's radii of curvature at the origin.
    pub fn at(lat0_deg: f64, lon0_deg: f64) -> Self {
        let sin = libm::sin(lat0_deg.to_radians());
        let w2 = 1.0 - WGS84_E2 * sin * sin;
        let meridian_m = WGS84_A_M * (1.0 - WGS84_E2) / (w2 * libm::sqrt(w2));
        let parallel_m = WGS84_A_M / libm::sqrt(w2) * libm::cos(lat0_deg.to_radians());
        Self {
            lat0_deg,
            lon0_deg,
            m_per_deg_lat: meridian_m.to_radians(),
            m_per_deg_lon: parallel_m.to_radians(),
        }
    }

    /// `[latitude, longitude]` in degrees of a point in metres east and north.
    pub fn to_degrees(&self, [east_m, north_m]: [f64; 2]) -> [f64; 2] {
        [
            self.lat0_deg + north_m / self.m_per_deg_lat,
            self.lon0_deg + east_m / self.m_per_deg_lon,
        ]
    }

    /// Metres east and north of `[latitude, longitude]` in degrees.
    pub fn to_metres(&self, [lat_deg, lon_deg]: [f64; 2]) -> [f64; 2] {
        [
            (lon_deg - self.lon0_deg) * self.m_per_deg_lon,
            (lat_deg - self.lat0_deg) * self.m_per_deg_lat,
        ]
    }
}
