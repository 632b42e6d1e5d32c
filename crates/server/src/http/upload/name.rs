//! The name beside a raw body, from the query or a header, and those of a form's parts. What a name may be is for `ingest`
//! to say.

use axum::http::{HeaderMap, HeaderName, header};
use percent_encoding::percent_decode_str;

const X_FILENAME: HeaderName = HeaderName::from_static("x-filename");

/// The name beside a raw body: `?filename=`, `X-Filename`, `Content-Disposition`, in this order.
pub(super) fn beside_body(query: Option<&str>, headers: &HeaderMap) -> Option<String> {
    let text = |name: HeaderName| {
        headers
            .get(name)
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    query
        .map(str::to_owned)
        .or_else(|| text(X_FILENAME))
        .or_else(|| text(header::CONTENT_DISPOSITION).and_then(|value| of_disposition(&value)))
}

/// `filename*` (RFC 8187) before `filename` (quoted or bare), as RFC 6266 wants it.
#[must_use]
pub fn of_disposition(value: &str) -> Option<String> {
    let read = Parameters::of(value);
    read.encoded_file_name.or(read.file_name)
}

/// What a part of a form says that it is.
#[derive(Debug, Default)]
pub(super) struct Disposition {
    pub(super) name: Option<String>,
    pub(super) file_name: Option<String>,
}

/// RFC 7578 has no `filename*` in a form, but some senders write nothing else.
pub(super) fn of_part(value: &str) -> Disposition {
    let read = Parameters::of(value);
    Disposition {
        name: read.name,
        file_name: read.file_name.or(read.encoded_file_name),
    }
}

/// The parameters that we know; of a repeated one the first.
#[derive(Default)]
struct Parameters {
    name: Option<String>,
    file_name: Option<String>,
    encoded_file_name: Option<String>,
}

impl Parameters {
    fn of(value: &str) -> Self {
        let mut read = Self::default();
        for (name, value) in parameters(value) {
            if name.eq_ignore_ascii_case("name") {
                read.name.get_or_insert(value);
            } else if name.eq_ignore_ascii_case("filename") {
                read.file_name.get_or_insert(value);
            } else if name.eq_ignore_ascii_case("filename*") {
                // Without charset and language it is not what RFC 8187 wants, and a name all the same.
                let encoded = value.splitn(3, '\'').nth(2).unwrap_or(&value);
                let decoded = percent_decode_str(encoded).decode_utf8_lossy();
                read.encoded_file_name.get_or_insert(decoded.into_owned());
            }
        }
        read
    }
}

/// The `name=value` parameters of a header, quotes and their backslashes undone.
fn parameters(header: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = header.split_once(';').map_or("", |(_, rest)| rest);
    while let Some((name, after)) = rest.split_once('=') {
        let after = after.trim_start();
        let (value, tail) = match after.strip_prefix('"') {
            Some(quoted) => unquote(quoted),
            None => {
                let (bare, tail) = after.split_once(';').unwrap_or((after, ""));
                (bare.trim().to_owned(), tail)
            }
        };
        found.push((name.trim_matches([' ', '\t', ';']).to_owned(), value));
        rest = tail;
    }
    found
}

/// The text up to the closing quote, and what comes after it. Small clients and old browsers write the backslashes of a path
/// as they are, so one is undone only where it stands before a quote or another.
fn unquote(quoted: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = quoted.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => {
                let escaped = chars.next_if(|(_, next)| matches!(next, '"' | '\\'));
                value.push(escaped.map_or(c, |(_, escaped)| escaped));
            }
            _ => value.push(c),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disposition_gives_its_name_in_every_spelling() {
        for (value, name) in [
            ("attachment; filename=LOG_1.csv", "LOG_1.csv"),
            ("attachment; filename=\"a; b.csv\"; size=3", "a; b.csv"),
            (
                "form-data; filename=\"C:\\fakepath\\log.csv\"",
                "C:\\fakepath\\log.csv",
            ),
            ("form-data; filename=\"a\\\\b.csv\"", "a\\b.csv"),
            ("attachment; filename*=abc.csv", "abc.csv"),
            (
                "form-data; name=\"f\"; FILENAME=\"say \\\"hi\\\".csv\"",
                "say \"hi\".csv",
            ),
            (
                "attachment; filename=\"plain.csv\"; filename*=UTF-8''R%C3%A9n%C3%A9.csv",
                "Réné.csv",
            ),
        ] {
            assert_eq!(of_disposition(value).as_deref(), Some(name), "{value}");
        }
        assert_eq!(of_disposition("attachment"), None);
    }

    #[test]
    fn a_part_has_a_name_and_perhaps_a_file_name() {
        let read = |value| {
            let read = of_part(value);
            (read.name, read.file_name)
        };
        let is = |name: &str, file: Option<&str>| (Some(name.to_owned()), file.map(str::to_owned));
        assert_eq!(read("form-data; name=device"), is("device", None));
        assert_eq!(
            read("form-data; name=\"a; filename=b\"; filename=\"c; name=d\""),
            is("a; filename=b", Some("c; name=d"))
        );
        assert_eq!(
            read("form-data; name=f; filename*=UTF-8''c%20d"),
            is("f", Some("c d"))
        );
        assert_eq!(
            read("form-data; name=f; filename*=UTF-8''c; filename=d"),
            is("f", Some("d"))
        );
    }

    #[test]
    fn the_query_wins_over_headers() {
        let mut headers = HeaderMap::new();
        headers.insert("x-filename", "b.csv".parse().unwrap());
        headers.insert(
            header::CONTENT_DISPOSITION,
            "attachment; filename=c.csv".parse().unwrap(),
        );
        assert_eq!(beside_body(Some("a.csv"), &headers).as_deref(), Some("a.csv"));
        assert_eq!(beside_body(None, &headers).as_deref(), Some("b.csv"));
        headers.remove("x-filename");
        assert_eq!(beside_body(None, &headers).as_deref(), Some("c.csv"));
    }
}
