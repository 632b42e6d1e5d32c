//! Best, rolling, theoretical and achievable best, consistency, and the delta along the track.

use proptest::prelude::*;
use telemetry::laps::{Analysed, Wanted};
use telemetry::model::GateShape;
use telemetry::report::LapKind;

use crate::ring::{Style, across, analysed, drive_laps};

const A: Style = Style {
    push: [0.20, 0.0, 0.05],
    wide_m: 0.0,
};
const B: Style = Style {
    push: [0.0, 0.30, 0.0],
    wide_m: 0.0,
};
const C: Style = Style {
    push: [0.05, 0.05, 0.25],
    wide_m: 0.0,
};

#[test]
fn three_learned_sectors_add_up_to_the_theoretical_best() {
    let found = driven(&[A, B, C]);
    assert_eq!(found.splits.len(), 2);
    close(
        found.figures.best_ms,
        [A, B, C]
            .map(|style| style.lap_s())
            .into_iter()
            .fold(f64::INFINITY, f64::min),
    );
    close(
        found.figures.theoretical_best_ms,
        A.sector_s(0) + B.sector_s(1) + C.sector_s(2),
    );
    for (lap, style) in found.laps[1..4].iter().zip([A, B, C]) {
        for sector in 0..3 {
            close(lap.sectors_ms[sector], style.sector_s(sector));
        }
    }
}

#[test]
fn laps_that_meet_alike_can_be_joined() {
    let found = driven(&[A, B, C]);
    close(
        found.figures.achievable_best_ms,
        A.sector_s(0) + B.sector_s(1) + C.sector_s(2),
    );
}

#[test]
fn laps_that_meet_five_metres_apart_cannot_be_joined() {
    let wide = Style { wide_m: 5.0, ..B };
    let found = driven(&[A, wide, C]);
    close(
        found.figures.theoretical_best_ms,
        A.sector_s(0) + wide.sector_s(1) + C.sector_s(2),
    );
    let joined_s = A.sector_s(0) + A.sector_s(1).min(C.sector_s(1)) + C.sector_s(2);
    close(found.figures.achievable_best_ms, joined_s.min(wide.lap_s()));
}

#[test]
fn a_rolling_lap_does_not_leap_over_what_nobody_saw() {
    let plain = Style::pushing([0.0; 3]);
    let mut fixes = drive_laps(&[plain; 3]);
    // On the out lap to a line at 0.6 rounds, the way from 0 to 0.4 is gone, and the clock knows nothing of it: from a place
    // before it to the same place a round later looks like 0.6 rounds.
    let (from_s, gone_s) = (0.25 * plain.lap_s(), 0.4 * plain.lap_s());
    fixes.retain(|fix| !(from_s..from_s + gone_s).contains(&fix.clock_s));
    for fix in fixes.iter_mut().filter(|fix| fix.clock_s >= from_s) {
        fix.clock_s -= gone_s;
    }
    let (a, b) = across(0.6, 10.0);
    let wanted = Wanted {
        gate: Some(GateShape::Ends { a, b }),
        ..Wanted::default()
    };
    let (drive, found) = analysed(fixes, &wanted);
    assert_eq!(drive.jumps.len(), 1);
    let rolling_s = found.figures.rolling_best_ms.expect("two whole laps") / 1000.0;
    assert!(rolling_s > plain.lap_s() - 0.01, "{rolling_s}");
}

#[test]
fn a_rolling_lap_takes_the_end_of_one_and_the_beginning_of_the_next() {
    // From the second split round to the second split: C's third sector, A's first and second.
    let found = driven(&[C, A, B]);
    let rolling_s = C.sector_s(2) + A.sector_s(0) + A.sector_s(1);
    assert!(rolling_s < A.lap_s() && rolling_s < B.lap_s() && rolling_s < C.lap_s());
    let found_s = found.figures.rolling_best_ms.expect("a circuit has one") / 1000.0;
    // Other points may be better still, by what is gained within a sector.
    let bound_s = C.sector_s(2) + A.sector_s(0) + A.sector_s(1).min(C.sector_s(1));
    assert!(
        found_s <= rolling_s + 2e-3 && found_s > bound_s - 0.5,
        "{found_s} {rolling_s}"
    );
}

#[test]
fn consistency_is_the_deviation_of_laps_within_seven_percent() {
    let laps = [0.0, 0.02, 0.04].map(|push| Style::pushing([push; 3]));
    let slow = Style::pushing([-0.3; 3]);
    let found = driven(&[laps[0], laps[1], laps[2], slow]);
    let times_s = laps.map(|style| style.lap_s());
    let mean_s = times_s.iter().sum::<f64>() / 3.0;
    let deviation_s = (times_s.iter().map(|t| (t - mean_s).powi(2)).sum::<f64>() / 2.0).sqrt();
    close(found.figures.consistency_ms, deviation_s);
    assert_eq!(
        driven(&laps[..2]).figures.consistency_ms,
        None,
        "two laps have no spread worth a name"
    );
}

#[test]
fn delta_ends_at_the_difference_and_is_none_on_the_way_out() {
    let (drive, found) = driven_with_fixes(&[A, B]);
    let best = if A.lap_s() < B.lap_s() { 1 } else { 2 };
    for number in [1, 2] {
        let lap = &found.laps[number];
        let in_lap = |i: &usize| found.along.lap[*i] == Some(number as i32);
        let last = (0..drive.len()).rfind(in_lap).expect("fixes");
        let end_ms = 1000.0 * f64::from(found.along.delta_best_s[last]);
        assert!(
            (end_ms - lap.delta_best_ms.expect("timed")).abs() < 2.0,
            "{end_ms} {lap:?}"
        );
        if number == best {
            let furthest = (0..drive.len())
                .filter(in_lap)
                .map(|i| found.along.delta_best_s[i].abs());
            assert!(
                furthest.fold(0.0, f32::max) < 1e-4,
                "the best lap is its own ruler"
            );
        }
    }
    let out = (0..drive.len()).filter(|&i| found.along.lap[i] == Some(0));
    assert!(out.clone().all(|i| found.along.delta_best_s[i].is_nan()));
    assert!(
        out.clone().any(|i| found.along.track_pos_m[i].is_finite()),
        "but it knows where on the track it is"
    );
}

#[test]
fn one_lap_is_all_of_the_bests() {
    let found = driven(&[A]);
    for figure in [
        found.figures.best_ms,
        found.figures.theoretical_best_ms,
        found.figures.achievable_best_ms,
    ] {
        close(figure, A.lap_s());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn bests_keep_their_order(
        styles in proptest::collection::vec(
            (proptest::array::uniform3(-0.2..0.3_f64), -4.0..4.0_f64).prop_map(|(push, wide_m)| Style { push, wide_m }),
            1..5,
        ),
    ) {
        let figures = driven(&styles).figures;
        let [best, theoretical, achievable, rolling] = [
            figures.best_ms,
            figures.theoretical_best_ms,
            figures.achievable_best_ms,
            figures.rolling_best_ms,
        ].map(|figure| figure.expect("there are laps"));
        prop_assert!(theoretical <= achievable + 1e-3);
        prop_assert!(achievable <= best);
        prop_assert!(rolling <= best);
    }
}

fn driven(styles: &[Style]) -> Analysed {
    driven_with_fixes(styles).1
}

fn driven_with_fixes(styles: &[Style]) -> (telemetry::clean::Drive, Analysed) {
    let (a, b) = across(0.0, 12.0);
    let wanted = Wanted {
        gate: Some(GateShape::Ends { a, b }),
        ..Wanted::default()
    };
    let (drive, found) = analysed(drive_laps(styles), &wanted);
    assert_eq!(
        found.laps.iter().filter(|lap| lap.kind == LapKind::Timed).count(),
        styles.len()
    );
    (drive, found)
}

/// Learned splits lie where the best lap's polygon says, which is a few centimetres from a third of the ring.
fn close(found_ms: Option<f64>, true_s: f64) {
    let found_ms = found_ms.expect("it is known");
    assert!(
        (found_ms - 1000.0 * true_s).abs() < 2.0,
        "{found_ms} ms is not {true_s} s"
    );
}
