//! Receipts: signs what is stored, and answers whether it still is. The format and its promises are `wire::receipt`'s.
//!
//! ```text
//! first start ── found ──► key 1, epoch        `fieldpost receipt rotate-key` ── rotate ──► key n + 1, signed by key n
//! upload stored ── for_upload ──► SignedReceipt        receipt or digest ── confirm ──► Verdict, by row and by object
//! ```
//!
//! The same recording gives the same bytes, whenever and by whichever process it is signed, until the key is rotated.
//! It knows no HTTP.

mod confirm;
mod keyring;

use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;
use wire::receipt::{PublicKey, ReceiptError, SignedReceipt, Stored};

use crate::ingest::{self, Sender};
use crate::objects::{Digest, Objects};
use crate::store::recordings::{self, Recording};
use crate::store::{DeviceId, Store, StoreError, TenantId};
pub use confirm::{Question, Verdict};
pub use keyring::Keyring;
use keyring::Rings;

/// Why no receipt could be made; the recording is stored all the same, and asking again is harmless.
#[derive(Debug, thiserror::Error)]
pub enum ReceiptsError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the recording cannot stand in a receipt: {0}")]
    Unsignable(#[from] ReceiptError),
    #[error("the operating system gave no random bytes for a key: {0}")]
    Random(#[from] rand::rngs::SysError),
    /// The rows hold no secret: the newest key's was taken out by hand.
    #[error("the database holds no key to sign receipts with; restore it from a backup")]
    NoKey,
    #[error("the object's place cannot be read: {0}")]
    Objects(#[from] std::io::Error),
}

/// What a receipt says of a recording, beside the key.
#[derive(Debug, Clone, Copy)]
pub struct Signable<'a> {
    pub tenant: TenantId,
    /// The device that recorded it; `None` where a person sent the file and named none.
    pub device: Option<DeviceId>,
    pub file_name: &'a str,
    pub size_bytes: u64,
    pub sha256: Digest,
    pub stored_at: Timestamp,
}

impl<'a> Signable<'a> {
    /// A stored recording as its row has it.
    #[must_use]
    pub fn of(tenant: TenantId, recording: &'a Recording) -> Self {
        Self {
            tenant,
            device: recording.device,
            file_name: &recording.file_name,
            size_bytes: recording.size_bytes,
            sha256: recording.sha256,
            stored_at: recording.stored_at,
        }
    }

    fn as_stored(&self) -> Stored<'a> {
        Stored {
            tenant: self.tenant.0.into_bytes(),
            device: self.device.map(|device| device.0.into_bytes()),
            name: self.file_name,
            size_bytes: self.size_bytes,
            sha256: self.sha256.0,
            stored_at_us: self.stored_at.as_microsecond(),
        }
    }
}

/// The signer. Cheap to clone.
#[derive(Clone)]
pub struct Receipts {
    store: Store,
    objects: Arc<Objects>,
    rings: Arc<Rings>,
}

impl Receipts {
    /// Loads the server's keys; makes the first one where there is none.
    pub async fn open(store: Store, objects: Arc<Objects>) -> Result<Self, ReceiptsError> {
        let rings = Arc::new(Rings::open(&store).await?);
        Ok(Self {
            store,
            objects,
            rings,
        })
    }

    /// Signs with the newest key.
    pub async fn sign(&self, recording: &Signable<'_>) -> Result<SignedReceipt, ReceiptsError> {
        let ring = self.keyring().await;
        Ok(SignedReceipt::sign(&recording.as_stored(), ring.signing())?)
    }

    /// The receipt for what a sender just had stored, or had stored before.
    ///
    /// For a device it names that device and the name under which the device has the file, since that is what the device
    /// compares, whoever brought the same recording before. A person who names no device gets the row's: a recording that
    /// its device sent already is still that device's.
    pub async fn for_upload(
        &self,
        sender: Sender,
        file_name: &str,
        stored: &ingest::Receipt,
    ) -> Result<SignedReceipt, ReceiptsError> {
        let placed = stored.placed;
        if sender.device.is_none() && placed.duplicate {
            let row = recordings::find(&self.store, sender.tenant, placed.recording).await?;
            if let Some(row) = row {
                return self.sign(&Signable::of(sender.tenant, &row)).await;
            }
        }
        let signable = Signable {
            tenant: sender.tenant,
            device: sender.device,
            file_name,
            size_bytes: stored.size_bytes,
            sha256: stored.sha256,
            stored_at: placed.stored_at,
        };
        self.sign(&signable).await
    }

    /// The keys and the epoch, at most some seconds old.
    pub async fn keyring(&self) -> Arc<Keyring> {
        self.rings.current(&self.store).await
    }
}

/// Begins a new storage epoch, after an older state of the storage was put back.
pub async fn begin_epoch(store: &Store) -> Result<Uuid, ReceiptsError> {
    keyring::ensure_founded(store).await?;
    Ok(crate::store::keys::begin_epoch(store).await?)
}

/// Makes a new key that the present one signs for; running servers sign with it within seconds. Gives the new key.
pub async fn rotate(store: &Store) -> Result<PublicKey, ReceiptsError> {
    keyring::ensure_founded(store).await?;
    Ok(crate::store::keys::rotate(store, keyring::fresh_seed()?).await?)
}
