//! Words and hosts that may not be in the repository: paths of one machine, promises for later, prose that sells, and
//! lock files that point at anything but the public registries.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::{Finding, has_extension};

/// Anywhere in the repository.
const NOWHERE: [(&str, &str); 7] = [
    ("/root/", "a path of one machine"),
    ("/home/", "a path of one machine"),
    ("/Users/", "a path of one machine"),
    ("DESIGN section", "a document that is not in the repository"),
    ("TODO", "work for later belongs in an issue"),
    ("FIXME", "work for later belongs in an issue"),
    ("<<<<<<<", "a merge that was not finished"),
];

/// In documents, whatever the case.
const NOT_IN_PROSE: [&str; 6] = [
    "robust",
    "comprehensive",
    "seamless",
    "blazing",
    "cutting-edge",
    "world-class",
];

/// This file has to spell them.
const SPELLS_THEM: &str = "xtask/src/tidy/words.rs";

pub(super) fn check(root: &Path, files: &[PathBuf]) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for file in files
        .iter()
        .filter(|file| *file != Path::new(SPELLS_THEM) && !file.starts_with("fuzz/corpus"))
    {
        // Pictures and fonts are not text.
        let Ok(text) = std::fs::read_to_string(root.join(file)) else {
            continue;
        };
        let name = file.to_string_lossy();
        if name.ends_with("Cargo.lock") || name.ends_with("package-lock.json") {
            findings.extend(foreign_hosts(&name, &text));
        } else {
            findings.extend(forbidden(&name, &text, has_extension(file, "md")));
        }
    }
    Ok(findings)
}

fn forbidden(file: &str, text: &str, is_prose: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, text) in text.lines().enumerate() {
        let line = index + 1;
        for (word, why) in NOWHERE.iter().filter(|(word, _)| text.contains(word)) {
            findings.push(Finding::at(file, line, format!("`{word}`: {why}")));
        }
        let lower = text.to_lowercase();
        for word in NOT_IN_PROSE
            .iter()
            .filter(|word| is_prose && lower.contains(*word))
        {
            findings.push(Finding::at(file, line, format!("`{word}` sells; say what is so")));
        }
    }
    findings
}

fn foreign_hosts(file: &str, text: &str) -> Vec<Finding> {
    const KNOWN: [&str; 3] = [
        "https://registry.npmjs.org/",
        "https://github.com/rust-lang/crates.io-index",
        "sparse+https://index.crates.io/",
    ];
    let mut findings = Vec::new();
    for (index, text) in text.lines().enumerate() {
        // npm writes funding links too: only what is fetched counts.
        let fetched = text.contains("\"resolved\"") || text.trim_start().starts_with("source = ");
        if fetched && text.contains("://") && !KNOWN.iter().any(|host| text.contains(host)) {
            findings.push(Finding::at(
                file,
                index + 1,
                "fetches from a host that is no public registry",
            ));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_forbidden_word_is_found_with_its_line() {
        for (word, _) in NOWHERE {
            let findings = forbidden("a.rs", &format!("fine\nlet x = 1; // {word} y"), false);
            assert_eq!((findings.len(), findings[0].line), (1, Some(2)), "{word}");
        }
    }

    #[test]
    fn selling_words_are_found_in_prose_only() {
        assert_eq!(forbidden("a.md", "A Robust server", true).len(), 1);
        assert_eq!(forbidden("a.rs", "robust", false).len(), 0);
    }

    #[test]
    fn a_lock_file_with_a_private_registry_is_found() {
        let bad = "\"resolved\": \"https://npm.example.org/a.tgz\",";
        let good =
            "\"resolved\": \"https://registry.npmjs.org/a.tgz\",\n\"url\": \"https://opencollective.com/a\"";
        assert_eq!(foreign_hosts("web/package-lock.json", bad).len(), 1);
        assert_eq!(foreign_hosts("web/package-lock.json", good).len(), 0);
    }
}
