//! Heartbeats of many requests in one go.
//!
//! A request hands its heartbeats in and waits. One task takes whatever has queued while the last commit was on its way
//! and records it team by team, so that under load a statement serves many requests; without load nobody waits for a
//! timer. Each request is answered after the commit that holds its heartbeats, and one that the database refuses is
//! tried again alone, so that it spoils nobody else's.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::future::join_all;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::uptime::{Heard, Kept, record};
use super::{DeviceId, Store, StoreError, TenantId, devices_state};
use crate::uptime::BATCH_MAX;

/// Heartbeats that are held at once, at some 400 bytes each; further requests wait.
const HELD_MAX: usize = 20 * BATCH_MAX;
/// Heartbeats that are recorded at once: bounds how long a commit takes.
const AT_ONCE_MAX: usize = 2 * BATCH_MAX;

/// The heartbeats of one request.
struct Order {
    tenant: TenantId,
    heard: Vec<Heard>,
    aliases: BTreeSet<(String, DeviceId)>,
    reply: oneshot::Sender<Result<Vec<Kept>, StoreError>>,
    _held: OwnedSemaphorePermit,
}

/// Where heartbeats are handed in. Cheap to clone; the task ends with the last clone.
#[derive(Clone)]
pub struct Intake {
    orders: mpsc::Sender<Order>,
    room: Arc<Semaphore>,
}

impl Intake {
    /// Starts the task. Needs a Tokio runtime.
    #[must_use]
    pub fn start(store: Store) -> Self {
        // Each order holds at least one permit, so the queue never outgrows them.
        let (orders, queue) = mpsc::channel(HELD_MAX);
        tokio::spawn(serve(store, queue));
        Self {
            orders,
            room: Arc::new(Semaphore::new(HELD_MAX)),
        }
    }

    /// Records heartbeats of one team's devices, and the names that devices were heard by; answers after the commit, in
    /// the order of what was handed in.
    pub async fn take(
        &self,
        tenant: TenantId,
        heard: Vec<Heard>,
        aliases: BTreeSet<(String, DeviceId)>,
    ) -> Result<Vec<Kept>, StoreError> {
        let size = u32::try_from(heard.len().clamp(1, BATCH_MAX)).unwrap_or(1);
        let held = self.room.clone().acquire_many_owned(size).await;
        let (reply, answer) = oneshot::channel();
        let order = Order {
            tenant,
            heard,
            aliases,
            reply,
            _held: held.map_err(|_| StoreError::Closed)?,
        };
        self.orders.send(order).await.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::NotRun)?
    }
}

async fn serve(store: Store, mut queue: mpsc::Receiver<Order>) {
    while let Some(first) = queue.recv().await {
        // The runtime runs a task that was just woken before those that wait already, so the first of many requests would get a
        // commit for itself. They go first, once; nobody waits for what is not there.
        tokio::task::yield_now().await;
        let mut size = first.heard.len();
        let mut teams = BTreeMap::from([(first.tenant, vec![first])]);
        while size < AT_ONCE_MAX {
            let Ok(order) = queue.try_recv() else { break };
            size += order.heard.len();
            teams.entry(order.tenant).or_default().push(order);
        }
        // The writer puts all of them into one transaction.
        join_all(
            teams
                .into_iter()
                .map(|(tenant, orders)| team(&store, tenant, orders)),
        )
        .await;
    }
}

/// One team's orders together, or, if the database refuses that, one by one.
async fn team(store: &Store, tenant: TenantId, orders: Vec<Order>) {
    let heard: Vec<Heard> = orders.iter().flat_map(|order| order.heard.clone()).collect();
    let aliases = orders.iter().flat_map(|order| order.aliases.clone()).collect();
    match write(store, tenant, heard, aliases).await {
        Ok(kept) => {
            let mut kept = kept.into_iter();
            for order in orders {
                let own = kept.by_ref().take(order.heard.len()).collect();
                // A sender that has gone away comes again and is told the same.
                drop(order.reply.send(Ok(own)));
            }
        }
        Err(error) => match <[Order; 1]>::try_from(orders) {
            Ok([only]) => drop(only.reply.send(Err(error))),
            Err(orders) => {
                tracing::warn!(%error, requests = orders.len(), "heartbeats are recorded one request at a time");
                for order in orders {
                    let alone = write(store, tenant, order.heard, order.aliases).await;
                    drop(order.reply.send(alone));
                }
            }
        },
    }
}

async fn write(
    store: &Store,
    tenant: TenantId,
    heard: Vec<Heard>,
    aliases: BTreeSet<(String, DeviceId)>,
) -> Result<Vec<Kept>, StoreError> {
    let now = store.now();
    store
        .write(tenant, move |mut rows| {
            Box::pin(async move {
                if !aliases.is_empty() {
                    devices_state::note_aliases(&mut rows, &aliases, now).await?;
                }
                record(&mut rows, &heard, now).await
            })
        })
        .await
}
