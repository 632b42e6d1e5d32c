//! A script of changes, what the map must hold after each, and a device that is switched off by a cut.

use std::collections::BTreeMap;

use device::flash::journal::{Error, Journal, MountError, RawKey, Report, VALUE_BYTES_MAX};
use embedded_storage_async::nor_flash::NorFlashErrorKind;
use rand::{Rng, RngExt};
use sim::nor::Nor;
use sim::{exec, seeded};

/// `None` is a device whose power went.
pub(crate) fn run<F: Future>(future: F) -> Option<F::Output> {
    exec::run(future).done()
}

pub(crate) type Refused = Error<NorFlashErrorKind>;

#[derive(Debug, Clone)]
pub(crate) enum Change {
    Put(RawKey, Vec<u8>),
    Remove(RawKey),
}

pub(crate) type Content = BTreeMap<u32, Vec<u8>>;

impl Change {
    pub(crate) async fn make(&self, journal: &mut Journal<&mut Nor>) -> Result<(), Refused> {
        match self {
            Self::Put(key, value) => journal.put(*key, value).await,
            Self::Remove(key) => journal.remove(*key).await,
        }
    }

    pub(crate) fn apply(&self, content: &mut Content) {
        match self {
            Self::Put(key, value) => content.insert(key.0, value.clone()),
            Self::Remove(key) => content.remove(&key.0),
        };
    }
}

/// Values of the sizes that the device keeps, few keys, and many removals: whatever can come back gets its chance. What is alive fits
/// into four pages.
pub(crate) fn script(seed: u64, changes: usize) -> Vec<Change> {
    let mut rng = seeded(seed);
    let sizes = [0, 1, 4, 16, 69, 69, 69, 69, 300, 520];
    (0..changes)
        .map(|_| {
            let key = RawKey(rng.random_range(0..6));
            if rng.random_ratio(1, 4) {
                return Change::Remove(key);
            }
            let long = key.0 == 0 && rng.random();
            let len = if long {
                1200
            } else {
                sizes[rng.random_range(0..sizes.len())]
            };
            let mut value = vec![0; len];
            rng.fill_bytes(&mut value);
            Change::Put(key, value)
        })
        .collect()
}

pub(crate) fn mount(nor: &mut Nor) -> Result<(Journal<&mut Nor>, Report), MountError<NorFlashErrorKind>> {
    run(Journal::mount(nor)).expect("no cut is planned")
}

/// All that a boot would find.
pub(crate) fn content(nor: &mut Nor) -> Content {
    let (mut journal, report) = mount(nor).expect("a cut never makes the flash unusable");
    assert_eq!(report.damaged_pages, 0, "a cut damages no page");
    read_all(&mut journal)
}

pub(crate) fn read_all(journal: &mut Journal<&mut Nor>) -> Content {
    let mut content = Content::new();
    let mut from = RawKey(0);
    while let Some(key) = journal.next_key(from) {
        let mut buffer = [0; VALUE_BYTES_MAX];
        let value = run(journal.get(key, &mut buffer)).expect("no cut is planned");
        let value = value.expect("it reads back").expect("the index has it");
        content.insert(key.0, value.to_vec());
        from = RawKey(key.0 + 1);
    }
    content
}

/// The world after a cut in `change`: as it was before or as it would have been after, and nothing else.
pub(crate) fn expect_old_or_new(found: &Content, before: &Content, change: &Change, whence: &str) {
    if found == before {
        return;
    }
    let mut after = before.clone();
    change.apply(&mut after);
    assert!(*found == after, "{whence}: {}", difference(found, before, &after));
}

fn difference(found: &Content, before: &Content, after: &Content) -> String {
    let keys = found.keys().chain(before.keys()).chain(after.keys());
    let wrong = keys
        .filter(|key| found.get(key) != before.get(key) && found.get(key) != after.get(key))
        .map(|key| match (found.get(key), before.get(key)) {
            (None, Some(_)) => format!("key {key} is lost"),
            (Some(_), None) => format!("key {key} is back"),
            (Some(_), Some(_)) => format!("key {key} has another value"),
            (None, None) => format!("key {key} came and went"),
        });
    wrong.collect::<Vec<_>>().join(", ")
}
