use std::collections::HashSet;

use base64::Engine;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::BadWish;

/// As many as a device keeps.
const NETWORKS_MAX: usize = 10;
/// By IEEE 802.11.
const SSID_BYTES_MAX: usize = 32;
/// A key, a nonce, a tag and 64 characters of password are 158; the rest is for later versions.
const SEALED_BYTES_MAX: usize = 512;
const SEALED_VERSION: u8 = 1;
/// A point of P-256, uncompressed (SEC 1, 2.3.3).
const SEAL_KEY_BYTES: usize = 65;
const UNCOMPRESSED: u8 = 4;

/// With or without padding.
const EITHER: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Networks as rows and the device have them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Networks {
    pub add: Vec<Network>,
    /// Names of networks that the device is to forget.
    pub forget: Vec<String>,
}

/// A network with its password in a box that only the device opens.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Network {
    pub ssid: String,
    /// base64url.
    pub sealed: String,
}

impl std::fmt::Debug for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Network")
            .field("ssid", &self.ssid)
            .finish_non_exhaustive()
    }
}

/// Networks as people ask for them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, ToSchema)]
pub struct NetworksWish {
    pub add: Option<Vec<NetworkWish>>,
    /// Names of networks that the device is to forget.
    pub forget: Option<Vec<String>>,
}

#[derive(Clone, PartialEq, Eq, Deserialize, ToSchema)]
pub struct NetworkWish {
    /// 1 to 32 bytes.
    pub ssid: String,
    /// The password, sealed for this device by the page, as Base64; at most 512 bytes. Without it the one that was sent
    /// before for this network stays.
    pub sealed: Option<String>,
}

impl std::fmt::Debug for NetworkWish {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NetworkWish")
            .field("ssid", &self.ssid)
            .finish_non_exhaustive()
    }
}

impl NetworksWish {
    /// The networks that this means, with the boxes of `before` where none is sent.
    pub fn onto(self, before: &Networks) -> Result<Networks, BadWish> {
        let (add, forget) = (self.add.unwrap_or_default(), self.forget.unwrap_or_default());
        if add.len() > NETWORKS_MAX || forget.len() > NETWORKS_MAX {
            return Err(BadWish::TooManyNetworks);
        }
        let mut named = HashSet::new();
        for ssid in add.iter().map(|network| &network.ssid).chain(&forget) {
            if !(1..=SSID_BYTES_MAX).contains(&ssid.len()) {
                return Err(BadWish::Ssid(ssid.len()));
            }
            if !named.insert(ssid.as_str()) {
                return Err(BadWish::NetworkTwice(ssid.clone()));
            }
        }
        let add = add
            .into_iter()
            .map(|network| network.sealed_as_in(before))
            .collect::<Result<_, _>>()?;
        Ok(Networks { add, forget })
    }
}

impl NetworkWish {
    fn sealed_as_in(self, before: &Networks) -> Result<Network, BadWish> {
        let Some(sealed) = self.sealed else {
            let kept = before.add.iter().find(|network| network.ssid == self.ssid);
            return kept.cloned().ok_or(BadWish::NotSealed(self.ssid));
        };
        let ssid = self.ssid;
        let Some(bytes) = decoded(&sealed) else {
            return Err(BadWish::SealedText(ssid));
        };
        match bytes.first() {
            Some(&SEALED_VERSION) if bytes.len() <= SEALED_BYTES_MAX => Ok(Network {
                ssid,
                sealed: URL_SAFE_NO_PAD.encode(bytes),
            }),
            Some(&found) if bytes.len() <= SEALED_BYTES_MAX => Err(BadWish::SealedVersion { ssid, found }),
            Some(_) | None => Err(BadWish::SealedLength {
                ssid,
                bytes: bytes.len(),
            }),
        }
    }
}

/// Pages write either alphabet.
fn decoded(text: &str) -> Option<Vec<u8>> {
    EITHER.decode(text.replace('+', "-").replace('/', "_")).ok()
}

/// The public key that a device's networks are sealed for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealKey(String);

impl SealKey {
    /// Only its form is checked; who seals with it has to see whether it is on the curve.
    pub fn parse(text: &str) -> Result<Self, BadWish> {
        let bytes = decoded(text).ok_or(BadWish::SealKey)?;
        if bytes.len() != SEAL_KEY_BYTES || bytes.first() != Some(&UNCOMPRESSED) {
            return Err(BadWish::SealKey);
        }
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes)))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(ssid: &str, sealed: Option<&[u8]>) -> NetworksWish {
        let sealed = sealed.map(|bytes| URL_SAFE_NO_PAD.encode(bytes));
        let ssid = ssid.to_owned();
        NetworksWish {
            add: Some(vec![NetworkWish { ssid, sealed }]),
            forget: None,
        }
    }

    #[test]
    fn a_box_is_kept_until_another_comes_and_is_never_looked_into() {
        let mut sealed = vec![1];
        sealed.resize(512, 0xFB);
        let first = wish("Paddock", Some(&sealed)).onto(&Networks::default()).unwrap();
        assert_eq!(wish("Paddock", None).onto(&first).unwrap(), first);
        assert_eq!(
            wish("Elsewhere", None).onto(&first),
            Err(BadWish::NotSealed("Elsewhere".to_owned()))
        );
        sealed.push(0);
        let code = |sealed: &[u8]| wish("P", Some(sealed)).onto(&first).unwrap_err().code();
        assert_eq!(
            (code(&sealed), code(&[]), code(&[2, 3])),
            ("bad_sealed", "bad_sealed", "bad_sealed")
        );
        assert!(!format!("{first:?}").contains(&first.add[0].sealed[1..]));
    }

    #[test]
    fn both_alphabets_and_paddings_of_base64_are_read() {
        for text in ["Afv//w==", "Afv//w", "Afv__w==", "Afv__w"] {
            assert_eq!(decoded(text), Some(vec![1, 0xFB, 0xFF, 0xFF]), "{text}");
        }
        assert_eq!(decoded("no base64!"), None);
    }

    #[test]
    fn a_network_is_named_once_and_by_a_name_that_radio_carries() {
        let twice = NetworksWish {
            forget: Some(vec!["Paddock".to_owned()]),
            ..wish("Paddock", Some(&[1]))
        };
        assert_eq!(
            twice.onto(&Networks::default()).unwrap_err().code(),
            "bad_network"
        );
        for ssid in ["", &"x".repeat(33)] {
            let refused = wish(ssid, Some(&[1])).onto(&Networks::default());
            assert_eq!(refused, Err(BadWish::Ssid(ssid.len())));
        }
    }

    #[test]
    fn a_seal_key_is_an_uncompressed_point() {
        let mut point = [7; 65];
        point[0] = 4;
        assert!(SealKey::parse(&URL_SAFE_NO_PAD.encode(point)).is_ok());
        point[0] = 2;
        for bad in [&point[..], &point[..33], &[]] {
            assert_eq!(
                SealKey::parse(&URL_SAFE_NO_PAD.encode(bad)),
                Err(BadWish::SealKey)
            );
        }
    }
}
