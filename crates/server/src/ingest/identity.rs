//! Which stored versions are of one recording.
//!
//! Our own recordings carry 128 random bits in the `OPEN` row that a device writes first, so the same recording is
//! known again whoever brings it and whatever the file is called by then. Any other file is known by the device that
//! sent it and its name. Pictures come without a name: all of a camera's are versions of one, so the same shot sent
//! again is known and another shot is another version.

use wire::recording::{HEADER, HEADER_WITHOUT_EPOCH, RecordingId};

use super::Kind;
use crate::store::DeviceId;

/// How much of a recording's beginning is looked at: header and `OPEN` row together are far below the 512 bytes of the
/// first sector; the rest allows for marker rows of other writers before it.
pub(crate) const HEAD_BYTES_MAX: usize = 4096;

/// The text that versions of one recording share.
pub(crate) fn identity(kind: Kind, head: &[u8], device: Option<DeviceId>, file_name: &str) -> String {
    let device = device.map_or("-".to_owned(), |device| device.to_string());
    match (kind, open_id(head)) {
        (Kind::Picture, _) => format!("picture:{device}"),
        (Kind::Drive, Some(id)) => format!("open:{id}"),
        (Kind::Drive, None) => format!("name:{device}:{file_name}"),
    }
}

fn open_id(head: &[u8]) -> Option<RecordingId> {
    let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    let mut lines = head
        .split(|&byte| byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let header = lines.next()?;
    if header != HEADER.as_bytes() && header != HEADER_WITHOUT_EPOCH.as_bytes() {
        return None;
    }
    lines.find_map(|line| {
        let mut cells = line.split(|&byte| byte == b',').skip(1);
        (cells.next()? == b"M" && cells.next()? == b"OPEN").then_some(())?;
        RecordingId::parse(cells.next()?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "00112233445566778899aabbccddeeff";

    #[test]
    fn our_recording_is_known_by_its_open_row_under_any_name() {
        let head = format!("{HEADER}\r\n12,M,OPEN,{ID},rs-core,1.2.0,race\r\n20,I,0,0,1\r\n");
        assert_eq!(
            identity(Kind::Drive, head.as_bytes(), None, "sess_000001.csv"),
            format!("open:{ID}")
        );
        assert_eq!(
            identity(Kind::Drive, head.as_bytes(), None, "copy of it.csv"),
            format!("open:{ID}")
        );
    }

    #[test]
    fn an_open_row_in_a_file_with_another_header_means_nothing() {
        let head = format!("time,kind,what\n12,M,OPEN,{ID}\n");
        assert_eq!(
            identity(Kind::Drive, head.as_bytes(), None, "a.csv"),
            "name:-:a.csv"
        );
    }

    #[test]
    fn a_cut_or_malformed_id_means_nothing() {
        for id in ["00112233", "zz112233445566778899aabbccddeeff", ""] {
            let head = format!("{HEADER}\n12,M,OPEN,{id}");
            assert_eq!(
                identity(Kind::Drive, head.as_bytes(), None, "a.csv"),
                "name:-:a.csv",
                "{id:?}"
            );
        }
    }
}
