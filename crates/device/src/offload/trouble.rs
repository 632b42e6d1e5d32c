//! What stands in the way, in the words that STATUS and the local page use.

use crate::exchange::NoAnswer;

/// Why recordings do not get through just now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// No way to the server: no name, no connection, or it broke.
    NoInternet,
    /// The other side is not the server of the settings.
    Tls,
    /// The token is revoked, or was never one.
    Unauthorized,
    /// The server fails, is busy, or says what cannot be; with its status.
    Server(u16),
    /// The server's disk is full, or the team's share of it.
    ServerFull,
    /// The server does not want a recording for what it is.
    Refused,
    /// What should have been a receipt for the recording is none.
    Receipt,
    /// A recording cannot be read from the card.
    Card,
}

impl Trouble {
    /// The word of STATUS.
    pub const fn word(self) -> &'static str {
        match self {
            Self::NoInternet => "no_internet",
            Self::Tls => "tls",
            Self::Unauthorized => "unauthorized",
            Self::Server(_) | Self::ServerFull | Self::Refused | Self::Receipt => "server",
            Self::Card => "storage",
        }
    }

    /// What to do about it.
    pub const fn message(self) -> &'static str {
        match self {
            Self::NoInternet => {
                "The server cannot be reached through this network; recordings are kept and sent later."
            }
            Self::Tls => {
                "The server's certificate is not trusted. Check the server's address and the network's sign-in page."
            }
            Self::Unauthorized => {
                "The server no longer knows this device. Claim it again; its recordings are kept."
            }
            Self::Server(_) => "The server does not answer as it should; trying again by itself.",
            Self::ServerFull => {
                "The server has no room. Free some there; recordings are kept and sent later."
            }
            Self::Refused => "The server refuses a recording. It is kept; copy it from the device.",
            Self::Receipt => {
                "The server gives no valid receipt, so nothing is let go of. Update its keys by claiming the device again."
            }
            Self::Card => "A recording cannot be read from the card. Check the card.",
        }
    }
}

impl From<NoAnswer> for Trouble {
    fn from(why: NoAnswer) -> Self {
        match why {
            NoAnswer::Dns | NoAnswer::Connect | NoAnswer::Broken | NoAnswer::Timeout => Self::NoInternet,
            NoAnswer::Tls => Self::Tls,
            NoAnswer::Card => Self::Card,
        }
    }
}
