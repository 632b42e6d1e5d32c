//! Dependencies between our crates point only where the picture in ARCHITECTURE.md says.
//!
//! The picture is a table that people and this check both read: a line `server → telemetry wire` for each crate, in the
//! code block after the heading that speaks of arrows. Development dependencies may in addition point to `sim`, which gives tests their
//! drives with exact truth.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result, bail};
use cargo_metadata::{DependencyKind, MetadataCommand};

use super::Finding;

const PICTURE: &str = "ARCHITECTURE.md";

type Arrows = BTreeMap<String, BTreeSet<String>>;

/// One dependency between two of our crates.
struct Dependency {
    from: String,
    to: String,
    for_tests: bool,
}

pub(super) fn check(root: &Path) -> Result<Vec<Finding>> {
    let text = std::fs::read_to_string(root.join(PICTURE)).context("cannot read ARCHITECTURE.md")?;
    let allowed = picture(&text)?;
    let metadata = MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        .no_deps()
        .exec()
        .context("cargo metadata")?;
    let ours: BTreeSet<String> = metadata
        .packages
        .iter()
        .map(|package| package.name.to_string())
        .collect();
    let mut dependencies = Vec::new();
    for package in &metadata.packages {
        for dependency in package
            .dependencies
            .iter()
            .filter(|dependency| ours.contains(&dependency.name))
        {
            dependencies.push(Dependency {
                from: package.name.to_string(),
                to: dependency.name.clone(),
                for_tests: dependency.kind == DependencyKind::Development,
            });
        }
    }
    Ok(compare(&allowed, &ours, &dependencies))
}

/// Reads the lines `crate → crates it may use` of the first code block that has any.
fn picture(text: &str) -> Result<Arrows> {
    let arrows: Arrows = text
        .lines()
        .skip_while(|line| !line.starts_with("```"))
        .skip(1)
        .take_while(|line| !line.starts_with("```"))
        .filter_map(|line| line.split_once('→'))
        .map(|(from, to)| {
            (
                from.trim().to_owned(),
                to.split_whitespace().map(str::to_owned).collect(),
            )
        })
        .collect();
    if arrows.is_empty() {
        bail!("{PICTURE} has no lines `crate → crate crate` in its first code block");
    }
    Ok(arrows)
}

fn compare(allowed: &Arrows, ours: &BTreeSet<String>, dependencies: &[Dependency]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for name in ours.iter().filter(|name| !allowed.contains_key(*name)) {
        findings.push(Finding::of(
            PICTURE,
            format!("the crate `{name}` is not in the picture"),
        ));
    }
    for name in allowed.keys().filter(|name| !ours.contains(*name)) {
        findings.push(Finding::of(
            PICTURE,
            format!("the picture shows `{name}`, which is no crate"),
        ));
    }
    for Dependency { from, to, for_tests } in dependencies {
        let drawn = allowed.get(from).is_some_and(|targets| targets.contains(to));
        let drives_for_tests = *for_tests && to == "sim";
        if !drawn && !drives_for_tests {
            findings.push(Finding::of(
                PICTURE,
                format!("`{from}` depends on `{to}`, an arrow that is not drawn"),
            ));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    const PICTURE: &str = "# A\n```\nwire →\ntelemetry → wire\nsim → wire\n```\n";

    fn findings(from: &str, to: &str, for_tests: bool) -> usize {
        let ours = ["wire", "telemetry", "sim"].map(str::to_owned).into();
        let dependency = Dependency {
            from: from.to_owned(),
            to: to.to_owned(),
            for_tests,
        };
        compare(&picture(PICTURE).unwrap(), &ours, &[dependency]).len()
    }

    #[test]
    fn a_drawn_arrow_is_allowed() {
        assert_eq!(findings("telemetry", "wire", false), 0);
    }

    #[test]
    fn an_arrow_against_the_picture_is_found() {
        assert_eq!(findings("wire", "telemetry", false), 1);
        assert_eq!(findings("wire", "telemetry", true), 1);
    }

    #[test]
    fn only_tests_may_use_the_simulator_undrawn() {
        assert_eq!(findings("telemetry", "sim", true), 0);
        assert_eq!(findings("telemetry", "sim", false), 1);
    }

    #[test]
    fn a_crate_missing_from_the_picture_is_found() {
        let ours = ["wire", "telemetry", "sim", "extra"].map(str::to_owned).into();
        assert_eq!(compare(&picture(PICTURE).unwrap(), &ours, &[]).len(), 1);
    }

    #[test]
    fn a_document_without_a_picture_is_refused() {
        assert!(picture("# Architecture\nwords").is_err());
    }
}
