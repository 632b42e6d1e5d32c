//! Crates that a microcontroller will run stay without `std`, and take their float functions from `libm`: the ones of `std`
//! differ between platforms in the last bit, and a lap time must be the same on the device and on the server.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::{Finding, has_extension, read};

const DEVICE_CRATES: [&str; 3] = ["crates/wire", "crates/timing", "crates/device"];

/// Methods that `std` adds to floats and `core` does not have.
const STD_FLOAT: [&str; 21] = [
    "sqrt", "cbrt", "hypot", "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sin_cos", "sinh", "cosh",
    "tanh", "exp", "ln", "log10", "log2", "powf", "powi", "mul_add",
];

pub(super) fn check(root: &Path, files: &[PathBuf]) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for folder in DEVICE_CRATES {
        let sources: Vec<&PathBuf> = files
            .iter()
            .filter(|file| {
                file.starts_with(format!("{folder}/src")) && has_extension(file, "rs") && !is_tests(file)
            })
            .collect();
        if sources.is_empty() {
            bail!("{folder} has no sources: was it moved?");
        }
        for file in sources {
            let text = read(root, file)?;
            let is_root = file.ends_with("src/lib.rs");
            findings.extend(source(&file.to_string_lossy(), &text, is_root));
        }
    }
    Ok(findings)
}

/// A module's tests in a file of their own: the line that names it is under `#[cfg(test)]`.
fn is_tests(file: &Path) -> bool {
    file.file_name().is_some_and(|name| name == "tests.rs")
}

fn source(file: &str, text: &str, is_root: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    if is_root && !text.lines().any(|line| line.trim() == "#![no_std]") {
        findings.push(Finding::of(
            file,
            "a crate for the device begins with `#![no_std]`",
        ));
    }
    // Tests run on the host and may use what it has; they stand last in a file.
    let shipped = text.lines().take_while(|line| line.trim() != "#[cfg(test)]");
    for (index, line) in shipped.enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        for outside in ["std::", "extern crate std", "extern crate alloc", "alloc::"] {
            if code.contains(outside) {
                findings.push(Finding::at(
                    file,
                    index + 1,
                    format!("`{outside}` is not on the device"),
                ));
            }
        }
        for method in STD_FLOAT.iter().filter(|method| calls(code, method)) {
            let text = format!("`.{method}()` is std's and differs by platform: use `libm::{method}`");
            findings.push(Finding::at(file, index + 1, text));
        }
    }
    findings
}

/// Whether a line calls the method on a value, or the function of a float type by path.
fn calls(code: &str, method: &str) -> bool {
    [".", "f64::", "f32::"]
        .iter()
        .any(|before| code.contains(&format!("{before}{method}(")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_that_forgets_no_std_is_found() {
        assert_eq!(source("crates/wire/src/lib.rs", "pub mod a;", true).len(), 1);
        assert_eq!(
            source("crates/wire/src/lib.rs", "#![no_std]\npub mod a;", true).len(),
            0
        );
    }

    #[test]
    fn float_functions_of_std_are_found_and_those_of_libm_are_not() {
        assert_eq!(
            source("a.rs", "let r = x.sqrt();\nlet s = f64::sin(x);", false).len(),
            2
        );
        assert_eq!(
            source("a.rs", "let r = libm::sqrt(x); // not x.sqrt()", false).len(),
            0
        );
    }

    #[test]
    fn std_is_found_outside_tests_only() {
        assert_eq!(
            source(
                "a.rs",
                "use std::vec::Vec;\n#[cfg(test)]\nmod tests { use std::fs; }",
                false
            )
            .len(),
            1
        );
    }
}
