//! What goes wrong in the field, one thing at a time.

use std::time::Duration;

use device::offload::{Activity, BODY_BYTES_MAX, Input, Trouble, Unwanted};
use device::outbox::State;
use device::time::Instant;
use sim::server::{Fault, Forgery};

use super::world::{TOKEN, World};

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const BODY: usize = BODY_BYTES_MAX as usize;

#[test]
fn three_recordings_arrive_and_progress_only_goes_forward() {
    let mut world = World::with(&[700_000, 5_000_000, 1_300_000]);
    world.run_to_the_end(MINUTE);
    assert_eq!(world.states(), [State::Receipted; 3]);
    assert_eq!(world.sent_bytes(), 7_000_000, "every byte once");
    let percents: Vec<u8> = world.shown.iter().map(|(_, status)| status.percent).collect();
    assert!(percents.len() > 50 && percents.is_sorted(), "{percents:?}");
    assert_eq!(percents.last(), Some(&100));
    let files: Vec<(u16, u16)> = world.shown.iter().map(|(_, status)| status.file).collect();
    for file in [(1, 3), (2, 3), (3, 3)] {
        assert!(files.contains(&file), "{file:?}");
    }
    // A creation for each, and bodies of 512 KiB.
    assert_eq!(world.asked.len(), 3 + 2 + 10 + 3);
}

#[test]
fn the_time_left_is_about_what_it_takes() {
    let mut world = World::with(&[8_000_000]);
    world.run_until(MINUTE, |world| world.offload.status().percent >= 50);
    let left_s = world.offload.left_s().unwrap();
    assert!((8..=12).contains(&left_s), "{left_s}");
}

#[test]
fn a_server_that_fails_for_an_hour_gets_everything_afterwards_and_few_requests_until_then() {
    let mut world = World::with(&[100_000, 100_000, 100_000]);
    world.server.always = Some(Fault::Status(500, None));
    world.run_for(HOUR);
    assert_eq!(world.states(), [State::Digested; 3]);
    assert_eq!(world.offload.status().trouble.map(Trouble::word), Some("server"));
    assert!(world.asked.len() <= 40, "{}", world.asked.len());
    assert!(world.most_requests_within(Duration::from_secs(10)) <= 4);
    world.server.always = None;
    world.run_to_the_end(MINUTE * 20);
    assert_eq!(world.states(), [State::Receipted; 3]);
    assert_eq!(world.offload.status().trouble, None);
}

#[test]
fn a_hotspot_that_goes_in_mid_file_costs_what_was_in_the_air() {
    let mut world = World::with(&[3_000_000]);
    world.outages = vec![
        (Instant::from_millis(7_300), Instant::from_secs(60)),
        (Instant::from_millis(62_000), Instant::from_secs(600)),
    ];
    world.run_to_the_end(HOUR);
    assert_eq!(world.states(), [State::Receipted]);
    assert!(world.sent_bytes() <= 3_000_000 + BODY, "{}", world.sent_bytes());
    // Each resume is at the byte where it stopped; the body after it begins at a sector of the card again.
    let offsets: Vec<usize> = world.patches().filter_map(|asked| asked.offset).collect();
    let odd = |offset: &&usize| !offset.is_multiple_of(512);
    assert_eq!(offsets.iter().filter(odd).count(), 2, "{offsets:?}");
    assert!(offsets.is_sorted(), "{offsets:?}");
}

#[test]
fn a_revoked_token_stops_the_batch_and_keeps_everything() {
    let mut world = World::with(&[600_000, 600_000]);
    world.run_until(MINUTE, |world| world.states()[0] == State::Receipted);
    world.server.revoke(TOKEN);
    world.run_for(MINUTE * 30);
    let before = world.asked.len();
    assert_eq!(world.states(), [State::Receipted, State::Digested]);
    let status = world.offload.status();
    assert_eq!(
        (status.activity, status.trouble),
        (Activity::Stopped, Some(Trouble::Unauthorized))
    );
    world.run_for(HOUR * 2);
    assert!(
        world.asked.len() <= before + 2,
        "asked again {} times",
        world.asked.len() - before
    );
    world.server.add_device(TOKEN, super::world::DEVICE);
    world.handle(Input::Wanted(true));
    world.run_to_the_end(MINUTE);
}

#[test]
fn a_recording_that_the_server_will_not_have_is_set_aside_and_the_others_arrive() {
    for status in [413, 415, 422] {
        let mut world = World::with(&[50_000, 60_000, 70_000]);
        world.server.poisoned.insert("sess_000001.csv".to_owned(), status);
        world.run_to_the_end(MINUTE * 2);
        assert_eq!(
            world.states(),
            [State::Quarantined, State::Receipted, State::Receipted]
        );
        assert_eq!(world.recordings[0].set_aside, Some(Unwanted::Status(status)));
        let refusals = world.asked.iter().filter(|asked| asked.status == Some(status));
        assert_eq!(refusals.count(), 3);
        assert_eq!(world.offload.status().set_aside, 1);
    }
}

#[test]
fn a_recording_that_makes_the_server_fail_lets_the_others_past() {
    for status in [500, 423, 404, 400] {
        let mut world = World::with(&[50_000, 60_000, 70_000]);
        world.server.poisoned.insert("sess_000001.csv".to_owned(), status);
        world.run_until(HOUR, |world| world.states()[1..] == [State::Receipted; 2]);
        assert_eq!(world.states()[1..], [State::Receipted; 2], "{status}");
        assert_ne!(
            world.states()[0],
            State::Quarantined,
            "it may be the server's fault"
        );
        let before = world.asked.len();
        world.run_for(HOUR * 3);
        assert!(
            world.asked.len() - before <= 200,
            "{}",
            world.asked.len() - before
        );
        world.server.poisoned.clear();
        world.run_to_the_end(HOUR);
    }
}

#[test]
fn a_lost_last_answer_costs_no_byte() {
    let mut world = World::with(&[900_000]);
    // Creation, first body, last body.
    world.server.next = [None, None, Some(Fault::LostReply)].into();
    world.run_to_the_end(MINUTE);
    assert_eq!(world.sent_bytes(), 900_000);
    assert_eq!(world.states(), [State::Receipted]);
    assert_eq!(world.server.recordings().count(), 1);
}

#[test]
fn a_server_that_dies_in_a_body_goes_on_behind_what_it_kept() {
    let mut world = World::with(&[2_000_000]);
    world.server.next = [None, None, Some(Fault::DiesInBody(123_457)), None].into();
    world.run_to_the_end(MINUTE);
    let offsets: Vec<usize> = world.patches().filter_map(|asked| asked.offset).collect();
    assert!(offsets.contains(&(BODY + 123_457)), "{offsets:?}");
    assert!(world.sent_bytes() <= 2_000_000 + BODY);
}

#[test]
fn no_forged_receipt_is_believed() {
    for forgery in Forgery::ALL {
        let mut world = World::with(&[80_000]);
        world.server.always = Some(Fault::Receipt(forgery));
        world.run_for(HOUR * 4);
        assert_eq!(world.states(), [State::Offered], "{forgery:?}");
        assert!(world.sent_bytes() <= 80_000, "{forgery:?}");
        assert!(world.asked.len() <= 120, "{forgery:?}: {}", world.asked.len());
        assert_eq!(world.offload.status().trouble, Some(Trouble::Receipt));
        world.server.always = None;
        world.run_to_the_end(HOUR);
        assert_eq!(world.states(), [State::Receipted]);
    }
}

#[test]
fn an_upload_that_the_server_forgot_begins_anew() {
    for status in [404, 410] {
        let mut world = World::with(&[1_500_000]);
        world.server.next = [None, None, Some(Fault::Forgotten(status))].into();
        world.run_to_the_end(MINUTE);
        assert_eq!(world.states(), [State::Receipted]);
        assert!(world.sent_bytes() <= 1_500_000 + 2 * BODY);
    }
}

#[test]
fn what_an_earlier_owner_recorded_is_not_offered() {
    let mut world = World::with(&[10_000, 20_000]);
    world.claim = 2;
    world.record(30_000);
    world.run_to_the_end(MINUTE);
    assert_eq!(
        world.states(),
        [State::Digested, State::Digested, State::Receipted]
    );
    assert_eq!(world.sent_bytes(), 30_000);
}

#[test]
fn a_claim_in_mid_file_ends_the_offer() {
    let mut world = World::with(&[2_000_000]);
    world.server.next = [None, None, Some(Fault::Status(503, None))].into();
    world.run_until(MINUTE, |world| world.offload.status().trouble.is_some());
    world.claim = 2;
    world.run_to_the_end(MINUTE);
    assert_eq!(world.asked.len(), 3);
    assert_eq!(world.states(), [State::Offered]);
}

#[test]
fn a_card_that_cannot_be_read_is_said_and_the_others_arrive() {
    let mut world = World::with(&[60_000, 50_000]);
    world.unreadable = Some(1);
    world.run_until(MINUTE, |world| world.states()[1] == State::Receipted);
    world.run_for(MINUTE * 10);
    assert_eq!(world.states(), [State::Offered, State::Receipted]);
    assert_eq!(world.offload.status().trouble.map(Trouble::word), Some("storage"));
    world.unreadable = None;
    world.run_to_the_end(HOUR);
}

#[test]
fn a_receipt_that_only_the_body_carries_counts_as_well() {
    let mut world = World::with(&[60_000]);
    // Creation, last body: a proxy takes the receipt out of its headers; the recording's own receipt comes in JSON too.
    let stripped = Some(Fault::Receipt(Forgery::Missing));
    world.server.next = [None, stripped].into();
    world.run_to_the_end(MINUTE);
    let last = world.asked.last().unwrap();
    assert_eq!(
        (last.method.as_str(), last.path.ends_with("/receipt")),
        ("GET", true)
    );
}

#[test]
fn a_number_of_requests_in_a_row_stays_small_when_the_network_flaps() {
    let mut world = World::with(&[400_000]);
    world.server.always = Some(Fault::Status(500, None));
    // Up for two seconds, gone for eight.
    world.outages = (0..360)
        .map(|at| (Instant::from_secs(10 * at + 2), Instant::from_secs(10 * at + 10)))
        .collect();
    world.run_for(HOUR);
    assert!(world.asked.len() <= 3 * 360, "{}", world.asked.len());
    world.server.always = None;
    world.run_to_the_end(HOUR);
}

/// A phone brings a part of the same recording while the device sends: the device goes on behind it, without a detour.
#[test]
fn a_recording_that_changes_road_goes_on_where_the_other_left_it() {
    let mut world = World::with(&[2_000_000]);
    world.run_until(MINUTE, |world| world.patches().count() == 1);
    world.carry_over(1, 300_001);
    world.run_to_the_end(MINUTE);
    let steps: Vec<(&str, Option<usize>, Option<u16>)> = world
        .asked
        .iter()
        .skip(2)
        .map(|asked| (asked.method.as_str(), asked.offset, asked.status))
        .collect();
    let met = BODY + 300_001;
    assert_eq!(
        steps[..2],
        [("PATCH", Some(BODY), Some(409)), ("PATCH", Some(met), Some(204))]
    );
    assert_eq!(world.states(), [State::Receipted]);
}

#[test]
fn what_is_recorded_during_a_round_is_offered_after_it() {
    let mut world = World::with(&[1_500_000]);
    world.run_until(MINUTE, |world| world.patches().count() == 1);
    world.record(40_000);
    world.run_to_the_end(MINUTE);
    assert_eq!(world.states(), [State::Receipted; 2]);
}
