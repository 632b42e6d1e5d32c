//! Networks by name: those the device knows, those it sees, and which of both to try.

use core::fmt;

use heapless::Vec;

/// 802.11 allows no longer name.
pub const SSID_BYTES_MAX: usize = 32;
/// What `settings` keeps.
pub const NETWORKS_MAX: usize = 10;

/// U+2019, the apostrophe that iPhones put into their names, as UTF-8.
const TYPOGRAPHIC_APOSTROPHE: &[u8] = &[0xE2, 0x80, 0x99];

/// A network's name: bytes, and not necessarily UTF-8.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Ssid(Vec<u8, SSID_BYTES_MAX, u8>);

impl Ssid {
    /// Nothing where there are more bytes than a name may have.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        Vec::from_slice(bytes).ok().map(Self)
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// A network that hides its name is seen with an empty one, or one of zeros.
    pub fn is_hidden(&self) -> bool {
        self.0.iter().all(|&byte| byte == 0)
    }

    /// Whether people mean the same network: U+2019 and U+0027 are alike, because a name is typed with one and sent with
    /// the other. No hidden network is the same as any.
    pub fn is_same(&self, other: &Self) -> bool {
        !self.is_hidden() && folded(&self.0).eq(folded(&other.0))
    }
}

/// The bytes with every typographic apostrophe as the plain one.
fn folded(bytes: &[u8]) -> impl Iterator<Item = u8> + '_ {
    let mut rest = bytes;
    core::iter::from_fn(move || {
        let (&first, after) = rest.split_first()?;
        if let Some(after) = rest.strip_prefix(TYPOGRAPHIC_APOSTROPHE) {
            rest = after;
            return Some(b'\'');
        }
        rest = after;
        Some(first)
    })
}

impl fmt::Debug for Ssid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

/// Which of the networks in `settings`; the password stays there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetworkKey(pub u8);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    Open,
    /// WPA2 or WPA3 with a password.
    Password,
    /// Wants an account, or a cipher that we do not speak.
    Other,
}

/// One access point of a scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub ssid: Ssid,
    pub rssi_dbm: i8,
    pub security: Security,
    pub channel: u8,
}

/// One network of `settings`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    pub key: NetworkKey,
    pub ssid: Ssid,
    /// Whether a password is kept for it. Such a network is not joined when it turns up open: somebody only borrowed its name.
    pub has_password: bool,
    /// The greater, the later it was joined; 0 is never. See [`super::Event::Connected`].
    pub last_success: u32,
}

impl Known {
    fn is_seen_as(&self, seen: &Seen) -> bool {
        let fits = match seen.security {
            Security::Open => !self.has_password,
            Security::Password => self.has_password,
            Security::Other => false,
        };
        fits && self.ssid.is_same(&seen.ssid)
    }
}

/// What to join: the name as it is on the air, which may differ from the one in `settings` by its apostrophes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub key: NetworkKey,
    pub ssid: Ssid,
    pub channel: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    Any,
    First(NetworkKey),
    Only(NetworkKey),
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Picked {
    Try(Candidate),
    /// There are networks of ours, and each was tried since the last pause.
    AllTried,
    Nothing,
}

#[derive(Debug, Clone)]
struct Row {
    known: Known,
    /// Since the last pause.
    tried: bool,
    /// In an earlier round, and nothing has worked since: others go first, so that one network with a changed password does
    /// not keep the device from its neighbour.
    failed: bool,
}

/// The known networks and what came of each lately.
#[derive(Debug, Clone, Default)]
pub(super) struct Networks(Vec<Row, NETWORKS_MAX>);

impl Networks {
    /// Whether anything but the last successes is different now. More than [`NETWORKS_MAX`] are not taken.
    pub(super) fn replace(&mut self, list: &[Known]) -> bool {
        let list = list.iter().take(NETWORKS_MAX);
        let is_same = self.0.len() == list.len()
            && self.0.iter().zip(list.clone()).all(|(row, new)| {
                let old = &row.known;
                (old.key, &old.ssid, old.has_password) == (new.key, &new.ssid, new.has_password)
            });
        if is_same {
            for (row, new) in self.0.iter_mut().zip(list) {
                row.known.last_success = new.last_success;
            }
            return false;
        }
        self.0 = list
            .map(|known| Row {
                known: known.clone(),
                tried: false,
                failed: false,
            })
            .collect();
        true
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn has_others_than(&self, key: NetworkKey) -> bool {
        self.0.iter().any(|row| row.known.key != key)
    }

    pub(super) fn contains(&self, key: NetworkKey) -> bool {
        self.0.iter().any(|row| row.known.key == key)
    }

    pub(super) fn was_tried(&self, key: NetworkKey) -> bool {
        self.0.iter().any(|row| row.known.key == key && row.tried)
    }

    pub(super) fn sees(&self, key: NetworkKey, seen: &[Seen]) -> bool {
        let mut rows = self.0.iter().filter(|row| row.known.key == key);
        rows.any(|row| seen.iter().any(|seen| row.known.is_seen_as(seen)))
    }

    /// The one to try next: what was not tried yet, by last success, then by strength.
    pub(super) fn pick(&self, seen: &[Seen], choice: Choice) -> Picked {
        let (first, only) = match choice {
            Choice::Any => (None, None),
            Choice::First(key) => (Some(key), None),
            Choice::Only(key) => (Some(key), Some(key)),
        };
        let visible = self
            .0
            .iter()
            .filter(|row| only.is_none_or(|key| row.known.key == key))
            .flat_map(|row| seen.iter().map(move |seen| (row, seen)))
            .filter(|(row, seen)| row.known.is_seen_as(seen));
        let best = visible
            .clone()
            .filter(|(row, _)| !row.tried)
            .max_by_key(|(row, seen)| {
                let is_first = first == Some(row.known.key);
                (is_first, !row.failed, row.known.last_success, seen.rssi_dbm)
            });
        match best {
            Some((row, seen)) => Picked::Try(Candidate {
                key: row.known.key,
                ssid: seen.ssid.clone(),
                channel: seen.channel,
            }),
            None if visible.count() > 0 => Picked::AllTried,
            None => Picked::Nothing,
        }
    }

    pub(super) fn mark_tried(&mut self, key: NetworkKey) {
        for row in self.0.iter_mut().filter(|row| row.known.key == key) {
            row.tried = true;
        }
    }

    /// Everything in sight was tried: the next round may try it again.
    pub(super) fn end_round(&mut self) {
        for row in &mut self.0 {
            row.failed |= row.tried;
            row.tried = false;
        }
    }

    pub(super) fn forget_failures(&mut self) {
        for row in &mut self.0 {
            row.tried = false;
            row.failed = false;
        }
    }

    /// The new [`Known::last_success`] of a network that was joined.
    pub(super) fn succeed(&mut self, key: NetworkKey) -> u32 {
        let latest = self.0.iter().map(|row| row.known.last_success).max();
        let now = latest.unwrap_or(0).saturating_add(1);
        for row in self.0.iter_mut().filter(|row| row.known.key == key) {
            row.known.last_success = now;
        }
        now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(key: u8, ssid: &str, last_success: u32) -> Known {
        Known {
            key: NetworkKey(key),
            ssid: Ssid::new(ssid.as_bytes()).unwrap(),
            has_password: true,
            last_success,
        }
    }

    fn seen(ssid: &[u8], rssi_dbm: i8) -> Seen {
        Seen {
            ssid: Ssid::new(ssid).unwrap(),
            rssi_dbm,
            security: Security::Password,
            channel: 6,
        }
    }

    fn tried_in_order(mut networks: Networks, air: &[Seen], choice: Choice) -> Vec<u8, 16> {
        let mut order = Vec::new();
        while let Picked::Try(candidate) = networks.pick(air, choice) {
            networks.mark_tried(candidate.key);
            order.push(candidate.key.0).unwrap();
        }
        order
    }

    #[test]
    fn the_last_success_goes_first_and_strength_decides_among_equals() {
        let mut networks = Networks::default();
        networks.replace(&[known(1, "a", 0), known(2, "b", 5), known(3, "c", 0)]);
        let air = [seen(b"a", -80), seen(b"b", -90), seen(b"c", -50)];
        assert_eq!(tried_in_order(networks.clone(), &air, Choice::Any), [2, 3, 1]);
        let first = Choice::First(NetworkKey(1));
        assert_eq!(tried_in_order(networks.clone(), &air, first), [1, 2, 3]);
        let only = Choice::Only(NetworkKey(3));
        assert_eq!(tried_in_order(networks, &air, only), [3]);
    }

    #[test]
    fn what_failed_waits_behind_the_others_until_something_works() {
        let mut networks = Networks::default();
        networks.replace(&[known(1, "a", 9), known(2, "b", 0)]);
        let air = [seen(b"a", -50), seen(b"b", -80)];
        networks.mark_tried(NetworkKey(1));
        for _ in 0..3 {
            networks.end_round();
            assert_eq!(tried_in_order(networks.clone(), &air, Choice::Any), [2, 1]);
        }
        networks.forget_failures();
        assert_eq!(tried_in_order(networks, &air, Choice::Any), [1, 2]);
    }

    #[test]
    fn both_apostrophes_mean_one_network_and_the_one_on_the_air_is_joined() {
        let mut networks = Networks::default();
        networks.replace(&[known(1, "Ann's iPhone", 0)]);
        let air = [seen("Ann\u{2019}s iPhone".as_bytes(), -60)];
        let Picked::Try(candidate) = networks.pick(&air, Choice::Any) else {
            panic!("not seen");
        };
        assert_eq!(candidate.ssid, air[0].ssid);
        let other = [seen("Ann\u{2018}s iPhone".as_bytes(), -60)];
        assert_eq!(networks.pick(&other, Choice::Any), Picked::Nothing);
    }

    #[test]
    fn names_are_bytes_and_hidden_ones_are_nobody() {
        let mut networks = Networks::default();
        let latin1 = Known {
            ssid: Ssid::new(b"Caf\xE9").unwrap(),
            ..known(1, "", 0)
        };
        networks.replace(&[latin1, known(2, "", 0), known(3, "\0\0\0", 0)]);
        let air = [seen(b"", -30), seen(b"\0\0\0", -30), seen(b"Caf\xE9", -70)];
        assert_eq!(tried_in_order(networks, &air, Choice::Any), [1]);
        assert_eq!(Ssid::new(&[b'x'; 33]), None);
        assert!(Ssid::new(&[b'x'; 32]).is_some());
    }

    #[test]
    fn a_name_that_turns_up_without_its_password_is_not_ours() {
        let mut networks = Networks::default();
        networks.replace(&[known(1, "Paddock", 3)]);
        for security in [Security::Open, Security::Other] {
            let air = [Seen {
                security,
                ..seen(b"Paddock", -40)
            }];
            assert_eq!(networks.pick(&air, Choice::Any), Picked::Nothing);
        }
    }
}
