//! How much a picture may be; each is checked before anything of that size is made.

/// A file. Cameras of this kind send 20 KB to 2 MB; a phone's largest are below 30 MB.
pub const BYTES_MAX: u64 = 32 * 1024 * 1024;
/// One side; the decoder's own bound.
pub const SIDE_PX_MAX: u32 = 16_384;
/// Width times height.
pub const PIXELS_MAX: u64 = 64_000_000;
/// Scans of one picture. Encoders write 1, or about 10 for a progressive one; each costs a pass over all blocks.
pub const SCANS_MAX: usize = 100;
/// Decoded pixels and coefficients; about what an analysis may take.
pub const MEMORY_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Marker segments. A progressive picture has about 40, one with a large colour profile or maker's notes some more.
pub(super) const SEGMENTS_MAX: usize = 2_000;
/// Huffman tables in one segment: four of each class is all that a picture can have at a time.
pub(super) const TABLES_MAX: usize = 8;
/// Bytes of any value between a scan's last block and the next marker; hardware encoders leave one or two. Zeros may be
/// more, some pad with them.
pub(super) const SURPLUS_BYTES_MAX: usize = 4;
