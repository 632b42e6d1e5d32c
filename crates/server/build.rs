//! Tells the compiler whether there is a built web app to embed, and when to look again. The crate builds without Node:
//! then the binary serves a page that says how to build the app.

use std::path::Path;

fn main() {
    println!("cargo::rustc-check-cfg=cfg(web_app)");
    println!("cargo::rerun-if-changed=build.rs");
    let app = Path::new("../../web/app");
    let build = app.join("build");
    if build.join("index.html").exists() || build.join("200.html").exists() {
        println!("cargo::rustc-cfg=web_app");
        println!("cargo::rerun-if-changed={}", build.display());
    } else if app.exists() {
        // Watching a path that is not there makes Cargo build anew every time; the folder above is.
        println!("cargo::rerun-if-changed={}", app.display());
    }
}
