//! The keys in memory. Another process may rotate them, so what is held is read again when it is some seconds old.

use std::sync::{Arc, PoisonError, RwLock};

use jiff::{SignedDuration, Timestamp};
use rand::TryRng;
use rand::rngs::SysRng;
use uuid::Uuid;
use wire::receipt::{PublicKey, ServerKey};

use super::ReceiptsError;
use crate::store::keys::{self, Identity, Seed, StoredKey};
use crate::store::{Store, StoreError};

/// After a rotation a server goes on signing with the key before at most this long. Both are believed; one small query
/// in that time is nothing beside the uploads that it serves.
const FRESH_FOR: SignedDuration = SignedDuration::from_secs(10);

/// The server's keys and epoch as they were at one moment.
#[derive(Debug)]
pub struct Keyring {
    signing: ServerKey,
    identity: Identity,
}

impl Keyring {
    fn of(identity: Identity) -> Result<Self, ReceiptsError> {
        let newest = identity.keys.first().and_then(|key| key.secret.clone());
        Ok(Self {
            signing: newest.ok_or(ReceiptsError::NoKey)?,
            identity,
        })
    }

    pub(super) fn signing(&self) -> &ServerKey {
        &self.signing
    }

    /// Newest first.
    #[must_use]
    pub fn keys(&self) -> &[StoredKey] {
        &self.identity.keys
    }

    #[must_use]
    pub fn public_keys(&self) -> Vec<PublicKey> {
        self.identity.keys.iter().map(|key| key.public).collect()
    }

    #[must_use]
    pub fn storage_epoch(&self) -> Uuid {
        self.identity.storage_epoch
    }
}

/// The latest key ring and when it was read.
pub(super) struct Rings(RwLock<(Timestamp, Arc<Keyring>)>);

impl Rings {
    pub(super) async fn open(store: &Store) -> Result<Self, ReceiptsError> {
        let ring = Keyring::of(ensure_founded(store).await?)?;
        Ok(Self(RwLock::new((store.now(), Arc::new(ring)))))
    }

    pub(super) async fn current(&self, store: &Store) -> Arc<Keyring> {
        let now = store.now();
        let (read_at, ring) = self.held();
        // A clock that was set back makes it old too.
        if read_at <= now && now.duration_since(read_at) < FRESH_FOR {
            return ring;
        }
        let ring = match keys::load(store).await.map(|found| found.map(Keyring::of)) {
            Ok(Some(Ok(fresh))) => Arc::new(fresh),
            Ok(Some(Err(error))) => kept(ring, &error),
            Ok(None) => kept(ring, &ReceiptsError::NoKey),
            Err(error) => kept(ring, &error.into()),
        };
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = (now, ring.clone());
        ring
    }

    fn held(&self) -> (Timestamp, Arc<Keyring>) {
        // Replaced as a whole, so another thread's panic cannot have left it half changed.
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What is held is still true for what is stored: an upload does not fail for a question that can wait.
fn kept(ring: Arc<Keyring>, error: &ReceiptsError) -> Arc<Keyring> {
    tracing::warn!(%error, "the receipt keys could not be read again; those in memory are used");
    ring
}

/// The server's identity, made at its first start.
pub(super) async fn ensure_founded(store: &Store) -> Result<Identity, ReceiptsError> {
    if let Some(identity) = keys::load(store).await? {
        return Ok(identity);
    }
    keys::found(store, fresh_seed()?).await?;
    keys::load(store)
        .await?
        .ok_or(ReceiptsError::Store(StoreError::Closed))
}

pub(super) fn fresh_seed() -> Result<Seed, ReceiptsError> {
    let mut seed = [0; 32];
    SysRng.try_fill_bytes(&mut seed)?;
    Ok(Seed(seed))
}
