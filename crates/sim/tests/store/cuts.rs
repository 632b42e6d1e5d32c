//! Cuts: at every step once, and in pairs.

use std::collections::BTreeMap;

use rand::RngExt;
use sim::board::{Board, Cut, State, Step};
use sim::exec::{self, Outcome};

use crate::computer;
use crate::life::{Device, Rider, new_board, recordings};
use crate::truth::{Diary, Truth};

/// One life that nothing cut: its steps, what was told, and every recording.
struct Life {
    born: State,
    steps: Vec<Step>,
    diary: Diary,
    whole: BTreeMap<u128, Vec<u8>>,
}

impl Life {
    fn uncut() -> Self {
        let born = new_board();
        let board = Board::recording(born.clone());
        let rider = Rider::on(&board);
        let diary = rider.diary();
        assert_eq!(exec::run(rider.live()), Outcome::Done(()));
        let mut life = Self {
            born,
            steps: board.log(),
            diary: diary.take(),
            whole: BTreeMap::new(),
        };
        life.collect();
        life
    }

    /// Every recording as it was when its last step was told, also of those that are removed later.
    fn collect(&mut self) {
        let ends: Vec<u64> = self
            .diary
            .entries
            .iter()
            .filter(|(_, told)| matches!(told, crate::truth::Told::Stopped { .. }))
            .map(|(steps, _)| *steps)
            .collect();
        for end in ends {
            let board = Board::on(self.state_after(end));
            let found = exec::run(async { recordings(&mut Device::start(&board).await).await });
            self.whole.extend(found.done().unwrap());
        }
    }

    fn state_after(&self, steps: u64) -> State {
        let mut state = self.born.clone();
        for step in &self.steps[..steps as usize] {
            step.carry_out(&mut state);
        }
        state
    }

    /// Starts a device on what a cut left and looks at everything.
    fn check(&self, state: State, at: u64) -> State {
        let truth = Truth::at(&self.diary, at);
        let board = Board::on(state);
        let looked = exec::run(async {
            let mut device = Device::start(&board).await;
            truth.check(&mut device, &self.whole).await;
            assert_eq!(device.mended.gone, 0);
        });
        assert_eq!(looked, Outcome::Done(()), "nothing waits for ever");
        board.state()
    }
}

/// What a computer finds: the ledger's files, each as long as it says, and nothing of ours beside them.
fn check_by_computer(state: &State) {
    let board = Board::on(state.clone());
    let mut expected = exec::run(async {
        let mut device = Device::start(&board).await;
        let mut files = BTreeMap::new();
        for row in device.store.ledger().rows().to_vec() {
            if !row.is_here() {
                continue;
            }
            let entry = device.store.entry(row.number).await.unwrap();
            let mut bytes = vec![0; entry.size_bytes as usize];
            device.store.read(row.number, 0, &mut bytes).await.unwrap();
            files.insert(format!("/FIELDPOST/{}", entry.file_name()), bytes);
        }
        files
    })
    .done()
    .unwrap();
    expected.insert("/FIELDPOST/".to_owned(), Vec::new());
    assert!(
        computer::files(&state.card) == expected,
        "a computer finds what the ledger says"
    );
}

/// A device that was cut goes on as if it had not been: a second start mends nothing, a recording is made and numbered anew.
fn check_that_it_goes_on(state: State, truth: &Truth) {
    let board = Board::on(state);
    let mut rider = Rider::on(&board);
    let gone_on = exec::run(async {
        let mut device = Device::start(&board).await;
        assert_eq!(
            device.mended,
            Default::default(),
            "all was mended at the first start"
        );
        let number = rider.record(&mut device, 0xF0, 60).await;
        assert!(
            truth.numbers().all(|given| given < number.0),
            "numbers are not given twice"
        );
    });
    assert_eq!(gone_on, Outcome::Done(()));
}

const KINDS: [fn(u64) -> Cut; 3] = [|_| Cut::Before, Cut::Torn, |seed| Cut::Torn(seed ^ 0xFFFF)];

#[test]
fn nothing_is_lost_by_a_cut_at_any_step_of_a_life() {
    let life = Life::uncut();
    let mut state = life.born.clone();
    for (at, step) in (0..).zip(&life.steps) {
        for cut in KINDS {
            let mut cut_off = state.clone();
            step.interrupt(&mut cut_off, cut(at));
            let mended = life.check(cut_off, at);
            if at % 5 == 0 {
                check_by_computer(&mended);
                check_that_it_goes_on(mended, &Truth::at(&life.diary, at));
            }
        }
        step.carry_out(&mut state);
    }
    println!("{} steps, each cut in {} ways", life.steps.len(), KINDS.len());
}

/// Cut once in the life and once more in the start that mends it.
#[test]
fn nothing_is_lost_by_a_second_cut_while_the_first_is_mended() {
    let pairs: u32 = std::env::var("FIELDPOST_CUT_PAIRS").map_or(2_000, |text| text.parse().unwrap());
    let life = Life::uncut();
    let mut random = sim::seeded(77);
    let mut states = vec![life.born.clone()];
    for step in &life.steps {
        let mut next = states[states.len() - 1].clone();
        step.carry_out(&mut next);
        states.push(next);
    }
    for pair in 0..pairs {
        let at = random.random_range(0..life.steps.len());
        let mut cut_off = states[at].clone();
        life.steps[at].interrupt(&mut cut_off, KINDS[random.random_range(0..3)](random.random()));
        let board = Board::recording(cut_off.clone());
        exec::run(Device::start(&board)).done().expect("a start ends");
        let mending = board.steps();
        let board = Board::on(cut_off);
        board.cut_at(
            random.random_range(0..mending),
            KINDS[random.random_range(0..3)](random.random()),
        );
        assert!(exec::run(Device::start(&board)).is_cut());
        let mended = life.check(board.state(), at as u64);
        if pair % 4 == 0 {
            check_by_computer(&mended);
        }
    }
    println!("{pairs} pairs of cuts");
}

/// Linux's own checker, after the start that follows a cut.
#[test]
fn a_checker_finds_the_card_clean_after_cuts() {
    if computer::tool("fsck.fat").is_none() {
        return;
    }
    let samples: usize = std::env::var("FIELDPOST_FSCK_CUTS").map_or(40, |text| text.parse().unwrap());
    let life = Life::uncut();
    let mut random = sim::seeded(78);
    for _ in 0..samples {
        let at = random.random_range(0..life.steps.len());
        let mut cut_off = life.state_after(at as u64);
        life.steps[at].interrupt(&mut cut_off, KINDS[random.random_range(0..3)](random.random()));
        let mended = life.check(cut_off, at as u64);
        computer::assert_clean(&mended.card, &format!("after a cut at step {at}"));
    }
    println!("{samples} cuts");
}
