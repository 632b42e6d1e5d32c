//! Power that goes while something is being saved.

use device::link::NetworkKey;
use device::settings::Settings;
use sim::board::Cut;
use sim::unit::Unit;
use sim::unit::faults::{Armed, Moment};

use super::support::{
    HOME, Scene, assert_all_delivered, at, first, on_card, phone_says, run_until, starts, story,
};

const CUTS: [Cut; 3] = [Cut::Before, Cut::After, Cut::Torn(7)];
const WISH: &str = r#"{"version":2,"settings":{"auto_sync":false,"after_receipt":"delete","imu_hz":50},"track":null,"networks":{"add":[],"forget":["Old"]},"commands":[]}"#;

fn settings(unit: &Unit) -> Settings {
    unit.controller().unwrap().settings().clone()
}

/// Everything that decides, without what is noted of joins.
fn wishes(settings: &Settings) -> (u32, bool, u16, Vec<NetworkKey>) {
    let networks = settings.networks.iter().map(|network| network.key);
    (
        settings.desired_version,
        settings.auto_sync,
        settings.imu_hz,
        networks.collect(),
    )
}

/// What the server wants is being saved when somebody pulls the plug, at each write: the device is all of the old or all of the new, its
/// recording is where it was, and the next time that it is online it gets there.
#[test]
fn power_off_mid_update() {
    let mut falls = 0;
    for cut in CUTS {
        for steps in 0.. {
            let mut unit = Scene {
                known: &[HOME, ("Old", "secret-secret")],
                ..Scene::at_home(21, &[(20, 50)])
            }
            .set_up();
            unit.around.server.want(unit.device(), 2, WISH);
            assert!(unit.power_on());
            let old = wishes(&settings(&unit));
            while first(&unit, at(0), "GET /api/v1/device/desired -> 200").is_none() {
                assert!(unit.advance(at(400)), "{}", story(&unit));
            }
            unit.arm(Armed {
                moment: Moment::Save,
                steps,
                cut,
            });
            unit.run_until(at(400));
            if unit.is_on() {
                break;
            }
            falls += 1;
            assert!(unit.power_on());
            let now = wishes(&settings(&unit));
            assert!(
                now == old || (now.0 == 2 && !now.1 && now.2 == 50 && now.3.len() == 1),
                "neither old nor new after {cut:?} in write {steps}: {now:?}"
            );
            phone_says(&mut unit, r#"{"sync":true}"#);
            unit.run_until(at(520));
            assert_eq!(wishes(&settings(&unit)).0, 2, "{}", story(&unit));
            let applied: Vec<i64> = unit
                .around
                .server
                .acknowledged(unit.device())
                .map(|ack| ack.version)
                .collect();
            assert_eq!(applied.last(), Some(&2), "and says so");
            let delivered = unit.around.server.recordings().count();
            assert_eq!(delivered, 1, "{}", story(&unit));
            assert_eq!(on_card(&mut unit).len(), 0, "deleted, as it is wished now");
        }
    }
    assert!(falls >= 6, "{falls}");
}

/// Hours are saved once a minute; a cut in that costs the minute and nothing else.
#[test]
fn power_off_while_hours_are_saved() {
    let mut falls = 0;
    for cut in CUTS {
        for steps in 0.. {
            let mut unit = Scene::at_home(22, &[]).set_up();
            assert!(unit.power_on());
            unit.run_until(at(200));
            unit.arm(Armed {
                moment: Moment::Save,
                steps,
                cut,
            });
            unit.run_until(at(240));
            if unit.is_on() {
                break;
            }
            falls += 1;
            unit.run_until(at(1_000));
            assert!(unit.power_on());
            phone_says(&mut unit, r#"{"sync":true}"#);
            unit.run_until(at(1_060));
            let known = starts(&unit);
            assert_eq!(known.len(), 2, "{known:?} {}", story(&unit));
            assert!(
                known[0].0.ends_with(":2") && known[1].0.ends_with(":3"),
                "{known:?}"
            );
            assert!((180..=240).contains(&known[0].1), "{known:?}");
        }
    }
    assert!(falls >= 3, "{falls}");
}

/// The cable of a kart's battery, again and again during one ride.
#[test]
fn power_that_goes_again_and_again_costs_a_second_each_time() {
    let mut unit = Scene::at_home(23, &[(20, 400)]).set_up();
    for second in [60, 90, 91, 92, 200, 320] {
        unit.power_on();
        unit.run_until(at(second));
        unit.power_off();
    }
    assert!(unit.power_on());
    run_until(&mut unit, at(1_200), |unit| {
        unit.around.server.recordings().count() == on_card(unit).len() && unit.now() > at(900)
    });
    let count = on_card(&mut unit).len();
    assert_all_delivered(&mut unit, count);
    // The ride and the standing after it, but for a second and the first fix with each start.
    let rows: usize = on_card(&mut unit)
        .iter()
        .map(|one| str::from_utf8(&one.bytes).unwrap().matches(",I,").count())
        .sum();
    assert!((56_000 - 7 * 200..56_000).contains(&rows), "{rows}");
}
