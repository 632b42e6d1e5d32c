//! A camera's still, looked at as a job does.

use server::pictures::{self, BYTES_MAX, Size};

/// Whatever the bytes: a verdict comes, a good picture has its size and both thumbnails, these are good themselves, and
/// what pads the file changes nothing.
pub fn jpeg(data: &[u8]) {
    let examined = pictures::examine(data);
    let Ok(thumbnails) = &examined.verdict else { return };
    assert!(data.len() as u64 <= BYTES_MAX);
    let (width, height) = examined.facts.size_px.expect("a good picture has a size");
    for size in [Size::Small, Size::Large] {
        let thumbnail = pictures::examine(thumbnails.of(size));
        let shown = thumbnail.facts.size_px.expect("a thumbnail has a size");
        assert!(shown.0 <= width && shown.1 <= height && shown.0.max(shown.1) <= size.side_px());
        assert!(
            thumbnail.verdict.is_ok(),
            "our own thumbnail is refused: {:?}",
            thumbnail.verdict
        );
    }
    let mut padded = data.to_vec();
    padded.extend([0; 7]);
    assert_eq!(pictures::examine(&padded), examined);
}
