//! Rust files that no `mod` line reaches: they look alive, and nothing compiles them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use cargo_metadata::MetadataCommand;

use super::{Finding, has_extension};

/// What runs on chips is built by another compiler, so it is a workspace of its own.
const WORKSPACES: [&str; 2] = ["Cargo.toml", "firmware/Cargo.toml"];

pub(super) fn check(root: &Path, files: &[PathBuf]) -> Result<Vec<Finding>> {
    let mut roots = Vec::new();
    for workspace in WORKSPACES {
        let metadata = MetadataCommand::new()
            .manifest_path(root.join(workspace))
            .no_deps()
            .exec()
            .context("cargo metadata")?;
        let targets = metadata.packages.into_iter().flat_map(|package| package.targets);
        roots.extend(targets.map(|target| target.src_path.into_std_path_buf()));
    }
    let mut alive = BTreeSet::new();
    for file in roots {
        reach(&file, true, &mut alive)?;
    }
    Ok(files
        .iter()
        .filter(|file| has_extension(file, "rs") && !alive.contains(&root.join(file)))
        .map(|file| Finding::of(&file.to_string_lossy(), "no `mod` line leads to this file"))
        .collect())
}

/// Adds a file and every file that its `mod` lines lead to.
fn reach(file: &Path, is_root: bool, alive: &mut BTreeSet<PathBuf>) -> Result<()> {
    if !alive.insert(file.to_path_buf()) {
        return Ok(());
    }
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let folder = file.parent().context("a source file is in a folder")?;
    let owns_folder = is_root || file.file_name().is_some_and(|name| name == "mod.rs");
    let children = if owns_folder {
        folder.to_path_buf()
    } else {
        file.with_extension("")
    };
    for name in modules(&text) {
        let candidates = [
            children.join(format!("{name}.rs")),
            children.join(name).join("mod.rs"),
        ];
        for candidate in candidates.iter().filter(|candidate| candidate.exists()) {
            reach(candidate, false, alive)?;
        }
    }
    Ok(())
}

/// Names of the modules that a file declares with their text elsewhere: `mod gates;`, `pub(crate) mod laps;`.
fn modules(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let line = line.trim();
        let (before, after) = line.split_once("mod ")?;
        let before = before.trim();
        let visible =
            before.is_empty() || before == "pub" || (before.starts_with("pub(") && before.ends_with(')'));
        let name = after.split_once(';')?.0.trim();
        (visible && name.chars().all(|c| c.is_alphanumeric() || c == '_')).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn module_lines_are_found_and_other_lines_are_not() {
        let text = "mod a;\npub mod b;\npub(crate) mod c; // why\n// mod d;\nmod tests {\n    mod e;\n}\nlet x = \"mod f;\";";
        assert_eq!(modules(text).collect::<Vec<_>>(), ["a", "b", "c", "e"]);
    }

    #[test]
    fn a_file_is_alive_only_through_a_mod_line() {
        let folder = std::env::temp_dir().join(format!("fieldpost-tidy-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("laps")).unwrap();
        for (name, text) in [
            ("lib.rs", "mod laps;"),
            ("laps.rs", "mod best;"),
            ("laps/best.rs", ""),
            ("laps/lost.rs", ""),
        ] {
            std::fs::write(folder.join(name), text).unwrap();
        }
        let mut alive = BTreeSet::new();
        reach(&folder.join("lib.rs"), true, &mut alive).unwrap();
        assert!(alive.contains(&folder.join("laps/best.rs")));
        assert!(!alive.contains(&folder.join("laps/lost.rs")));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
