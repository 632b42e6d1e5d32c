//! Chromium on a phone that joined.

use std::path::{Path, PathBuf};

use crate::space::{CODE, Space};

#[test]
#[ignore = "needs root and network namespaces: run by cargo xtask test"]
fn a_person_fills_in_the_form_without_scripts_and_reads_what_came_of_it() {
    let space = Space::new(true, false);
    space.join();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let pictures =
        std::env::var_os("PORTAL_PICTURES").map_or_else(|| space.folder().join("pictures"), PathBuf::from);
    std::fs::create_dir_all(&pictures).unwrap();
    let mut node = space.command("phone", &["node", "web/e2e/portal.js"]);
    node.current_dir(root)
        .env("PICTURES", &pictures)
        .env("SETUP_CODE", CODE);
    let output = node.output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    assert_eq!(
        space.said(),
        [
            "submitted ssid=Paddock 5 password=wrong-password url=https://logs.example.org claim=7KQ2-MX41",
            "submitted ssid=Zoë & Co \"5G\" password=Sehr+geheim%&=1 url=- claim=-",
        ]
    );
    assert_eq!(std::fs::read_dir(&pictures).unwrap().count(), 16);
}
