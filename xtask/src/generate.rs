//! What is made from code and committed: the OpenAPI document and the TypeScript types made from it.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process::{output, run_to_end, say};
use crate::web::Web;

/// Written from the server's own code.
const DOCUMENT: &str = "web/packages/api-client/openapi.json";
/// Written by openapi-typescript from the document.
const TYPES: &str = "web/packages/api-client/src/schema.d.ts";

pub(crate) fn run(root: &Path) -> Result<()> {
    let web = Web::new(root)?;
    web.install()?;
    write(root, &web)?;
    say(format_args!("wrote {DOCUMENT} and {TYPES}"));
    Ok(())
}

/// Generates again and compares with what was there.
///
/// # Errors
/// Something differs; the new text stays on disk, ready to be committed.
pub(crate) fn check_fresh(root: &Path, web: &Web) -> Result<()> {
    let before = texts(root)?;
    write(root, web)?;
    let after = texts(root)?;
    let stale: Vec<&str> = [DOCUMENT, TYPES]
        .into_iter()
        .zip(before.iter().zip(&after))
        .filter(|(_, (a, b))| a != b)
        .map(|(name, _)| name)
        .collect();
    if !stale.is_empty() {
        bail!(
            "{} did not match the server's code; it does now: review and commit it",
            stale.join(" and ")
        );
    }
    Ok(())
}

fn write(root: &Path, web: &Web) -> Result<()> {
    let mut document = Command::new("cargo");
    document
        .current_dir(root)
        .args(["run", "--quiet", "--package", "server", "--example", "openapi"]);
    let text = output(&mut document)?;
    let path = root.join(DOCUMENT);
    std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    run_to_end(&mut web.script("generate"))
}

fn texts(root: &Path) -> Result<[String; 2]> {
    let read =
        |name: &str| std::fs::read_to_string(root.join(name)).with_context(|| format!("cannot read {name}"));
    Ok([read(DOCUMENT)?, read(TYPES)?])
}
