//! The Wi-Fi networks that a device knows.

use core::fmt;

use heapless::Vec;

use crate::link::{Known, NETWORKS_MAX, NetworkKey, Ssid};

const PASSPHRASE_BYTES: core::ops::RangeInclusive<usize> = 8..=63;

/// What a network asks for. It does not print.
#[derive(Clone, PartialEq, Eq)]
pub enum Password {
    Open,
    /// 8 to 63 bytes.
    Passphrase(Vec<u8, 63, u8>),
    /// The key itself, said as 64 hexadecimal digits.
    Key([u8; 32]),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadNetwork {
    Ssid,
    Password,
}

impl fmt::Display for BadNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ssid => "the name of a network has 1 to 32 bytes",
            Self::Password => {
                "a Wi-Fi password has 8 to 63 characters or 64 hexadecimal digits; an open network has none"
            }
        })
    }
}

/// A name that can be joined: a hidden network says none.
pub(crate) fn named(bytes: &[u8]) -> Result<Ssid, BadNetwork> {
    let ssid = Ssid::new(bytes).filter(|ssid| !ssid.is_hidden());
    ssid.ok_or(BadNetwork::Ssid)
}

impl Password {
    /// Nothing is an open network.
    pub fn new(text: &[u8]) -> Result<Self, BadNetwork> {
        if text.is_empty() {
            return Ok(Self::Open);
        }
        if let Some(key) = key(text) {
            return Ok(Self::Key(key));
        }
        if !PASSPHRASE_BYTES.contains(&text.len()) || text.iter().any(u8::is_ascii_control) {
            return Err(BadNetwork::Password);
        }
        Vec::from_slice(text)
            .map(Self::Passphrase)
            .map_err(|_| BadNetwork::Password)
    }
}

fn key(text: &[u8]) -> Option<[u8; 32]> {
    let text: &[u8; 64] = text.try_into().ok()?;
    let mut key = [0; 32];
    for (byte, [high, low]) in key.iter_mut().zip(text.as_chunks().0) {
        *byte = hex_digit(*high)? << 4 | hex_digit(*low)?;
    }
    Some(key)
}

fn hex_digit(digit: u8) -> Option<u8> {
    let value = char::from(digit).to_digit(16)?;
    u8::try_from(value).ok()
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "Open",
            Self::Passphrase(_) | Self::Key(_) => "***",
        })
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// Stays the network's own as long as it is known, and is given to no other soon.
    pub key: NetworkKey,
    pub ssid: Ssid,
    pub password: Password,
    /// A count that grows with every change of the order, not a date: devices often have none. 0: never joined.
    pub last_success: u32,
}

/// At most [`NETWORKS_MAX`], no two that people mean the same by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Networks(Vec<Network, NETWORKS_MAX>);

impl Networks {
    pub fn iter(&self) -> impl Iterator<Item = &Network> {
        self.0.iter()
    }

    /// For the link, which needs no passwords to choose.
    pub fn known(&self) -> Vec<Known, NETWORKS_MAX> {
        let known = self.0.iter().map(|network| Known {
            key: network.key,
            ssid: network.ssid.clone(),
            has_password: network.password != Password::Open,
            last_success: network.last_success,
        });
        known.collect()
    }

    /// By the key that the link knows it by.
    pub fn get(&self, key: NetworkKey) -> Option<&Network> {
        self.0.iter().find(|network| network.key == key)
    }

    pub fn find(&self, ssid: &Ssid) -> Option<&Network> {
        self.0.iter().find(|network| network.ssid.is_same(ssid))
    }

    /// Adds a network or gives it a new password. Where there is no room, the one that was joined longest ago gives way: of those that never
    /// were, the one that was added first.
    pub(super) fn add(&mut self, ssid: Ssid, password: Password) {
        if let Some(known) = self.0.iter_mut().find(|known| known.ssid.is_same(&ssid)) {
            known.ssid = ssid;
            known.password = password;
            return;
        }
        let key = self.next_key();
        if self.0.is_full() {
            let oldest =
                (0..self.0.len()).min_by_key(|index| self.0.get(*index).map(|known| known.last_success));
            if let Some(oldest) = oldest {
                self.0.remove(oldest);
            }
        }
        // Room was made above.
        let _ = self.0.push(Network {
            key,
            ssid,
            password,
            last_success: 0,
        });
    }

    /// Behind the newest, so that a key that somebody still holds finds no other network.
    fn next_key(&self) -> NetworkKey {
        let newest = self.0.last().map_or(u8::MAX, |network| network.key.0);
        let after = (1..=u8::MAX).map(|step| NetworkKey(newest.wrapping_add(step)));
        // Of 255 at most ten are taken.
        after
            .into_iter()
            .find(|key| self.get(*key).is_none())
            .unwrap_or(NetworkKey(0))
    }

    pub(super) fn forget(&mut self, ssid: &Ssid) {
        self.0.retain(|known| !known.ssid.is_same(ssid));
    }

    /// Notes that a network was joined; says whether that is worth saving, which joining the same one again is not.
    pub(super) fn joined(&mut self, key: NetworkKey) -> bool {
        let newest = self.0.iter().map(|known| known.last_success).max().unwrap_or(0);
        match self.0.iter_mut().find(|known| known.key == key) {
            Some(known) if known.last_success < newest || newest == 0 => {
                known.last_success = newest.saturating_add(1);
                true
            }
            Some(_) | None => false,
        }
    }

    /// As they were saved, in their order; says whether it can be one more.
    pub(super) fn push(&mut self, network: Network) -> bool {
        let new = self.find(&network.ssid).is_none() && self.get(network.key).is_none();
        new && self.0.push(network).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ssid(text: &str) -> Ssid {
        named(text.as_bytes()).unwrap()
    }

    #[test]
    fn passwords_are_those_that_networks_can_have() {
        for good in ["", "12345678", &"x".repeat(63), "pässwörd"] {
            assert!(Password::new(good.as_bytes()).is_ok(), "{good}");
        }
        assert_eq!(
            Password::new("aB".repeat(32).as_bytes()),
            Ok(Password::Key([0xAB; 32]))
        );
        for bad in ["1234567", &"x".repeat(64), &"x".repeat(65), "with\nline"] {
            assert_eq!(Password::new(bad.as_bytes()), Err(BadNetwork::Password), "{bad}");
        }
        assert!(named(&[0xFF; 32]).is_ok());
        for bad in [&[7; 33][..], &[], &[0; 4]] {
            assert_eq!(named(bad), Err(BadNetwork::Ssid));
        }
    }

    #[test]
    fn the_same_name_updates_and_the_least_recently_joined_gives_way() {
        let mut networks = Networks::default();
        let key = |networks: &Networks, text: &str| networks.find(&ssid(text)).map(|known| known.key);
        for name in ["a", "b", "c", "d", "e", "f", "g", "h", "i", "Bob's"] {
            networks.add(ssid(name), Password::Open);
            let added = key(&networks, name).unwrap();
            assert!(networks.joined(added));
        }
        let first = key(&networks, "a").unwrap();
        assert!(networks.joined(first), "so b is the oldest");
        assert!(!networks.joined(first), "it is the newest already");
        let password = Password::new(b"12345678").unwrap();
        networks.add(ssid("Bob\u{2019}s"), password.clone());
        assert_eq!(networks.iter().count(), 10);
        assert!(key(&networks, "b").is_some());
        let before = key(&networks, "b");
        networks.add(ssid("new"), password);
        assert_eq!((networks.iter().count(), key(&networks, "b")), (10, None));
        assert!(key(&networks, "new") != before && key(&networks, "new") != Some(first));
        networks.add(ssid("newer"), Password::Open);
        assert!(key(&networks, "new").is_none(), "it was never joined");
        networks.forget(&ssid("newer"));
        assert_eq!(networks.iter().count(), 9);
    }
}
