//! Who the device is: numbers that are counted, and numbers that are drawn once.

use embedded_storage_async::nor_flash::MultiwriteNorFlash;

use super::journal::RawKey;
use super::keys::{self, BOOT, CARD, CLAIM, COUNTER, DEVICE, EPOCH, RESET, SETUP_CODE};
use super::{Error, FlashStore, Item};
use crate::outbox::Number;

/// Characters of the setup code.
pub const SETUP_CODE_BYTES: usize = 16;
/// Crockford's: no I, L, O and U.
const SETUP_CODE_ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const RESET_BYTES: usize = 4 + 4 + SETUP_CODE_BYTES;

/// Fresh random numbers, from the hardware; used only for what has none yet. It does not print: it becomes a secret.
#[derive(Clone, Copy)]
pub struct Drawn {
    pub device: [u8; 16],
    pub epoch: u32,
    pub setup_code: [u8; SETUP_CODE_BYTES],
}

/// Which start this is, of which device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Boot {
    /// Drawn at the first start; a UUID of version 4.
    pub device: [u8; 16],
    /// From 1 on; never given twice.
    pub number: u32,
    /// Drawn at the first start and anew by each reset: with the number it names a start among all of all devices.
    pub epoch: u32,
}

/// The card that the ledger speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CardIdentity {
    pub volume: u32,
    pub free_clusters: u32,
}

impl<F: MultiwriteNorFlash> FlashStore<F> {
    /// Counts this start, and draws what was never drawn. To be called once a start, before anything is named after it.
    pub async fn boot(&mut self, drawn: &Drawn) -> Result<Boot, Error<F::Error>> {
        let device = match self.fixed(DEVICE).await? {
            Some(device) => device,
            None => {
                let device = uuid(drawn.device);
                self.journal.put(DEVICE, &device).await?;
                device
            }
        };
        if !self.journal.contains(SETUP_CODE) {
            let code = setup_code(drawn);
            self.journal.put(SETUP_CODE, &code).await?;
        }
        let epoch = match self.number(EPOCH).await? {
            Some(epoch) => epoch,
            None => {
                self.put_number(EPOCH, drawn.epoch).await?;
                drawn.epoch
            }
        };
        let number = self.number(BOOT).await?.unwrap_or(0).saturating_add(1);
        self.put_number(BOOT, number).await?;
        Ok(Boot {
            device,
            number,
            epoch,
        })
    }

    /// Characters of Crockford's base 32. `None` before the first [`Self::boot`].
    pub async fn setup_code(&mut self) -> Result<Option<[u8; SETUP_CODE_BYTES]>, Error<F::Error>> {
        self.fixed(SETUP_CODE).await
    }

    /// Whose the device is, as a number that grows with each reset and each new owner.
    pub async fn claim(&mut self) -> Result<u32, Error<F::Error>> {
        Ok(self.number(CLAIM).await?.unwrap_or(0))
    }

    /// Somebody else claimed the device: what is recorded from now on is theirs.
    pub async fn begin_claim(&mut self) -> Result<u32, Error<F::Error>> {
        let claim = self.claim().await?.saturating_add(1);
        self.put_number(CLAIM, claim).await?;
        Ok(claim)
    }

    pub async fn card(&mut self) -> Result<Option<CardIdentity>, Error<F::Error>> {
        let bytes = self.fixed::<8>(CARD).await?;
        Ok(bytes.map(|[a, b, c, d, e, f, g, h]| CardIdentity {
            volume: u32::from_le_bytes([a, b, c, d]),
            free_clusters: u32::from_le_bytes([e, f, g, h]),
        }))
    }

    pub async fn set_card(&mut self, card: CardIdentity) -> Result<(), Error<F::Error>> {
        let mut bytes = [0; 8];
        bytes[..4].copy_from_slice(&card.volume.to_le_bytes());
        bytes[4..].copy_from_slice(&card.free_clusters.to_le_bytes());
        self.journal.put(CARD, &bytes).await
    }

    /// Forgets what people set: settings with networks and token, and the breadcrumb. A new setup code and epoch are drawn, a new claim begins. The
    /// device's id, the counters, the ledger and unsent uptime stay.
    pub async fn factory_reset(&mut self, drawn: &Drawn) -> Result<(), Error<F::Error>> {
        let claim = self.claim().await?.saturating_add(1);
        let mut reset = [0; RESET_BYTES];
        reset[..4].copy_from_slice(&drawn.epoch.to_le_bytes());
        reset[4..8].copy_from_slice(&claim.to_le_bytes());
        reset[8..].copy_from_slice(&setup_code(drawn));
        self.journal.put(RESET, &reset).await?;
        self.finish_reset().await
    }

    /// Does what a reset wrote down; doing it twice changes nothing.
    pub(super) async fn finish_reset(&mut self) -> Result<(), Error<F::Error>> {
        let Some(reset) = self.fixed::<RESET_BYTES>(RESET).await? else {
            return Ok(());
        };
        let (epoch, rest) = reset.split_at(4);
        let (claim, setup_code) = rest.split_at(4);
        for item in [Item::Settings, Item::Breadcrumb] {
            self.remove(item).await?;
        }
        for (key, value) in [(EPOCH, epoch), (CLAIM, claim), (SETUP_CODE, setup_code)] {
            self.journal.put(key, value).await?;
        }
        self.journal.remove(RESET).await
    }

    /// The next number of a recording, which is above all that this flash and this card have seen. It is written down before it is given
    /// out, so that a cut may lose a number but never gives one twice.
    pub(crate) async fn count_recording(
        &mut self,
        on_card: Option<Number>,
    ) -> Result<Number, Error<F::Error>> {
        let counted = self.number(COUNTER).await?.map(Number);
        let highest = self.last_entry().max(counted).max(on_card);
        let next = Number(highest.map_or(0, |highest| highest.0).saturating_add(1));
        if next.0 > keys::NUMBER_MAX {
            return Err(Error::Full);
        }
        self.put_number(COUNTER, next.0).await?;
        Ok(next)
    }

    async fn number(&mut self, key: RawKey) -> Result<Option<u32>, Error<F::Error>> {
        Ok(self.fixed(key).await?.map(u32::from_le_bytes))
    }

    async fn put_number(&mut self, key: RawKey, number: u32) -> Result<(), Error<F::Error>> {
        self.journal.put(key, &number.to_le_bytes()).await
    }

    /// A value that always has the same length.
    async fn fixed<const N: usize>(&mut self, key: RawKey) -> Result<Option<[u8; N]>, Error<F::Error>> {
        let mut buffer = [0; N];
        match self.journal.get(key, &mut buffer).await? {
            Some(value) => value.try_into().map(Some).map_err(|_| Error::Damaged),
            None => Ok(None),
        }
    }
}

fn setup_code(drawn: &Drawn) -> [u8; SETUP_CODE_BYTES] {
    // 32 characters: the lower five bits of a random byte are even.
    drawn
        .setup_code
        .map(|random| SETUP_CODE_ALPHABET[usize::from(random & 31)])
}

/// Random, and says so: version 4, variant 1 (RFC 9562).
fn uuid(mut random: [u8; 16]) -> [u8; 16] {
    random[6] = random[6] & 0x0F | 0x40;
    random[8] = random[8] & 0x3F | 0x80;
    random
}
