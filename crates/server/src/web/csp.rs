//! The content security policy of the portal: everything from this server, inline scripts by their hash.

use axum::http::HeaderValue;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// The policy for pages with the inline scripts of `pages`, and no others.
///
/// `data:` and `blob:` pictures are charts that a person saves and pictures before their upload; neither can run.
pub(super) fn policy<'a>(pages: impl Iterator<Item = &'a [u8]>) -> HeaderValue {
    let mut hashes: Vec<String> = pages
        .flat_map(inline_scripts)
        .map(|script| quoted_hash(&script))
        .collect();
    hashes.sort();
    hashes.dedup();
    let scripts = hashes
        .into_iter()
        .fold("'self'".to_owned(), |list, hash| list + " " + &hash);
    let policy = format!(
        "default-src 'self'; script-src {scripts}; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; \
         form-action 'self'; frame-ancestors 'none'"
    );
    HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static(
        "default-src 'self'; frame-ancestors 'none'",
    ))
}

/// The content's own hash as an entity tag; weak, since the gzip form carries the same one.
pub(super) fn etag(body: &[u8]) -> HeaderValue {
    let tag = format!("W/\"{}\"", hex::encode(&Sha256::digest(body)[..16]));
    HeaderValue::from_str(&tag).unwrap_or(HeaderValue::from_static("W/\"\""))
}

fn quoted_hash(script: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(script.as_bytes())))
}

/// The text of each `<script>` without `src` in a page of our own build.
fn inline_scripts(page: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(page);
    let mut scripts = Vec::new();
    let mut rest: &str = &text;
    while let Some(start) = rest.find("<script") {
        let Some(tag_end) = rest[start..].find('>') else {
            break;
        };
        let tag = &rest[start..start + tag_end];
        let body = &rest[start + tag_end + 1..];
        let Some(end) = body.find("</script") else { break };
        let has_source = tag
            .split_ascii_whitespace()
            .any(|attribute| attribute.starts_with("src="));
        if !has_source {
            scripts.push(body[..end].to_owned());
        }
        rest = &body[end..];
    }
    scripts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_inline_script_is_allowed_by_its_hash_and_nothing_else_is() {
        let page: &[u8] = b"<script src=\"/a.js\"></script><script>alert('Hello, world.');</script>";
        let policy = policy([page].into_iter());
        let text = policy.to_str().unwrap();
        // The example of the CSP specification.
        assert!(
            text.contains("script-src 'self' 'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng=';"),
            "{text}"
        );
        assert!(!text.contains("unsafe"));
        assert!(text.contains("frame-ancestors 'none'"));
    }

    #[test]
    fn pages_without_scripts_allow_none_inline() {
        let policy = policy([&b"<p>"[..]].into_iter());
        assert!(policy.to_str().unwrap().contains("script-src 'self';"));
    }
}
