//! The headers of a resumable upload, as any client may send them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use wire::upload::{Checksum, Concat, Metadata, parse_size, write_pair};

/// What is accepted is what a plain reading of the protocol gives, and writing it again changes no meaning.
pub fn headers(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(metadata) = Metadata::parse(text) {
        let mut again = String::new();
        let mut room = [0; 4096];
        for (index, (key, value)) in metadata.pairs().enumerate() {
            let decoded = value
                .decode(&mut room)
                .unwrap_or_else(|| panic!("{key} was accepted"));
            let plain = text
                .split(',')
                .map(|pair| pair.trim_matches(' '))
                .find_map(|pair| match pair.split_once(' ') {
                    Some((found, value)) => (found == key).then_some(value),
                    None => (pair == key).then_some(""),
                });
            assert_eq!(
                plain.and_then(|value| STANDARD.decode(value).ok()).as_deref(),
                Some(decoded)
            );
            assert_eq!(write_pair(&mut again, index == 0, key, decoded), Ok(()));
        }
        let read = |text| {
            Metadata::parse(text).map(|metadata| metadata.pairs().map(|(key, _)| key.to_owned()).collect())
        };
        let keys: Result<Vec<String>, _> = read(text);
        assert_eq!(keys, read(&again), "written again it reads otherwise");
    }
    if let Ok(checksum) = Checksum::parse(text) {
        assert_eq!(Checksum::parse(&checksum.to_string()), Ok(checksum));
    }
    if let Ok(concat) = Concat::parse(text) {
        let again = concat.to_string();
        assert_eq!(
            Concat::parse(&again).map(|concat| concat.to_string()),
            Ok(again.clone())
        );
    }
    if let Ok(size) = parse_size(text) {
        assert_eq!(
            text.trim_start_matches('0'),
            size.to_string().trim_start_matches('0')
        );
    }
}
