//! A change of the code that some test has to notice.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// Who has to find it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finder {
    /// The tests that cut the power at every write.
    Cuts,
    /// Worlds drawn from seeds.
    Worlds,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Old,
    New,
}

/// One file of `crates/sim/mutants`: a title, who finds it, the file, and the text before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mutant {
    pub(super) name: String,
    pub(super) title: String,
    /// Each of these.
    pub(super) finders: Vec<Finder>,
    pub(super) changes: Vec<Change>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) file: PathBuf,
    pub(super) old: String,
    pub(super) new: String,
}

const OLD: &str = "<<<<";
const NEW: &str = "====";
const END: &str = ">>>>";

/// All of a folder, by name.
pub(super) fn read_all(folder: &Path) -> Result<Vec<Mutant>> {
    let mut mutants = Vec::new();
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "mutant") {
            let text = fs::read_to_string(&path)?;
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            mutants.push(Mutant::parse(&name, &text).with_context(|| path.display().to_string())?);
        }
    }
    mutants.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(mutants)
}

impl Mutant {
    fn parse(name: &str, text: &str) -> Result<Self> {
        let mut mutant = Self {
            name: name.to_owned(),
            title: String::new(),
            finders: Vec::new(),
            changes: Vec::new(),
        };
        let mut file = None;
        let mut within: Option<(Place, Change)> = None;
        for line in text.lines() {
            match (&mut within, line) {
                (None, OLD) => {
                    let file = file.clone().context("a change before its `file:`")?;
                    let (old, new) = (String::new(), String::new());
                    within = Some((Place::Old, Change { file, old, new }));
                }
                (Some((place @ Place::Old, _)), NEW) => *place = Place::New,
                (Some((Place::New, change)), END) => {
                    mutant.changes.push(change.clone());
                    within = None;
                }
                (Some((place, change)), line) => {
                    let side = match place {
                        Place::Old => &mut change.old,
                        Place::New => &mut change.new,
                    };
                    side.push_str(line);
                    side.push('\n');
                }
                (None, "") => {}
                (None, line) => match line.split_once(": ") {
                    Some(("title", title)) => title.clone_into(&mut mutant.title),
                    Some(("file", path)) => file = Some(PathBuf::from(path)),
                    Some(("found by", finders)) => {
                        mutant.finders = finders.split(", ").map(Finder::of).collect::<Result<_>>()?;
                    }
                    _ => bail!("what is `{line}`?"),
                },
            }
        }
        if within.is_some()
            || mutant.changes.is_empty()
            || mutant.title.is_empty()
            || mutant.finders.is_empty()
        {
            bail!("a mutant has a `title:`, a `found by:`, a `file:` and a whole change");
        }
        Ok(mutant)
    }

    /// Changes the files of a tree.
    pub(super) fn apply(&self, tree: &Path) -> Result<()> {
        for change in &self.changes {
            let path = tree.join(&change.file);
            let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
            let times = text.matches(&change.old).count();
            if times != 1 {
                bail!(
                    "{}: what {} changes is there {times} times; the code has moved on, so must the mutant",
                    change.file.display(),
                    self.name
                );
            }
            fs::write(&path, text.replacen(&change.old, &change.new, 1))?;
        }
        Ok(())
    }

    /// Puts the files back as they are in `root`.
    pub(super) fn take_back(&self, root: &Path, tree: &Path) -> Result<()> {
        for change in &self.changes {
            fs::write(tree.join(&change.file), fs::read(root.join(&change.file))?)?;
        }
        Ok(())
    }
}

impl Finder {
    fn of(text: &str) -> Result<Self> {
        match text {
            "cuts" => Ok(Self::Cuts),
            "worlds" => Ok(Self::Worlds),
            _ => bail!("nobody is called `{text}`; there are cuts and worlds"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "title: A flush is skipped\nfound by: cuts\nfile: a.rs\n<<<<\n    flush();\n====\n>>>>\n";

    #[test]
    fn a_mutant_changes_one_place_and_is_taken_back() {
        let folder = std::env::temp_dir().join(format!("mutant-{}", std::process::id()));
        let (root, tree) = (folder.join("root"), folder.join("tree"));
        for place in [&root, &tree] {
            fs::create_dir_all(place).unwrap();
            fs::write(place.join("a.rs"), "fn f() {\n    flush();\n}\n").unwrap();
        }
        let mutant = Mutant::parse("flush", TEXT).unwrap();
        assert_eq!(
            (&mutant.finders[..], mutant.changes.len()),
            (&[Finder::Cuts][..], 1)
        );
        mutant.apply(&tree).unwrap();
        assert_eq!(fs::read_to_string(tree.join("a.rs")).unwrap(), "fn f() {\n}\n");
        let again = mutant.apply(&tree).unwrap_err().to_string();
        assert!(again.contains("0 times"), "{again}");
        mutant.take_back(&root, &tree).unwrap();
        assert!(fs::read_to_string(tree.join("a.rs")).unwrap().contains("flush"));
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn every_mutant_of_the_project_applies() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let mutants = read_all(&root.join("crates/sim/mutants")).unwrap();
        for mutant in &mutants {
            for change in &mutant.changes {
                let text = fs::read_to_string(root.join(&change.file)).unwrap();
                let times = text.matches(&change.old).count();
                assert_eq!(times, 1, "{} in {}", mutant.name, change.file.display());
                assert_ne!(change.old, change.new, "{}", mutant.name);
            }
        }
        let of = |finder| {
            mutants
                .iter()
                .filter(|mutant| mutant.finders.contains(&finder))
                .count()
        };
        assert!(of(Finder::Cuts) >= 12 && of(Finder::Worlds) >= 10);
    }
}
