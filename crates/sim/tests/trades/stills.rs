//! A camera: its pictures reach the server as they are, whatever the sensor and the power do.

use std::collections::BTreeSet;

use device::outbox::State;
use device::settings::{AfterReceipt, Profile};
use sim::unit::camera::BadFrame;

use super::{at, held, rides, states, switch, trace, unit};

#[test]
fn pictures_are_taken_on_schedule_and_delivered_as_they_are() {
    let mut unit = unit(Profile::Camera, rides(&[]), |settings| {
        settings.picture_every_s = 60;
    });
    assert!(unit.power_on());
    unit.run_until(at(599));
    let held = held(&mut unit);
    assert_eq!(held.len(), 10, "{}", trace(&unit));
    for (state, bytes) in &held {
        assert_eq!(*state, State::Archived, "{}", trace(&unit));
        assert!(bytes.starts_with(&[0xFF, 0xD8]) && bytes.ends_with(&[0xFF, 0xD9]));
        assert!(unit.around.server.holds(bytes));
    }
    let names: BTreeSet<String> = unit
        .around
        .server
        .recordings()
        .map(|stored| stored.name.clone())
        .collect();
    assert_eq!(names.first().unwrap(), "img_000001.jpg");
    assert_eq!(names.len(), 10);
    let tally = unit.controller().unwrap().camera().unwrap().tally();
    assert_eq!((tally.captured, tally.uploaded, tally.failed), (10, 10, 0));
}

#[test]
fn a_broken_frame_is_taken_again_and_three_of_them_are_told() {
    let mut unit = unit(Profile::Camera, rides(&[]), |settings| {
        settings.picture_every_s = 300;
    });
    let bad = [BadFrame::Cut, BadFrame::None, BadFrame::NoEnd, BadFrame::Dark];
    unit.sensor.bad = bad.into_iter().map(Some).collect();
    assert!(unit.power_on());
    unit.run_until(at(500));
    let tally = unit.controller().unwrap().camera().unwrap().tally();
    assert_eq!(
        (tally.captured, tally.recaptured, tally.failed),
        (1, 3, 1),
        "{}",
        trace(&unit)
    );
    assert_eq!(states(&mut unit), [State::Archived], "{}", trace(&unit));
}

#[test]
fn pictures_of_before_a_cut_are_delivered_after_it_and_deleted_where_that_is_wished() {
    let mut unit = unit(Profile::Camera, rides(&[]), |settings| {
        settings.picture_every_s = 60;
        settings.after_receipt = AfterReceipt::Delete;
    });
    switch(&mut unit, false);
    assert!(unit.power_on());
    unit.run_until(at(605));
    let before = held(&mut unit);
    assert_eq!(before.len(), 11);
    unit.power_off();
    switch(&mut unit, true);
    assert!(unit.power_on());
    unit.run_until(at(659));
    for (_, bytes) in &before {
        assert!(unit.around.server.holds(bytes), "{}", trace(&unit));
    }
    assert_eq!(states(&mut unit), [], "{}", trace(&unit));
    assert_eq!(unit.controller().unwrap().camera().unwrap().waiting(), 0);
}
