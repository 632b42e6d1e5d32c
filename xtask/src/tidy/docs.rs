//! Documents name only paths that exist, and the index of decisions names every decision.
//!
//! Two shapes are read: the target of a relative Markdown link, and a back-quoted word that begins with one of our
//! top-level folders; comments in Rust files name paths in the second shape. What git ignores (build output) may be
//! named without being there.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use super::{Finding, has_extension, read};

const DECISIONS: &str = "docs/decisions/README.md";

/// A path that a document names.
#[derive(Debug, PartialEq, Eq)]
struct Named<'a> {
    line: usize,
    path: &'a str,
    /// Links are relative to the document, back-quoted paths to the repository.
    is_link: bool,
}

pub(super) fn check(root: &Path, files: &[PathBuf]) -> Result<Vec<Finding>> {
    let tops: Vec<String> = files
        .iter()
        .filter(|file| file.components().count() > 1)
        .filter_map(|file| file.components().next())
        .map(|top| top.as_os_str().to_string_lossy().into_owned())
        .collect();
    let mut findings = Vec::new();
    for file in files
        .iter()
        .filter(|file| has_extension(file, "md") || has_extension(file, "rs"))
    {
        let text = if has_extension(file, "md") {
            read(root, file)?
        } else {
            comments(&read(root, file)?)
        };
        let folder = root
            .join(file)
            .parent()
            .context("a document is in a folder")?
            .to_path_buf();
        for Named { line, path, is_link } in named_paths(&text, &tops) {
            let target = if is_link {
                folder.join(path)
            } else {
                root.join(path)
            };
            if !target.exists() && !ignored(root, &target)? {
                findings.push(Finding::at(
                    &file.to_string_lossy(),
                    line,
                    format!("names `{path}`, which is not there"),
                ));
            }
        }
    }
    findings.extend(unlisted(files, &read(root, Path::new(DECISIONS))?));
    Ok(findings)
}

/// Decision records that their index does not name.
fn unlisted(files: &[PathBuf], index: &str) -> Vec<Finding> {
    let folder = Path::new(DECISIONS).parent();
    files
        .iter()
        .filter(|file| file.parent() == folder && *file != Path::new(DECISIONS))
        .filter_map(|file| Some((file, file.file_name()?.to_string_lossy())))
        .filter(|(_, name)| !index.contains(&format!("]({name})")))
        .map(|(file, _)| Finding::of(&file.to_string_lossy(), format!("is not in {DECISIONS}")))
        .collect()
}

/// A Rust file with everything but its comment lines blanked, so that line numbers stay.
fn comments(text: &str) -> String {
    let kept = text.lines().map(|line| {
        if line.trim_start().starts_with("//") {
            line
        } else {
            ""
        }
    });
    // A link in a doc comment leads to an item, not to a file.
    kept.collect::<Vec<_>>().join("\n").replace("](", "] (")
}

fn named_paths<'a>(text: &'a str, tops: &[String]) -> Vec<Named<'a>> {
    let mut named = Vec::new();
    for (index, text) in text.lines().enumerate() {
        let line = index + 1;
        for target in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split([')', '#', ' ']).next())
        {
            if !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:") {
                named.push(Named {
                    line,
                    path: target,
                    is_link: true,
                });
            }
        }
        for quoted in text.split('`').skip(1).step_by(2) {
            let is_path = quoted
                .split_once('/')
                .is_some_and(|(top, _)| tops.iter().any(|known| known == top));
            // Patterns and placeholders stand for many paths; words with a space are commands.
            if is_path && !quoted.contains(['*', '<', '{', '…', ' ', ':']) {
                named.push(Named {
                    line,
                    path: quoted,
                    is_link: false,
                });
            }
        }
    }
    named
}

fn ignored(root: &Path, target: &Path) -> Result<bool> {
    let mut git = Command::new("git");
    // A pattern for folders matches a path that is not there only if it ends in a slash.
    git.current_dir(root)
        .arg("check-ignore")
        .args([target, &target.join("")])
        .stdout(Stdio::null());
    Ok(git.status().context("cannot start git")?.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(text: &str) -> Vec<&str> {
        named_paths(text, &["docs".to_owned(), "crates".to_owned()])
            .iter()
            .map(|named| named.path)
            .collect()
    }

    #[test]
    fn links_and_quoted_paths_are_read() {
        assert_eq!(
            paths("see [this](docs/a.md#part) and `crates/wire/src`"),
            ["docs/a.md", "crates/wire/src"]
        );
    }

    #[test]
    fn hosts_patterns_commands_and_words_are_left_alone() {
        assert_eq!(
            paths("[x](https://a.example/b) `docs/<name>.md` `docs/*.md` `and/or` `crates/a b`"),
            [""; 0]
        );
    }

    #[test]
    fn comments_of_code_are_read_and_its_strings_are_not() {
        let text = comments("let a = \"`docs/a.md`\";\n    /// See `docs/b.md` and [c](crate::c).");
        let tops = ["docs".to_owned()];
        assert_eq!(
            named_paths(&text, &tops),
            [Named {
                line: 2,
                path: "docs/b.md",
                is_link: false
            }]
        );
    }

    #[test]
    fn a_decision_that_its_index_does_not_name_is_found() {
        let files = [DECISIONS, "docs/decisions/0001-a.md", "docs/decisions/0002-b.md"].map(PathBuf::from);
        let findings = unlisted(&files, "| [0001](0001-a.md) | a |");
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].file, "docs/decisions/0002-b.md");
    }

    #[test]
    fn a_document_that_names_a_missing_file_is_found() {
        let folder = std::env::temp_dir().join(format!("fieldpost-docs-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("docs/decisions")).unwrap();
        std::fs::write(folder.join(DECISIONS), "").unwrap();
        std::fs::write(folder.join("a.md"), "one\n[b](b.md) [src](a.md)").unwrap();
        let findings = check(&folder, &[PathBuf::from("a.md")]).unwrap();
        assert_eq!(
            findings,
            [Finding::at("a.md", 2, "names `b.md`, which is not there")]
        );
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
