//! One request at a time for each upload, and the newest one first.
//!
//! A phone that lost its connection comes back while the server still waits for the old one. Whoever comes takes the
//! upload over: the one before is told to stop, makes durable what it holds, and lets go.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::OwnedMutexGuard;
use tokio_util::sync::CancellationToken;

use crate::store::UploadId;

/// How long the one before may take to make its bytes durable.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// Who is at which upload.
pub(super) struct Turns {
    wait_max: Duration,
    /// Only of uploads that somebody is at or waits for.
    places: Arc<Mutex<HashMap<UploadId, Arc<Place>>>>,
}

#[derive(Default)]
struct Place {
    held: Arc<tokio::sync::Mutex<()>>,
    /// Told to whoever comes: cancelled when the next one comes.
    newest: Mutex<CancellationToken>,
}

/// An upload for as long as this lives, or until somebody else takes it over.
#[derive(Debug)]
pub struct Turn {
    _held: OwnedMutexGuard<()>,
    claim: Claim,
    superseded: CancellationToken,
}

/// The one before did not let go in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Held;

/// Keeps the place in the map while somebody is at it or waits.
struct Claim {
    places: Arc<Mutex<HashMap<UploadId, Arc<Place>>>>,
    id: UploadId,
    place: Option<Arc<Place>>,
}

impl std::fmt::Debug for Claim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Claim").field(&self.id).finish()
    }
}

impl Default for Turns {
    fn default() -> Self {
        Self {
            wait_max: WAIT_MAX,
            places: Arc::default(),
        }
    }
}

impl Turns {
    /// Tells the one before to stop, and waits until it has.
    pub(super) async fn take(&self, id: UploadId) -> Result<Turn, Held> {
        let place = lock(&self.places).entry(id).or_default().clone();
        let superseded = CancellationToken::new();
        std::mem::replace(&mut *lock(&place.newest), superseded.clone()).cancel();
        let held = place.held.clone();
        let claim = Claim {
            places: self.places.clone(),
            id,
            place: Some(place),
        };
        let held = tokio::time::timeout(self.wait_max, held.lock_owned()).await;
        Ok(Turn {
            _held: held.map_err(|_| Held)?,
            claim,
            superseded,
        })
    }
}

impl Turn {
    /// Returns once somebody else has come for this upload.
    pub async fn superseded(&self) {
        self.superseded.cancelled().await;
    }

    pub fn id(&self) -> UploadId {
        self.claim.id
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut places = lock(&self.places);
        self.place = None;
        // The map's own is the last one. Whoever comes later makes another place.
        if places
            .get(&self.id)
            .is_some_and(|place| Arc::strong_count(place) == 1)
        {
            places.remove(&self.id);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change under these locks is one step, so what another thread's panic left is whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: UploadId = UploadId(uuid::Uuid::from_u128(7));

    #[tokio::test]
    async fn whoever_comes_takes_over_once_the_one_before_lets_go() {
        let turns = Arc::new(Turns::default());
        let first = turns.take(ID).await.unwrap();
        let (taking, again) = (turns.clone(), turns.clone());
        let second = tokio::spawn(async move { taking.take(ID).await });
        first.superseded().await;
        assert!(!second.is_finished());
        drop(first);
        let second = second.await.unwrap().unwrap();
        let third = tokio::spawn(async move { again.take(ID).await });
        second.superseded().await;
        drop(second);
        drop(third.await.unwrap().unwrap());
        assert!(
            turns.places.lock().unwrap().is_empty(),
            "nobody is at it any more"
        );
    }

    #[tokio::test]
    async fn one_that_does_not_let_go_is_waited_for_so_long() {
        let turns = Turns {
            wait_max: Duration::from_millis(20),
            ..Turns::default()
        };
        let first = turns.take(ID).await.unwrap();
        assert_eq!(turns.take(ID).await.unwrap_err(), Held);
        drop(first);
        turns.take(ID).await.unwrap();
        assert!(turns.places.lock().unwrap().is_empty());
    }
}
