//! The headers of an upload, as clients write them and as a bad network leaves them.

use proptest::prelude::*;
use wire::upload::{
    Checksum, ChecksumAlgorithm, Concat, HeaderError, KEYS_MAX, METADATA_BYTES_MAX, Metadata, PART_URLS_MAX,
    parse_defer_length, parse_size, write_pair,
};

#[test]
fn a_size_is_digits_and_nothing_else() {
    assert_eq!(parse_size("0"), Ok(0));
    assert_eq!(parse_size("18446744073709551615"), Ok(u64::MAX));
    assert_eq!(parse_size("007"), Ok(7));
    for bad in [
        "",
        "-1",
        "+1",
        " 1",
        "1 ",
        "1.0",
        "0x10",
        "1e3",
        "18446744073709551616",
        "١",
    ] {
        assert_eq!(parse_size(bad), Err(HeaderError::NotASize), "{bad:?}");
    }
}

#[test]
fn a_deferred_length_is_said_with_one() {
    assert_eq!(parse_defer_length("1"), Ok(()));
    for bad in ["0", "2", "", "true", "11"] {
        assert_eq!(parse_defer_length(bad), Err(HeaderError::NotDeferred), "{bad:?}");
    }
}

#[test]
fn metadata_as_the_protocol_shows_it() {
    let text = "filename d29ybGRfZG9taW5hdGlvbl9wbGFuLnBkZg==,is_confidential";
    let metadata = Metadata::parse(text).unwrap();
    assert_eq!(metadata.as_str(), text);
    let mut room = [0; 64];
    let filename = metadata.get("filename").unwrap().decode(&mut room);
    assert_eq!(filename, Some(b"world_domination_plan.pdf".as_slice()));
    assert_eq!(
        metadata.get("is_confidential").unwrap().decode(&mut room),
        Some(b"".as_slice())
    );
    assert_eq!(metadata.get("Filename"), None);
    assert_eq!(Metadata::parse("").unwrap().pairs().count(), 0);
    assert_eq!(Metadata::parse("a YQ==, b YmI=").unwrap().pairs().count(), 2);
}

#[test]
fn a_value_that_does_not_fit_is_not_cut() {
    let metadata = Metadata::parse("filename YWJjZA==").unwrap();
    assert_eq!(metadata.get("filename").unwrap().decode(&mut [0; 3]), None);
}

#[test]
fn metadata_that_breaks_a_rule_is_refused_by_its_name() {
    let many: Vec<String> = (0..=KEYS_MAX).map(|number| format!("k{number}")).collect();
    let padded_within = format!("a {}YQ=={}", "YWFh".repeat(15), "YWFh");
    let cases = [
        ("a YQ==,a YQ==", HeaderError::RepeatedKey),
        ("a YQ==,,b YQ==", HeaderError::EmptyKey),
        (",", HeaderError::EmptyKey),
        ("schl\u{fc}ssel YQ==", HeaderError::BadKey),
        ("a Y", HeaderError::BadValue),
        ("a YQ== YQ==", HeaderError::BadValue),
        ("a YQ", HeaderError::BadValue),
        (padded_within.as_str(), HeaderError::BadValue),
        (&many.join(","), HeaderError::TooManyKeys),
        (&"a".repeat(METADATA_BYTES_MAX + 1), HeaderError::MetadataTooLong),
    ];
    for (text, error) in cases {
        assert_eq!(Metadata::parse(text), Err(error), "{text:.60}");
    }
}

#[test]
fn a_checksum_as_the_protocol_shows_it() {
    let checksum = Checksum::parse("sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=").unwrap();
    assert_eq!(checksum.algorithm(), ChecksumAlgorithm::Sha1);
    assert_eq!(checksum.digest()[..3], [0x2a, 0xae, 0x6c]);
    assert_eq!(checksum.to_string(), "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=");
}

#[test]
fn a_checksum_that_cannot_be_is_refused() {
    let long = format!("sha1 {}", "YWFh".repeat(30));
    let cases = [
        ("md5 1B2M2Y8AsgTpgAmY7PhCfg==", HeaderError::UnknownAlgorithm),
        ("SHA1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=", HeaderError::UnknownAlgorithm),
        ("sha1", HeaderError::NotAChecksum),
        ("sha1 ???", HeaderError::NotAChecksum),
        (
            "crc32 Kq5sNclPz7QV2+lfQIuc6R7oRu0=",
            HeaderError::WrongDigestLength,
        ),
        ("sha256 ", HeaderError::WrongDigestLength),
        (&long, HeaderError::WrongDigestLength),
    ];
    for (text, error) in cases {
        assert_eq!(Checksum::parse(text), Err(error), "{text:?}");
    }
}

#[test]
fn concatenation_is_partial_or_final_with_parts() {
    assert_eq!(Concat::parse("partial"), Ok(Concat::Partial));
    let Ok(Concat::Final(urls)) = Concat::parse("final;/files/a https://b.example/files/b") else {
        panic!("a final upload")
    };
    assert_eq!(
        urls.iter().collect::<Vec<_>>(),
        ["/files/a", "https://b.example/files/b"]
    );
    for bad in [
        "",
        "Partial",
        "final",
        "final;",
        "final; ",
        "final;/a\t/b",
        "partial;/a",
    ] {
        assert_eq!(Concat::parse(bad), Err(HeaderError::NotAConcat), "{bad:?}");
    }
    let many = format!("final;{}", "/a ".repeat(PART_URLS_MAX + 1));
    assert_eq!(Concat::parse(&many), Err(HeaderError::TooManyParts));
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        pairs in prop::collection::btree_map("[!-+\\--~]{1,12}", prop::collection::vec(any::<u8>(), 0..100), 0..20)
    ) {
        let mut text = String::new();
        for (index, (key, value)) in pairs.iter().enumerate() {
            write_pair(&mut text, index == 0, key, value).unwrap();
        }
        let metadata = Metadata::parse(&text).unwrap();
        let mut room = [0; 100];
        prop_assert_eq!(metadata.pairs().count(), pairs.len());
        for (key, value) in &pairs {
            prop_assert_eq!(metadata.get(key).unwrap().decode(&mut room), Some(value.as_slice()));
        }
    }

    #[test]
    fn every_value_that_is_accepted_can_be_decoded(text in "[A-Za-z0-9+/=, ]{0,200}") {
        if let Ok(metadata) = Metadata::parse(&text) {
            let mut room = [0; 200];
            for (_, value) in metadata.pairs() {
                prop_assert!(value.decode(&mut room).is_some());
            }
        }
    }

    #[test]
    fn a_checksum_is_read_back(digest in prop::array::uniform32(any::<u8>())) {
        for (algorithm, length) in [
            (ChecksumAlgorithm::Sha1, 20), (ChecksumAlgorithm::Sha256, 32), (ChecksumAlgorithm::Crc32, 4),
        ] {
            let checksum = Checksum::new(algorithm, &digest[..length]).unwrap();
            prop_assert_eq!(Checksum::parse(&checksum.to_string()), Ok(checksum));
        }
    }

    #[test]
    fn parts_are_read_back(urls in prop::collection::vec("[!-~]{1,30}", 1..PART_URLS_MAX)) {
        let text = format!("final;{}", urls.join(" "));
        let concat = Concat::parse(&text).unwrap();
        prop_assert_eq!(concat.to_string(), text.clone());
    }
}
