//! Devices by their tokens, the questions of many requests in one.
//!
//! A request hands its token's digest in and waits; one task asks for all that have queued while the last answer was on its
//! way, so that under load a statement serves many requests and without load nobody waits for a timer. Nothing is
//! remembered from one question to the next: what is asked after a token was revoked, by whatever process, is answered
//! by that.

use std::collections::HashMap;

use tokio::sync::{mpsc, oneshot};

use super::accounts_devices::{DeviceIdentity, devices_of_tokens};
use super::{Store, StoreError};
use crate::auth::secret::TokenDigest;

/// Questions that wait, at some 100 bytes each; further requests wait for a place.
const QUEUE_MAX: usize = 1024;
/// Digests in one statement.
const AT_ONCE_MAX: usize = 256;

struct Question {
    token: TokenDigest,
    reply: oneshot::Sender<Result<Option<DeviceIdentity>, StoreError>>,
}

/// Where tokens are asked for. Cheap to clone; the task ends with the last clone.
#[derive(Clone)]
pub struct DeviceTokens {
    questions: mpsc::Sender<Question>,
}

impl DeviceTokens {
    /// Starts the task. Needs a Tokio runtime.
    #[must_use]
    pub fn start(store: Store) -> Self {
        let (questions, queue) = mpsc::channel(QUEUE_MAX);
        tokio::spawn(serve(store, queue));
        Self { questions }
    }

    /// The device that a token is of, unless one of them is revoked.
    pub async fn device(&self, token: TokenDigest) -> Result<Option<DeviceIdentity>, StoreError> {
        let (reply, answer) = oneshot::channel();
        let question = Question { token, reply };
        self.questions
            .send(question)
            .await
            .map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }
}

async fn serve(store: Store, mut queue: mpsc::Receiver<Question>) {
    let mut waiting = Vec::new();
    while queue.recv_many(&mut waiting, AT_ONCE_MAX).await > 0 {
        // As in `uptime_intake`: whoever is about to ask does so first.
        tokio::task::yield_now().await;
        while waiting.len() < AT_ONCE_MAX {
            let Ok(question) = queue.try_recv() else { break };
            waiting.push(question);
        }
        answer(&store, std::mem::take(&mut waiting)).await;
    }
}

async fn answer(store: &Store, questions: Vec<Question>) {
    let tokens: Vec<&TokenDigest> = questions.iter().map(|question| &question.token).collect();
    match devices_of_tokens(store, &tokens).await {
        Ok(found) => {
            let found: HashMap<String, DeviceIdentity> = found.into_iter().collect();
            for Question { token, reply } in questions {
                // One that has gone away does not want to know.
                drop(reply.send(Ok(found.get(token.as_str()).cloned())));
            }
        }
        Err(error) => {
            // Asking for each of them again would keep all others waiting as long as the database is away.
            tracing::error!(%error, requests = questions.len(), "tokens could not be looked up");
            for Question { reply, .. } in questions {
                drop(reply.send(Err(StoreError::NotRun)));
            }
        }
    }
}
