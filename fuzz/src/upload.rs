//! The body of `POST /api/upload` as JSON, which is unescaped while it arrives.

use serde::Deserialize;
use server::http::upload::json_body::{JsonBody, JsonBodyError};

/// The same document as a general JSON parser reads it.
#[derive(Deserialize)]
struct Oracle {
    filename: String,
    content: String,
}

/// The first byte says how the rest is cut; what is accepted is what any JSON parser reads, however it was cut.
pub fn json_body(data: &[u8]) {
    let Some((cut, document)) = data.split_first() else {
        return;
    };
    let chunk_bytes = usize::from(*cut % 16) + 1;
    // Of two faults in one piece either may be named: that a document is refused does not depend on the cut, why may.
    let whole = unescaped([document].into_iter()).ok();
    let cut = unescaped(document.chunks(chunk_bytes)).ok();
    assert_eq!(whole, cut, "the answer depends on the cut");
    let Some((filename, content)) = whole else { return };
    match serde_json::from_slice::<Oracle>(document) {
        Ok(oracle) => {
            assert_eq!(filename, oracle.filename);
            assert_eq!(String::from_utf8(content).as_deref(), Ok(oracle.content.as_str()));
        }
        Err(error) => panic!("accepted, but it is no JSON: {error}"),
    }
}

fn unescaped<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Result<(String, Vec<u8>), JsonBodyError> {
    let mut body = JsonBody::new();
    let mut content = Vec::new();
    for piece in pieces {
        let before = content.len();
        body.push(piece, &mut content)?;
        assert!(
            content.len() - before <= piece.len() + 3,
            "unescaping never grows by more than three bytes"
        );
    }
    Ok((body.finish()?, content))
}
