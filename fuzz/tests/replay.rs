//! The committed corpora, replayed by the ordinary tests.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn every_committed_input_is_read_without_a_panic() {
    for target in fuzz::TARGETS {
        for file in entries(&folder("corpus").join(target.name)) {
            let data = fs::read(&file).unwrap();
            let outcome = std::panic::catch_unwind(|| (target.run)(&data));
            assert!(outcome.is_ok(), "{} panics on {}", target.name, file.display());
        }
    }
}

#[test]
fn every_target_has_a_body_a_binary_and_seeds() {
    let bodies: BTreeSet<String> = fuzz::TARGETS
        .iter()
        .map(|target| target.name.to_owned())
        .collect();
    let stems = |name: &str| -> BTreeSet<String> {
        let paths = entries(&folder(name));
        paths
            .iter()
            .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
            .collect()
    };
    assert_eq!(bodies, stems("fuzz_targets"));
    assert_eq!(bodies, stems("corpus"));
    for target in fuzz::TARGETS {
        assert!(
            !entries(&folder("corpus").join(target.name)).is_empty(),
            "{} has no seed",
            target.name
        );
    }
}

#[test]
fn any_target_takes_empty_and_binary_input() {
    let noise: Vec<u8> = (0..=255).cycle().take(3000).collect();
    for target in fuzz::TARGETS {
        (target.run)(b"");
        (target.run)(&noise);
    }
}
