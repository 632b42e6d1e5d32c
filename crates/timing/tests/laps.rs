//! The lap state machine, driven along scripted ways with known crossing times.

use proptest::prelude::*;
use timing::{Course, Event, Flaw, Gate, Lap, LapKind, LapTimer, Point, Rules, Sample};

#[test]
fn a_circuit_gives_out_timed_and_in_laps_that_share_their_moments() {
    let laps = drive(&mut circle_timer(10.0), circle(0.0, 75.0, 10.0));
    assert_eq!(
        kinds(&laps),
        [
            LapKind::Out,
            LapKind::Timed,
            LapKind::Timed,
            LapKind::Timed,
            LapKind::In
        ]
    );
    for pair in laps.windows(2) {
        assert_eq!(
            pair[0].end_s.to_bits(),
            pair[1].start_s.to_bits(),
            "no moment between laps is lost"
        );
    }
    for lap in &laps[1..4] {
        assert!((lap.end_s - lap.start_s - LAP_S).abs() < 1e-4, "{lap:?}");
    }
}

#[test]
fn splits_are_passed_in_order_and_missed_ones_stay_empty() {
    let mut course = Course::circuit(gate_at(0.0, 30.0));
    course.add_split(gate_at(0.25, 30.0)).expect("room");
    // Too narrow and beside the road: never passed.
    course
        .add_split(Gate::across(Point::new(0.0, 0.0), 0.0, 1.0))
        .expect("room");
    course.add_split(gate_at(0.75, 30.0)).expect("room");
    let laps = drive(
        &mut LapTimer::new(course, Rules::at_hz(10.0)),
        circle(0.0, 75.0, 10.0),
    );
    let lap = &laps[1];
    let split_s = |index: usize| lap.splits[index].map(|pass| pass.time_s - lap.start_s);
    assert!((split_s(0).expect("passed") - 0.25 * LAP_S).abs() < 1e-3);
    assert_eq!(split_s(1), None);
    assert!((split_s(2).expect("passed") - 0.75 * LAP_S).abs() < 1e-3);
}

#[test]
fn the_other_direction_makes_no_laps() {
    let mut backwards = circle(0.0, 75.0, 10.0);
    let end_s = backwards.last().expect("fixes").time_s;
    backwards.reverse();
    backwards
        .iter_mut()
        .for_each(|sample| sample.time_s = end_s - sample.time_s);
    assert_eq!(kinds(&drive(&mut circle_timer(10.0), backwards)), [LapKind::Out]);
}

#[test]
fn standing_on_the_line_with_noise_makes_one_crossing() {
    let mut samples = circle(0.0, 9.9, 10.0);
    let mut time_s = 10.0;
    for step in 0..600 {
        let wobble_m = if step % 2 == 0 { -2.0 } else { 2.0 };
        time_s += 0.1;
        samples.push(Sample {
            time_s,
            at: gate_at(0.0, 30.0).centre() + Point::new(0.0, wobble_m),
        });
    }
    let laps = drive(&mut circle_timer(10.0), samples);
    assert_eq!(kinds(&laps), [LapKind::Out, LapKind::In]);
}

#[test]
fn a_stop_makes_a_pit_lap() {
    let mut samples = circle(0.0, 25.0, 10.0);
    let stand = on_circle((25.0 - 10.0) / LAP_S);
    samples.extend((0..300).map(|i| Sample {
        time_s: 25.0 + 0.1 * f64::from(i),
        at: stand,
    }));
    samples.extend(circle(25.0, 75.0, 10.0).into_iter().map(|s| Sample {
        time_s: s.time_s + 30.0,
        ..s
    }));
    let laps = drive(&mut circle_timer(10.0), samples);
    assert_eq!(laps[1].kind, LapKind::Pit);
    assert!((laps[1].end_s - laps[1].start_s - LAP_S - 30.0).abs() < 1e-3);
    assert_eq!(laps[2].kind, LapKind::Timed);
}

#[test]
fn a_hole_on_the_road_breaks_its_lap_only() {
    let samples = circle(0.0, 75.0, 10.0)
        .into_iter()
        .filter(|s| !(25.0..28.0).contains(&s.time_s))
        .collect();
    let laps = drive(&mut circle_timer(10.0), samples);
    assert_eq!((laps[1].kind, laps[1].flaw), (LapKind::Invalid, Some(Flaw::Gap)));
    assert_eq!(laps[2].kind, LapKind::Timed);
}

#[test]
fn a_hole_over_the_gate_breaks_both_laps() {
    let samples = circle(0.0, 75.0, 10.0)
        .into_iter()
        .filter(|s| !(29.5..30.5).contains(&s.time_s))
        .collect();
    let laps = drive(&mut circle_timer(10.0), samples);
    assert_eq!(
        kinds(&laps),
        [
            LapKind::Out,
            LapKind::Invalid,
            LapKind::Invalid,
            LapKind::Timed,
            LapKind::In
        ],
    );
}

#[test]
fn a_jump_breaks_its_lap() {
    let mut timer = circle_timer(10.0);
    let mut laps = Vec::new();
    for sample in circle(0.0, 75.0, 10.0) {
        if (sample.time_s - 35.0).abs() < 0.01 {
            timer.jumped();
        }
        timer.push(sample, &mut |event| collect(&mut laps, event));
    }
    assert_eq!(
        laps.iter().map(|lap| lap.flaw).collect::<Vec<_>>(),
        [None, None, Some(Flaw::Jump), None],
    );
}

#[test]
fn a_stage_runs_from_start_to_finish_only() {
    let stage = Course::stage(gate_at(0.0, 30.0), gate_at(0.5, 30.0));
    let laps = drive(
        &mut LapTimer::new(stage, Rules::at_hz(10.0)),
        circle(0.0, 42.0, 10.0),
    );
    assert_eq!(
        kinds(&laps),
        [
            LapKind::Out,
            LapKind::Timed,
            LapKind::Out,
            LapKind::Timed,
            LapKind::In
        ]
    );
    assert!((laps[1].end_s - laps[1].start_s - 0.5 * LAP_S).abs() < 1e-3);
}

#[test]
fn a_stage_started_again_is_unfinished_not_lost() {
    let finish_elsewhere = Gate::across(Point::new(5e3, 0.0), 0.0, 30.0);
    let stage = Course::stage(gate_at(0.0, 30.0), finish_elsewhere);
    let laps = drive(
        &mut LapTimer::new(stage, Rules::at_hz(10.0)),
        circle(0.0, 42.0, 10.0),
    );
    assert_eq!(laps[1].flaw, Some(Flaw::Unfinished));
    assert_eq!(laps[1].kind, LapKind::Invalid);
}

#[test]
fn two_gates_between_two_fixes_are_passed_in_order() {
    let start = Gate::across(Point::new(0.0, 0.0), 0.0, 10.0);
    let finish = Gate::across(Point::new(0.0, 30.0), 0.0, 10.0);
    let mut timer = LapTimer::new(Course::stage(start, finish), Rules::at_hz(1.0));
    let samples = [-20.0, 40.0].iter().enumerate().map(|(i, &y)| Sample {
        time_s: i as f64,
        at: Point::new(0.0, y),
    });
    let laps = drive(&mut timer, samples.collect());
    assert_eq!(kinds(&laps), [LapKind::Out, LapKind::Timed, LapKind::In]);
    assert!((laps[1].end_s - laps[1].start_s - 0.5).abs() < 1e-9);
}

#[test]
fn a_split_and_the_line_between_two_fixes_belong_to_the_lap_that_ends() {
    let line = Gate::across(Point::new(0.0, 0.0), 0.0, 10.0);
    let mut course = Course::circuit(line);
    course
        .add_split(Gate::across(Point::new(0.0, -10.0), 0.0, 10.0))
        .expect("room");
    // Over the line, round in a square beside it, and over split and line in one step.
    let way = [
        (0.0, -5.0),
        (0.0, 15.0),
        (90.0, 15.0),
        (90.0, -30.0),
        (0.0, -30.0),
        (0.0, 15.0),
    ];
    let samples = (0..).zip(way).map(|(i, (x, y))| Sample {
        time_s: f64::from(i),
        at: Point::new(x, y),
    });
    let laps = drive(&mut LapTimer::new(course, Rules::at_hz(1.0)), samples.collect());
    assert_eq!(kinds(&laps), [LapKind::Out, LapKind::Timed, LapKind::In]);
    let split = laps[1].splits[0].expect("it was passed first");
    assert!(split.time_s < laps[1].end_s);
    assert_eq!(laps[2].splits[0], None);
}

#[test]
fn a_roof_over_the_box_does_not_make_a_pit_stop_invalid() {
    let samples = circle(0.0, 25.0, 10.0);
    let stand = on_circle((25.0 - 10.0) / LAP_S);
    let before = (0..100).map(|i| Sample {
        time_s: 25.0 + 0.1 * f64::from(i),
        at: stand,
    });
    let after = (0..100).map(|i| Sample {
        time_s: 55.0 + 0.1 * f64::from(i),
        at: stand,
    });
    let away = circle(25.0, 75.0, 10.0).into_iter().map(|s| Sample {
        time_s: s.time_s + 40.0,
        ..s
    });
    let laps = drive(
        &mut circle_timer(10.0),
        samples
            .into_iter()
            .chain(before)
            .chain(after)
            .chain(away)
            .collect(),
    );
    assert_eq!((laps[1].kind, laps[1].flaw), (LapKind::Pit, Some(Flaw::Gap)));
}

proptest! {
    /// Whatever the rate and phase, the lap time of a steady lap is the steady lap time.
    #[test]
    fn rate_and_phase_do_not_matter(rate_hz in 2.0..50.0_f64, phase_s in 0.0..1.0_f64) {
        let laps = drive(&mut circle_timer(rate_hz), circle(phase_s, 75.0, rate_hz));
        let timed: Vec<_> = laps.iter().filter(|lap| lap.kind == LapKind::Timed).collect();
        prop_assert_eq!(timed.len(), 3);
        for lap in timed {
            prop_assert!((lap.end_s - lap.start_s - LAP_S).abs() < 2e-3);
        }
    }

    /// Any sequence of fixes, in any order, yields laps that follow each other and never a panic.
    #[test]
    fn laps_always_follow_each_other(
        fixes in proptest::collection::vec((0.0..100.0_f64, -120.0..120.0_f64, -120.0..120.0_f64), 0..200),
    ) {
        let samples = fixes.iter().map(|&(time_s, x, y)| Sample { time_s, at: Point::new(x, y) }).collect();
        let laps = drive(&mut circle_timer(5.0), samples);
        for pair in laps.windows(2) {
            prop_assert_eq!(pair[0].end_s, pair[1].start_s);
            prop_assert!(pair[0].start_s <= pair[0].end_s);
        }
    }
}

const LAP_S: f64 = 20.0;
const RADIUS_M: f64 = 100.0;

/// Anticlockwise on a circle, one lap in `LAP_S`, passing the gate at share 0 at 10 s, 30 s, 50 s.
fn circle(from_s: f64, to_s: f64, rate_hz: f64) -> Vec<Sample> {
    let count = ((to_s - from_s) * rate_hz).round() as usize;
    (0..count)
        .map(|i| {
            let time_s = from_s + i as f64 / rate_hz;
            Sample {
                time_s,
                at: on_circle((time_s - 10.0) / LAP_S),
            }
        })
        .collect()
}

fn on_circle(share: f64) -> Point {
    let angle = share * std::f64::consts::TAU;
    Point::new(RADIUS_M * angle.cos(), RADIUS_M * angle.sin())
}

fn gate_at(share: f64, width_m: f64) -> Gate {
    Gate::across(on_circle(share), -360.0 * share, width_m)
}

fn circle_timer(rate_hz: f64) -> LapTimer {
    LapTimer::new(Course::circuit(gate_at(0.0, 30.0)), Rules::at_hz(rate_hz))
}

fn drive(timer: &mut LapTimer, samples: Vec<Sample>) -> Vec<Lap> {
    let mut laps = Vec::new();
    for sample in samples {
        timer.push(sample, &mut |event| collect(&mut laps, event));
    }
    laps.extend(timer.finish());
    laps
}

fn collect(laps: &mut Vec<Lap>, event: Event) {
    match event {
        Event::Lap(lap) => laps.push(lap),
        Event::Split { .. } => {}
    }
}

fn kinds(laps: &[Lap]) -> Vec<LapKind> {
    laps.iter().map(|lap| lap.kind).collect()
}
