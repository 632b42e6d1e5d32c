//! Nothing gives way without the server's word of just now.

use std::time::Duration;

use device::confirm::{ASKED_MAX, Asked, Confirm, Epoch, Input, Output};
use device::exchange::NoAnswer;
use device::offload::Trouble;
use device::outbox::Number;
use device::time::Instant;
use sim::http::HttpRequest;
use sim::server::{Fault, Served, Server};

use super::world::{TOKEN, World};

/// A server that has three recordings, what the device knows of them, and their bytes.
fn delivered() -> (Server, Vec<Asked>, Vec<Vec<u8>>) {
    let mut world = World::with(&[1000, 2000, 3000]);
    world.run_to_the_end(Duration::from_mins(1));
    let asked = world.recordings.iter().map(|one| Asked {
        number: one.candidate.number,
        sha256: one.candidate.sha256,
    });
    let (asked, bytes) = (
        asked.collect(),
        world.recordings.iter().map(|one| one.bytes.clone()).collect(),
    );
    (world.server, asked, bytes)
}

/// Asks until the machine is done, and gives what it said and how many requests that took.
fn ask(server: &mut Server, asked: &[Asked], known: Option<Epoch>) -> (Vec<Output>, usize) {
    let (mut confirm, mut now) = (Confirm::new(), Instant::from_secs(100));
    let (mut said, mut requests) = (Vec::new(), 0);
    confirm.handle(Input::Ask(asked, known), now);
    loop {
        match confirm.poll() {
            Some(Output::Send) => {
                requests += 1;
                let http =
                    HttpRequest::of_device(&confirm.request().unwrap(), TOKEN, |_, _, _| None).unwrap();
                match server.serve(&http, 1_795_176_000_000_000) {
                    Served::Reply(reply) => confirm.handle(Input::Answer(&reply.for_device()), now),
                    Served::Broken | Served::Silent => confirm.handle(Input::NoAnswer(NoAnswer::Broken), now),
                }
            }
            Some(end @ (Output::Done | Output::Failed(_))) => {
                said.push(end);
                return (said, requests);
            }
            Some(output) => said.push(output),
            None => {
                now = confirm.next_deadline().expect("it waits for something");
                confirm.handle(Input::Tick, now);
            }
        }
    }
}

fn confirmed(said: &[Output]) -> Vec<Number> {
    let mut numbers = Vec::new();
    for output in said {
        if let Output::Confirmed(confirmation) = output {
            numbers.push(confirmation.number());
        }
    }
    numbers
}

fn epoch_in(said: &[Output]) -> Epoch {
    let Some(Output::NewEpoch(epoch)) = said.first() else {
        panic!("{said:?}");
    };
    *epoch
}

#[test]
fn what_is_held_may_go_and_what_the_disk_lost_is_offered_again() {
    let (mut server, asked, bytes) = delivered();
    let (said, requests) = ask(&mut server, &asked, None);
    assert_eq!(requests, 1);
    assert_eq!(confirmed(&said), [Number(1), Number(2), Number(3)]);
    let epoch = epoch_in(&said);
    server.lose(&bytes[1]);
    let (said, _) = ask(&mut server, &asked, Some(epoch));
    assert_eq!(confirmed(&said), [Number(1), Number(3)]);
    assert!(said.contains(&Output::Missing(Number(2))));
    assert_eq!(said.len(), 4, "{said:?}");
}

#[test]
fn a_restored_server_confirms_nothing() {
    let (mut server, asked, _) = delivered();
    let epoch = epoch_in(&ask(&mut server, &asked, None).0);
    server.new_epoch();
    let (said, _) = ask(&mut server, &asked, Some(epoch));
    assert_eq!(confirmed(&said), []);
    let [Output::OfferAgain, Output::NewEpoch(other), Output::Done] = said[..] else {
        panic!("{said:?}");
    };
    assert_ne!(other, epoch);
    // Asked again with the new one, what the server still has may go.
    assert_eq!(confirmed(&ask(&mut server, &asked, Some(other)).0).len(), 3);
}

#[test]
fn no_answer_that_is_not_whole_and_well_confirms_anything() {
    let faults = [
        Fault::Status(200, None),
        Fault::Status(204, None),
        Fault::Status(500, None),
        Fault::Status(429, Some(100_000)),
        Fault::Status(404, None),
        Fault::Silent,
        Fault::LostReply,
        Fault::Redirect,
        Fault::SignInPage,
        Fault::HugeBody,
    ];
    for fault in faults {
        let (mut server, asked, _) = delivered();
        server.always = Some(fault.clone());
        let (said, requests) = ask(&mut server, &asked, None);
        assert_eq!(confirmed(&said), [], "{fault:?}");
        assert!(matches!(said.last(), Some(Output::Failed(_))), "{fault:?}");
        assert!(requests <= 3, "{fault:?}");
    }
    let (mut server, asked, _) = delivered();
    server.revoke(TOKEN);
    assert_eq!(
        ask(&mut server, &asked, None).0,
        [Output::Failed(Trouble::Unauthorized)]
    );
}

#[test]
fn a_server_that_is_ill_for_a_moment_is_asked_again() {
    let (mut server, asked, _) = delivered();
    server.next = [Some(Fault::Status(503, Some(7))), Some(Fault::Silent)].into();
    let (said, requests) = ask(&mut server, &asked, None);
    assert_eq!((confirmed(&said).len(), requests), (3, 3));
}

#[test]
fn more_than_fits_is_asked_in_parts() {
    let (mut server, asked, _) = delivered();
    let many: Vec<Asked> = asked.iter().cycle().take(ASKED_MAX + 2).copied().collect();
    assert_eq!(confirmed(&ask(&mut server, &many, None).0).len(), ASKED_MAX);
}

#[test]
fn a_network_that_goes_leaves_nothing_confirmed() {
    let (_, asked, _) = delivered();
    let (mut confirm, now) = (Confirm::new(), Instant::BOOT);
    confirm.handle(Input::Ask(&asked, None), now);
    assert_eq!(confirm.poll(), Some(Output::Send));
    confirm.handle(Input::Offline, now);
    assert_eq!(confirm.poll(), Some(Output::Abandon));
    assert_eq!(confirm.poll(), Some(Output::Failed(Trouble::NoInternet)));
    assert_eq!((confirm.poll(), confirm.next_deadline()), (None, None));
    assert!(size_of::<Confirm>() <= 512, "{}", size_of::<Confirm>());
}
