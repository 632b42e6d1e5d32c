use device::flash::{CardIdentity, Item};
use rand::{Rng, RngExt};
use sim::nor::{Fault, Nor, Operation};
use sim::seeded;

use crate::acts::{Act, Content, Device, Id, Memory, run};

/// So few that the ring is turned over all the time.
const BLOCKS: usize = 5;

fn bytes(len: usize, seed: u64) -> Vec<u8> {
    let mut bytes = vec![0; len];
    seeded(seed).fill_bytes(&mut bytes);
    bytes
}

/// From the first cluster to the last, with what happens beside.
fn life(id: Id) -> Vec<Act> {
    let seed = id as u64 * 100;
    let uptime = |minute: u64| Act::Write(Item::Uptime(id as u32), bytes(60, seed + minute));
    let intents = |nth: u64| {
        [
            Act::Write(Item::FatIntent, bytes(40, seed + 20 + nth)),
            Act::Write(Item::DirectoryIntent, bytes(520, seed + 30 + nth)),
        ]
    };
    let done = || [Act::Remove(Item::FatIntent), Act::Remove(Item::DirectoryIntent)];
    let mut acts = vec![uptime(1)];
    acts.extend(intents(1));
    acts.extend([Act::Open(id)]);
    acts.extend(done());
    acts.extend([uptime(2), Act::Seal(id)]);
    acts.extend(intents(2));
    acts.extend(done());
    acts.extend([
        Act::Digest(id),
        Act::Offer(id),
        uptime(3),
        Act::Receipt(id),
        Act::Archive(id),
        Act::LetGo(id),
    ]);
    acts.extend(intents(3));
    acts.extend(done());
    acts.extend([Act::Remove(Item::Uptime(id as u32)), Act::Strike(id)]);
    acts
}

/// Three recordings, the last of them struck out before a fourth is opened; settings, a reset, a card.
fn script() -> Vec<Act> {
    let mut acts = vec![Act::Write(Item::Settings, bytes(700, 1))];
    acts.extend(life(1).into_iter().take(14));
    acts.push(Act::Card(CardIdentity {
        volume: 1,
        free_clusters: 9,
    }));
    acts.extend(life(2));
    acts.extend([
        Act::Write(Item::Settings, bytes(1300, 2)),
        Act::Write(Item::Breadcrumb, bytes(200, 3)),
        Act::Card(CardIdentity {
            volume: 1,
            free_clusters: 7,
        }),
        Act::Reset(5),
        Act::Write(Item::Settings, bytes(800, 4)),
    ]);
    acts.extend(life(3));
    acts.push(Act::Open(4));
    // Hours are counted all the while.
    let hours = |nth: usize| Act::Write(Item::Uptime(0), bytes(60, 1000 + nth as u64));
    let counted = acts.into_iter().enumerate();
    let counted = counted.flat_map(|(nth, act)| [act, hours(2 * nth), hours(2 * nth + 1)]);
    // Until every page that something was removed in has been erased.
    counted.chain((1000..1300).map(hours)).collect()
}

/// A device that was in use for a while: each page of its flash was erased before.
fn used(memory: &mut Memory) -> (Nor, Content) {
    let mut nor = Nor::blank(BLOCKS);
    let content = run(async {
        let mut device = Device::start(&mut nor, memory).await;
        for minute in 0..400 {
            let act = Act::Write(Item::Uptime(0), bytes(60, minute));
            device.perform(&act, memory).await;
        }
        device.content(memory).await
    });
    assert!(nor.spent().erases > BLOCKS as u64);
    (nor.next_boot(), content.unwrap())
}

#[derive(Clone)]
struct World {
    nor: Nor,
    memory: Memory,
    held: Content,
    /// Acts that returned.
    done: usize,
}

impl World {
    fn new() -> Self {
        let mut memory = Memory::default();
        let (nor, held) = used(&mut memory);
        Self {
            nor,
            memory,
            held,
            done: 0,
        }
    }

    /// The next act, by a device that was on already: whether it ended.
    fn act(&mut self, acts: &[Act]) -> bool {
        let Self {
            nor,
            memory,
            held,
            done,
        } = self;
        run(async {
            let act = &acts[*done];
            Device::look(nor).await.perform(act, memory).await;
            act.apply(held);
            *done += 1;
        })
        .is_some()
    }

    /// Starts and goes on with the script until its end or a cut, and says whether it was the end.
    fn go_on(&mut self, acts: &[Act]) -> bool {
        let Self {
            nor,
            memory,
            held,
            done,
        } = self;
        run(async {
            let mut device = Device::start(nor, memory).await;
            while let Some(act) = acts.get(*done) {
                device.perform(act, memory).await;
                act.apply(held);
                *done += 1;
            }
        })
        .is_some()
    }

    /// After a cut: what is there must be what returned, with or without the act in flight.
    fn check(&mut self, acts: &[Act], whence: &str) {
        self.nor = self.nor.clone().next_boot();
        let memory = &self.memory;
        let found = run(async {
            let mut device = Device::look(&mut self.nor).await;
            device.content(memory).await
        });
        let found = found.unwrap();
        if found == self.held {
            return;
        }
        let act = acts
            .get(self.done)
            .unwrap_or_else(|| panic!("{whence}: nothing was in flight"));
        let mut after = self.held.clone();
        act.apply(&mut after);
        assert_eq!(found, after, "{whence}, in {act:?}");
        self.held = found;
        self.done += 1;
    }
}

fn faults(at: u64, operation: &Operation) -> impl Iterator<Item = Fault> {
    // What an erase leaves has more faces.
    let torn = match operation {
        Operation::Program { .. } => 5,
        Operation::Erase { .. } => 300,
    };
    let torn = (0..torn).map(move |nth| Fault::Torn(at << 16 | nth));
    [Fault::Before, Fault::After].into_iter().chain(torn)
}

#[test]
fn a_cut_at_any_operation_of_three_lives_leaves_what_was_told_and_they_end_as_they_should() {
    let (mut uncut, acts) = (World::new(), script());
    let (mut worlds, mut erases) = (0, 0);
    while uncut.done < acts.len() {
        uncut.nor = uncut.nor.next_boot();
        let before = uncut.clone();
        uncut.nor = uncut.nor.recording();
        assert!(uncut.act(&acts));
        assert_eq!(uncut.nor.spent().impossible_programs, 0);
        erases += uncut.nor.spent().erases;
        for (at, operation) in (0..).zip(uncut.nor.log()) {
            for fault in faults((before.done as u64) << 8 | at, operation) {
                let whence = format!("act {}, operation {at}, {fault:?}", before.done);
                let mut world = before.clone();
                world.nor.cut_at(at, fault);
                assert!(!world.act(&acts), "{whence}: no cut");
                world.check(&acts, &whence);
                let some_more = &acts[..acts.len().min(before.done + 30)];
                assert!(world.go_on(some_more), "{whence}: stuck");
                world.check(&acts, &whence);
                worlds += 1;
            }
        }
    }
    assert!(worlds > 5000 && erases >= 9, "{worlds} worlds, {erases} erases");
}

#[test]
fn so_do_pairs_of_cuts_and_whole_rows_of_them() {
    let (start, acts) = (World::new(), script());
    let mut uncut = start.clone();
    assert!(uncut.go_on(&acts));
    let operations = uncut.nor.spent().operations();
    for seed in 0..600 {
        let mut rng = seeded(seed);
        let mut world = start.clone();
        let cuts = if seed % 2 == 0 { 2 } else { 20 };
        for _ in 0..cuts {
            let soon = if rng.random() { 10 } else { operations };
            world
                .nor
                .cut_at(rng.random_range(0..soon), Fault::Torn(rng.random()));
            world.go_on(&acts);
            world.check(&acts, &format!("world {seed}"));
        }
        assert!(world.go_on(&acts), "world {seed} is stuck");
        world.check(&acts, &format!("world {seed}"));
    }
}
