//! Texts that people and devices write: gates, and the rows that end a block of our own recording.

use telemetry::gate_text;
use telemetry::model::GateShape;
use wire::recording::{
    BlockMarker, BlockWriter, ChainVerifier, ROW_BYTES_MAX, RecordingId, SECTOR_BYTES, Verdict,
};

/// A gate is read or refused with words; what is read lies on the earth.
pub fn gate(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    match gate_text::parse(text) {
        Ok(GateShape::Ends { a, b }) => assert!(on_earth(a) && on_earth(b)),
        Ok(GateShape::Bearing {
            at,
            bearing_deg,
            width_m,
        }) => {
            assert!(on_earth(at) && bearing_deg.is_finite() && width_m > 0.0);
        }
        Ok(GateShape::Radius { at, radius_m }) => assert!(on_earth(at) && radius_m > 0.0),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

fn on_earth((lat_deg, lon_deg): (f64, f64)) -> bool {
    (-90.0..=90.0).contains(&lat_deg) && (-180.0..=180.0).contains(&lon_deg)
}

/// Any bytes, written as blocks, are found whole; the same bytes read as a `BLOCK` row say nothing wrong.
pub fn blocks(data: &[u8]) {
    let id = data
        .first_chunk()
        .map_or(RecordingId(0), |id| RecordingId(u128::from_be_bytes(*id)));
    assert_eq!(RecordingId::parse(id.to_string().as_bytes()), Some(id));
    if let Some(marker) = BlockMarker::parse(data) {
        assert!(
            marker.covered_bytes < data.len(),
            "the checksum covers what stands before it"
        );
    }
    let mut writer = BlockWriter::new(id);
    let mut verifier = ChainVerifier::new();
    verifier.opened(id);
    let mut buffer = [0; ROW_BYTES_MAX + SECTOR_BYTES];
    for (tick_ms, rows) in (0..).zip(data.split(|byte| *byte == b'\n')) {
        writer.rows(rows);
        verifier.rows(rows);
        let open_bytes = writer.block_bytes();
        let Ok(row_bytes) = writer.seal(tick_ms, &mut buffer) else {
            panic!("the buffer is as large as promised")
        };
        assert_eq!(
            (open_bytes + row_bytes) % SECTOR_BYTES,
            0,
            "a block ends on a sector"
        );
        let row = &buffer[..row_bytes];
        let Some(marker) = BlockMarker::parse(row) else {
            panic!("a sealed row is a BLOCK row")
        };
        assert_eq!(verifier.block(row, &marker), Verdict::Whole);
    }
}
