use device::outbox::{Delivered, Entry, Kind, LedgerError, NotProven, Number, Proof, Refused, State, Step};
use sim::nor::Nor;
use wire::receipt::{Mismatch, ServerKey, SignedReceipt, Stored, TrustedKeys, VerifyError};

use crate::acts::{Device, Refusal, confirmation, opening, proof, run};

const SHA: [u8; 32] = [6; 32];
const SEAL: Step<'static> = Step::Seal {
    size_bytes: 77,
    clusters: 3,
};

fn delivered(number: Number) -> Delivered {
    Delivered {
        number,
        kind: Kind::Session,
        size_bytes: 77,
        sha256: SHA,
    }
}

/// Opens recording 1 and takes the steps; what the last one gave.
fn take(steps: &[Step<'_>]) -> Result<Entry, Refusal> {
    let mut nor = Nor::blank(6);
    run(async {
        let mut device = Device::look(&mut nor).await;
        let fresh = device.ledger.next_number(&mut device.flash, None).await.unwrap();
        let mut last = device.ledger.open(&mut device.flash, fresh, &opening(1)).await;
        for step in steps {
            last.unwrap();
            last = device.ledger.advance(&mut device.flash, Number(1), *step).await;
        }
        last
    })
    .unwrap()
}

#[test]
fn every_way_off_the_card_passes_a_proof_and_a_confirmation_and_steps_have_one_order() {
    let (proof, confirmed) = (proof(&delivered(Number(1))), confirmation(Number(1), SHA));
    let way = [
        SEAL,
        Step::Digest(SHA),
        Step::Offer,
        Step::Receipt(&proof),
        Step::Archive,
        Step::Remove(&confirmed),
    ];
    let states = [
        State::Open,
        State::Sealed,
        State::Digested,
        State::Offered,
        State::Receipted,
        State::Archived,
        State::Removing,
    ];
    // What may be done where, as people were promised it: rows are states, columns seal, digest, offer, receipt, archive,
    // quarantine, offer again, remove.
    let allowed = [
        "S.......", "SD......", ".DORuQD.", "..ORuQO.", "...RA.DX", "....A.DX", ".......X",
    ];
    let all = [
        SEAL,
        Step::Digest(SHA),
        Step::Offer,
        Step::Receipt(&proof),
        Step::Archive,
        Step::Quarantine,
        Step::OfferAgain,
        Step::Remove(&confirmed),
    ];
    for (reached, row) in allowed.iter().enumerate() {
        for (step, mark) in all.iter().zip(row.chars()) {
            let mut steps = way[..reached].to_vec();
            steps.push(*step);
            let expected = match mark {
                'S' => Ok(State::Sealed),
                'D' => Ok(State::Digested),
                'O' => Ok(State::Offered),
                'R' => Ok(State::Receipted),
                'A' => Ok(State::Archived),
                'Q' => Ok(State::Quarantined),
                'X' => Ok(State::Removing),
                _ => Err(LedgerError::Refused(Refused::Order(states[reached]))),
            };
            assert_eq!(
                take(&steps).map(|entry| entry.state),
                expected,
                "{step:?} when {:?}",
                states[reached]
            );
        }
    }
    let aside = [SEAL, Step::Digest(SHA), Step::Quarantine, Step::Receipt(&proof)];
    assert_eq!(
        take(&aside).unwrap().state,
        State::Receipted,
        "it came by another road"
    );
    let shown = [SEAL, Step::Digest(SHA), Step::Quarantine, Step::Archive];
    assert_eq!(
        take(&shown),
        Err(LedgerError::Refused(Refused::Order(State::Quarantined)))
    );
}

#[test]
fn a_step_may_be_repeated_but_not_with_other_facts() {
    let other = Step::Seal {
        size_bytes: 78,
        clusters: 3,
    };
    let beyond = Step::Seal {
        size_bytes: 78,
        clusters: 65,
    };
    assert_eq!(take(&[SEAL, SEAL]).unwrap().size_bytes, 77);
    assert_eq!(take(&[SEAL, other]), Err(LedgerError::Refused(Refused::Facts)));
    assert_eq!(take(&[beyond]), Err(LedgerError::Refused(Refused::Size)));
    let digests = [SEAL, Step::Digest(SHA), Step::Digest([7; 32])];
    assert_eq!(take(&digests), Err(LedgerError::Refused(Refused::Facts)));
}

#[test]
fn a_confirmation_of_other_bytes_or_of_another_recording_removes_nothing() {
    let proof = proof(&delivered(Number(1)));
    for other in [confirmation(Number(2), SHA), confirmation(Number(1), [7; 32])] {
        let steps = [
            SEAL,
            Step::Digest(SHA),
            Step::Receipt(&proof),
            Step::Remove(&other),
        ];
        assert_eq!(take(&steps), Err(LedgerError::Refused(Refused::Proof)));
    }
}

#[test]
fn a_proof_of_other_bytes_or_of_another_recording_archives_nothing() {
    let right = delivered(Number(1));
    let others = [
        Delivered {
            number: Number(2),
            ..right
        },
        Delivered {
            size_bytes: 78,
            ..right
        },
        Delivered {
            sha256: [7; 32],
            ..right
        },
        Delivered {
            kind: Kind::Picture,
            ..right
        },
    ];
    for other in others {
        let proof = proof(&other);
        let steps = [SEAL, Step::Digest(SHA), Step::Offer, Step::Receipt(&proof)];
        assert_eq!(
            take(&steps),
            Err(LedgerError::Refused(Refused::Proof)),
            "{other:?}"
        );
    }
}

#[test]
fn only_a_signature_by_the_servers_own_key_for_this_device_is_proof() {
    let (ours, theirs) = (ServerKey::from_seed(&[1; 32]), ServerKey::from_seed(&[2; 32]));
    let keys = TrustedKeys::new(ours.public(), None);
    let held = delivered(Number(1));
    let check = |key: &ServerKey, device: u8| {
        let stored = Stored {
            tenant: [1; 16],
            device: Some([device; 16]),
            name: "sess_000001.csv",
            size_bytes: 77,
            sha256: SHA,
            stored_at_us: 5,
        };
        let text = SignedReceipt::sign(&stored, key).unwrap().to_string();
        Proof::check(&text, &keys, [9; 16], &held)
    };
    assert_eq!(check(&ours, 9).map(|proof| proof.number()), Ok(Number(1)));
    assert_eq!(check(&ours, 8), Err(NotProven::Mismatch(Mismatch::Device)));
    let unknown = NotProven::Receipt(VerifyError::UnknownKey(theirs.id()));
    assert_eq!(check(&theirs, 9), Err(unknown));
    assert!(Proof::check("stored, believe me", &keys, [9; 16], &held).is_err());
}

#[test]
fn only_what_is_being_removed_or_never_began_is_struck_out() {
    let (proof, confirmed) = (proof(&delivered(Number(1))), confirmation(Number(1), SHA));
    let way = [
        SEAL,
        Step::Digest(SHA),
        Step::Offer,
        Step::Receipt(&proof),
        Step::Archive,
        Step::Remove(&confirmed),
    ];
    for reached in 0..=way.len() {
        let mut nor = Nor::blank(6);
        let (removed, abandoned) = run(async {
            let mut device = Device::look(&mut nor).await;
            let fresh = device.ledger.next_number(&mut device.flash, None).await.unwrap();
            device
                .ledger
                .open(&mut device.flash, fresh, &opening(1))
                .await
                .unwrap();
            for step in &way[..reached] {
                device
                    .ledger
                    .advance(&mut device.flash, Number(1), *step)
                    .await
                    .unwrap();
            }
            let removed = device.ledger.remove(&mut device.flash, Number(1)).await;
            let abandoned = device.ledger.abandon(&mut device.flash, Number(1)).await;
            (removed.is_ok(), abandoned.is_ok())
        })
        .unwrap();
        assert_eq!((removed, abandoned), (reached == 6, reached == 0));
        let left = run(async { Device::look(&mut nor).await.ledger.rows().len() });
        assert_eq!(left, Some(usize::from(!removed && !abandoned)));
    }
}
