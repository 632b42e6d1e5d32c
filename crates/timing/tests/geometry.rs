//! The plane and the gates against independent geometry.

use proptest::prelude::*;
use timing::{Gate, Plane, Point, great_circle_m};

/// East and north on the tangent plane by way of earth-centred coordinates: another formula than the crate's.
fn east_north_by_ecef(origin: (f64, f64), place: (f64, f64)) -> (f64, f64) {
    let ecef = |(lat, lon): (f64, f64)| {
        let (a, f) = (6_378_137.0_f64, 1.0 / 298.257_223_563);
        let e2 = f * (2.0 - f);
        let (lat, lon) = (lat.to_radians(), lon.to_radians());
        let n = a / (1.0 - e2 * lat.sin().powi(2)).sqrt();
        (
            n * lat.cos() * lon.cos(),
            n * lat.cos() * lon.sin(),
            n * (1.0 - e2) * lat.sin(),
        )
    };
    let (x0, y0, z0) = ecef(origin);
    let (x, y, z) = ecef(place);
    let (dx, dy, dz) = (x - x0, y - y0, z - z0);
    let (lat, lon) = (origin.0.to_radians(), origin.1.to_radians());
    let east = -lon.sin() * dx + lon.cos() * dy;
    let north = -lat.sin() * lon.cos() * dx - lat.sin() * lon.sin() * dy + lat.cos() * dz;
    (east, north)
}

fn place_near(origin: (f64, f64), east_m: f64, north_m: f64) -> (f64, f64) {
    let lat = origin.0 + north_m / 111_200.0;
    (lat, origin.1 + east_m / (111_320.0 * origin.0.to_radians().cos()))
}

proptest! {
    #[test]
    fn a_point_on_a_track_is_within_two_millimetres(
        lat in -65.0..65.0_f64, lon in -179.0..179.0_f64, east in -3e3..3e3_f64, north in -3e3..3e3_f64,
    ) {
        let place = place_near((lat, lon), east, north);
        let (x, y) = east_north_by_ecef((lat, lon), place);
        let point = Plane::at(lat, lon).point(place.0, place.1);
        prop_assert!((point.x_m - x).hypot(point.y_m - y) < 2e-3, "{point:?} is not ({x}, {y})");
    }

    #[test]
    fn degrees_and_back_loses_nothing(
        lat in -65.0..65.0_f64, lon in -180.0..180.0_f64, x in -2e4..2e4_f64, y in -2e4..2e4_f64,
    ) {
        let plane = Plane::at(lat, lon);
        let (lat_back, lon_back) = plane.degrees(Point::new(x, y));
        let back = plane.point(lat_back, lon_back);
        prop_assert!((back - Point::new(x, y)).length_m() < 1e-5);
        prop_assert!((-180.0..=180.0).contains(&lon_back));
    }

    /// A straight drive at constant speed crosses where the line equation says, whatever the gate's angle.
    #[test]
    fn the_crossing_lies_on_the_gate(
        bearing in 0.0..360.0_f64, skew in -60.0..60.0_f64, before in 0.01..40.0_f64, after in 0.0..40.0_f64,
    ) {
        let gate = Gate::across(Point::new(12.0, -7.0), bearing, 20.0);
        let way = Point::heading(bearing + skew);
        let through = gate.centre() + gate.forward().turned_right() * 4.0;
        let (from, to) = (through - way * before, through + way * after);
        let crossing = gate.crossing(from, to).expect("it leads over the gate");
        prop_assert!((crossing.fraction - before / (before + after)).abs() < 1e-9);
        prop_assert!((crossing.offset_m - 4.0).abs() < 1e-9);
        prop_assert!(gate.crossing(to, from).is_none());
        prop_assert!(after == 0.0 || gate.reversed().crossing(to, from).is_some());
    }
}

#[test]
fn a_plane_reaches_over_the_date_line() {
    let plane = Plane::at(-17.7, 179.999);
    let point = plane.point(-17.7, -179.999);
    assert!((point.x_m - 212.1).abs() < 0.5, "{point:?}");
    assert!((plane.degrees(point).1 - -179.999).abs() < 1e-9);
}

#[test]
fn ends_and_bearing_describe_the_same_gate() {
    let by_ends = Gate::between(Point::new(-10.0, 0.0), Point::new(10.0, 0.0)).expect("two ends");
    let by_bearing = Gate::across(Point::new(0.0, 0.0), 0.0, 20.0);
    assert_eq!(
        by_ends, by_bearing,
        "a northbound driver sees the west end on the left"
    );
    assert_eq!(by_bearing.left(), Point::new(-10.0, 0.0));
    assert_eq!(Gate::between(Point::new(1.0, 1.0), Point::new(1.0, 1.0)), None);
}

#[test]
fn a_fix_on_the_line_is_counted_once() {
    let gate = Gate::across(Point::new(0.0, 0.0), 0.0, 20.0);
    let [before, on, past] = [-1.0, 0.0, 1.0].map(|y| Point::new(0.0, y));
    assert!(gate.crossing(before, on).is_some());
    assert!(gate.crossing(on, past).is_none());
}

#[test]
fn far_is_far() {
    let homestead_to_road_america = great_circle_m((25.454, -80.415), (43.797, -87.989));
    assert!(
        (2.0e6..2.3e6).contains(&homestead_to_road_america),
        "{homestead_to_road_america}"
    );
}
