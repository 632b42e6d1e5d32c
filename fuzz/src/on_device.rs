//! The device's own code, fed by strangers: who joins its network, who answers its requests, what lies on its card.

pub mod answers;
mod bytes;
pub mod card;
pub mod names;
pub mod portal;
pub mod receiver;
pub mod settings;
