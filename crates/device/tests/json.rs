//! The reader of JSON against another one, and cut into pieces anywhere.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

use device::json::{JsonError, Quoted, Reader, Token};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Everything that is reported, as text.
fn read(pieces: &[&[u8]]) -> Result<Vec<String>, JsonError> {
    let mut reader = Reader::<64>::new();
    let mut said = Vec::new();
    let mut report = |path: &device::json::Path, token: Token<'_>| said.push(format!("{path:?} {token:?}"));
    for piece in pieces {
        reader.feed(piece, &mut report)?;
    }
    reader.finish(&mut report)?;
    Ok(said)
}

/// What stands at a path.
fn texts(document: &str, at: &str) -> Vec<String> {
    let mut reader = Reader::<64>::new();
    let mut found = Vec::new();
    let mut report = |path: &device::json::Path, token: Token<'_>| {
        if path.is(at) {
            found.push(
                token
                    .text()
                    .or(token.number())
                    .map_or_else(|| format!("{token:?}"), str::to_owned),
            );
        }
    };
    reader.feed(document.as_bytes(), &mut report).unwrap();
    reader.finish(&mut report).unwrap();
    found
}

#[test]
fn what_is_asked_for_is_found_among_what_is_not() {
    let document = r#" {"other":[{"ssid":"no"},[[]],{}],"networks":{"add":[{"ssid":"a","x":null},{"ssid":"b"}]},
        "a/b":1,"a":{"b":2,"rather a long name for anything at all":{"b":3}}} "#;
    assert_eq!(texts(document, "networks/add/#/ssid"), ["a", "b"]);
    assert_eq!(texts(document, "a/b"), ["2"], "a name with a slash is one name");
    assert_eq!(texts("7", ""), ["7"]);
}

#[test]
fn escapes_are_read_and_half_characters_are_not() {
    let document = r#"{"s":"a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00\u0000"}"#;
    assert_eq!(texts(document, "s"), ["a\"\\/\u{8}\u{c}\n\r\té\u{1F600}\u{0}"]);
    for bad in [
        r#""\ud83d""#,
        r#""\ud83dx""#,
        r#""\ud83d\n""#,
        r#""\ude00""#,
        r#""\ud83d\u0041""#,
        r#""\u12g4""#,
        r#""\x""#,
        "\"\u{1}\"",
    ] {
        assert!(
            matches!(read(&[bad.as_bytes()]), Err(JsonError::Syntax { .. })),
            "{bad}"
        );
    }
    assert!(read(&[b"\"\xFF\""]).is_err(), "bytes that are no characters");
}

#[test]
fn bounds_are_kept() {
    let long = "x".repeat(65);
    assert_eq!(texts(&json!({"s": long, "t": 1}).to_string(), "s"), ["TooLong"]);
    assert_eq!(texts(&json!({"s": &long[1..]}).to_string(), "s"), [&long[1..]]);
    assert_eq!(read(&["[".repeat(9).as_bytes()]), Err(JsonError::TooDeep));
    assert!(read(&[format!("{}1{}", "[".repeat(8), "]".repeat(8)).as_bytes()]).is_ok());
    let split = format!("\"{}é\"", "x".repeat(63));
    assert!(read(&[split.as_bytes()]).unwrap()[0].contains("TooLong"));
}

#[test]
fn what_ends_too_early_says_so_and_what_came_before_is_reported() {
    let mut reader = Reader::<64>::new();
    let mut stored = 0;
    let cut = br#"{"results":[{"stored":true},{"stored":true},{"sto"#;
    let mut report = |path: &device::json::Path, token: Token<'_>| {
        stored += usize::from(path.is("results/#/stored") && token == Token::Bool(true));
    };
    reader.feed(cut, &mut report).unwrap();
    assert_eq!(reader.finish(&mut report), Err(JsonError::Incomplete));
    assert_eq!(stored, 2);
}

proptest! {
    #[test]
    fn any_bytes_are_json_exactly_where_another_reader_says_so(text in "[\\[\\]{}\",:0-9eE.+\\-a-z \\\\u]{0,24}") {
        let ours = read(&[text.as_bytes()]);
        let theirs = serde_json::from_str::<Value>(&text);
        // The other reader refuses numbers beyond its range.
        let range = theirs.as_ref().is_err_and(|error| error.to_string().contains("out of range"));
        prop_assume!(!range);
        prop_assert_eq!(ours.is_ok(), theirs.is_ok(), "{:?} {:?}", ours, theirs);
    }

    #[test]
    fn pieces_of_any_size_say_the_same(text in "\\PC{0,20}", number in any::<f64>(), cut in 0..60usize) {
        let document = json!({"a": [text, {"b": number}], "c": [true, false, null, [], {}]}).to_string();
        let (head, tail) = document.as_bytes().split_at(cut.min(document.len()));
        prop_assert_eq!(read(&[head, tail]), read(&[document.as_bytes()]));
        prop_assert!(read(&[head, tail]).is_ok());
    }

    #[test]
    fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&[&bytes]);
    }

    #[test]
    fn what_is_quoted_is_read_back(text in any::<String>()) {
        let quoted = Quoted(&text).to_string();
        prop_assert_eq!(serde_json::from_str::<String>(&quoted).unwrap(), text);
    }
}
