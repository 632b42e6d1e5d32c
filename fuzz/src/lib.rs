//! The bodies of the fuzz targets, as plain functions that the ordinary tests call with the committed corpora.

pub struct Target {
    pub name: &'static str,
    pub run: fn(&[u8]),
}
