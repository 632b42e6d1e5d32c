//! What a device asks and says beside its recordings and heartbeats, always as itself.

pub(super) mod active_track;
pub(super) mod body;
pub(super) mod desired;
pub(super) mod ping;
mod sender;
