//! A server that does one thing wrong for hours: nothing is lost, nothing is believed, it is not asked without end, and once it is
//! well again everything gets through.

use std::time::Duration;

use device::outbox::State;
use sim::server::{Fault, Forgery, OffsetLie};

use super::world::World;

const HOUR: Duration = Duration::from_hours(1);

fn faults() -> Vec<Fault> {
    let statuses = [
        200, 201, 204, 301, 307, 400, 404, 405, 408, 409, 410, 411, 412, 418, 423, 429, 431, 500, 502, 503,
        504, 507, 599,
    ];
    let mut faults: Vec<Fault> = statuses.map(|status| Fault::Status(status, None)).into();
    faults.extend([
        Fault::Status(503, Some(120)),
        Fault::Status(429, Some(u32::MAX)),
        Fault::Silent,
        Fault::LostReply,
        Fault::DiesInBody(0),
        Fault::DiesInBody(70_000),
        Fault::Forgotten(404),
        Fault::Forgotten(410),
        Fault::AlwaysFurther,
        Fault::Creeps(512),
        Fault::Redirect,
        Fault::SignInPage,
    ]);
    faults.extend(OffsetLie::ALL.map(Fault::Offset));
    faults.extend(Forgery::ALL.map(Fault::Receipt));
    faults
}

#[test]
fn no_lie_is_believed_for_ever_or_asked_for_without_end() {
    for fault in faults() {
        let mut world = World::with(&[1_200_000, 40_000]);
        world.server.always = Some(fault.clone());
        world.run_for(HOUR * 6);
        let requests = world.asked.len();
        assert!(requests <= 600, "{fault:?}: {requests} requests in 6 h");
        assert!(
            world.most_requests_within(Duration::from_secs(10)) <= 24,
            "{fault:?}"
        );
        // A server that forgets or drops everything costs its bytes again, ever less often.
        let sent_bytes = world.sent_bytes();
        assert!(
            sent_bytes <= 60 * 1_240_000,
            "{fault:?}: {sent_bytes} bytes in 6 h"
        );
        assert!(!world.states().contains(&State::Quarantined), "{fault:?}");
        world.server.always = None;
        world.run_to_the_end(HOUR * 2);
        assert_eq!(world.states(), [State::Receipted; 2], "{fault:?}");
    }
}

#[test]
fn a_long_answer_and_a_lost_one_do_no_harm() {
    for fault in [Fault::HugeBody, Fault::LostReply, Fault::DiesInBody(100_000)] {
        let mut world = World::with(&[700_000]);
        world.server.next = [Some(fault.clone()), Some(fault.clone()), Some(fault), None].into();
        world.run_to_the_end(Duration::from_mins(2));
        assert!(world.sent_bytes() <= 700_000 + 512 * 1024);
    }
}

#[test]
fn a_server_that_counts_up_by_single_bytes_is_not_followed_for_ever() {
    let mut world = World::with(&[3_000_000]);
    world.server.always = Some(Fault::Offset(OffsetLie::OneMore));
    world.run_for(HOUR);
    assert!(world.sent_bytes() <= 20 * 3_000_000, "{}", world.sent_bytes());
    assert_ne!(world.states(), [State::Receipted]);
}

/// Each answer promises progress, so each body is worth sending; a round ends all the same.
#[test]
fn a_server_that_creeps_is_followed_for_so_many_bodies_a_round() {
    let mut world = World::with(&[3_000_000]);
    world.server.always = Some(Fault::Creeps(9_000));
    world.run_for(HOUR);
    assert!(world.patches().count() <= 300, "{}", world.patches().count());
}

/// The bytes on the card are no longer those of the ledger: the server says so each time, and they are set aside.
#[test]
fn bytes_that_the_card_changed_are_set_aside_and_the_others_arrive() {
    let mut world = World::with(&[30_000, 40_000]);
    world.recording(1).bytes[17] ^= 1;
    world.run_to_the_end(Duration::from_mins(5));
    assert_eq!(world.states(), [State::Quarantined, State::Receipted]);
    assert_eq!(
        world.recordings[0].set_aside,
        Some(device::offload::Unwanted::OtherBytes)
    );
    assert_eq!(world.sent_bytes(), 3 * 30_000 + 40_000);
}
