//! The one task that writes to the database.
//!
//! Commands wait in a bounded queue. Whatever has queued when the previous commit returns goes into the next
//! transaction, so under load one fsync serves many callers and without load nobody waits for a timer. Every command
//! after the first runs in a savepoint: one that fails or panics is undone alone. Each caller is answered after the commit that holds its
//! rows.
//! Why: `docs/decisions/0003-one-writer.md`.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::FutureExt;
use tokio::sync::{mpsc, oneshot};

use super::engine::{Scope, begin, commit, set_scope};
use super::sql::Rows;
use super::{CommitHook, Database, StoreError};

/// Commands that may wait; beyond it callers wait for a place, which is the back-pressure that uploads feel.
const QUEUE_MAX: usize = 1024;
/// Commands in one transaction. Bounds how long a reader of the answer waits and how much one failed commit takes along.
const BATCH_MAX: usize = 256;

/// What a command returns.
pub type BoxFuture<'c, T> = Pin<Box<dyn Future<Output = T> + Send + 'c>>;

/// Tells a caller how its commit went.
type Answer = Box<dyn FnOnce(Result<(), Arc<sqlx::Error>>) + Send>;

/// A command's end: whether its rows stay, and how to tell its caller once the commit is done or has failed.
struct Ran {
    keep: bool,
    answer: Answer,
}

type Run = Box<dyn for<'c> FnOnce(&'c mut Rows) -> BoxFuture<'c, Ran> + Send>;

/// A change, and whose rows it may touch.
struct Command {
    scope: Scope,
    run: Run,
}

/// What waits in the queue.
enum Order {
    Run(Command),
    /// Commit what came before, close the database, answer.
    Close(oneshot::Sender<()>),
}

#[derive(Debug, Clone)]
pub(super) struct Writer {
    queue: mpsc::Sender<Order>,
}

impl Writer {
    /// Starts the task; it ends when the last `Writer` is dropped and the queue is empty.
    pub(super) fn start(rows: Rows, database: Database, hook: Option<CommitHook>) -> Self {
        let (queue, orders) = mpsc::channel(QUEUE_MAX);
        let pen = Pen { rows, database, hook };
        tokio::spawn(pen.serve(orders));
        Self { queue }
    }

    /// Runs `command` in the next transaction and answers after its commit.
    pub(super) async fn write<T, E, F>(&self, scope: Scope, command: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'c> FnOnce(&'c mut Rows) -> BoxFuture<'c, Result<T, E>> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let run: Run = Box::new(move |rows| {
            Box::pin(async move {
                // What a command leaves half changed when it panics is its rows, and those are rolled back.
                let running = AssertUnwindSafe(async move { command(rows).await }).catch_unwind();
                let result = running.await.unwrap_or_else(|_| Err(StoreError::Panicked.into()));
                let keep = result.is_ok();
                let answer: Answer = Box::new(move |committed: Result<(), Arc<sqlx::Error>>| {
                    let outcome = match committed {
                        Ok(()) => result,
                        Err(cause) => result.and(Err(StoreError::from_commit(&cause).into())),
                    };
                    // A caller that has gone away (a dropped connection) does not undo what was committed.
                    drop(reply.send(outcome));
                });
                Ran { keep, answer }
            })
        });
        self.queue
            .send(Order::Run(Command { scope, run }))
            .await
            .map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::NotRun)?
    }

    /// Returns when everything that was queued before is committed and the connection is closed.
    pub(super) async fn close(&self) {
        let (reply, closed) = oneshot::channel();
        if self.queue.send(Order::Close(reply)).await.is_ok() {
            // Either way it is closed: a dropped reply means that somebody else's close came first.
            drop(closed.await);
        }
    }

    /// Returns when nothing will be written any more, asked for or not.
    pub(super) async fn ended(&self) {
        self.queue.closed().await;
    }
}

/// The write connection and what it takes to get another.
struct Pen {
    rows: Rows,
    database: Database,
    hook: Option<CommitHook>,
}

impl Pen {
    async fn serve(mut self, mut orders: mpsc::Receiver<Order>) {
        let mut closing = None;
        while closing.is_none() {
            let first = match orders.recv().await {
                Some(Order::Run(first)) => first,
                Some(Order::Close(reply)) => {
                    closing = Some(reply);
                    break;
                }
                None => break,
            };
            let mut answers = Vec::new();
            let committed = self
                .batch(first, &mut orders, &mut answers, &mut closing)
                .await
                .map_err(Arc::new);
            if let Err(error) = &committed {
                tracing::error!(%error, commands = answers.len(), "a database transaction failed");
                self.recover().await;
            }
            for answer in answers {
                answer(committed.clone());
            }
        }
        if let Err(error) = self.rows.close().await {
            tracing::warn!(%error, "closing the database");
        }
        if let Some(reply) = closing {
            // The one who asked may have gone away.
            let _gone = reply.send(());
        }
    }

    /// Leaves no transaction open behind. A connection that cannot do that is broken: another takes its place, now or,
    /// where the database is away, after the next failure.
    async fn recover(&mut self) {
        match self.rows.run("ROLLBACK").await {
            Ok(()) => return,
            // SQLite says so where none is open.
            Err(sqlx::Error::Database(_)) => return,
            Err(error) => tracing::warn!(%error, "the database connection broke; connecting again"),
        }
        match self.database.writer().await {
            Ok(rows) => self.rows = rows,
            Err(error) => tracing::error!(%error, "the database cannot be reached"),
        }
    }

    /// One transaction: `first` and whatever else has queued by the time it is through.
    async fn batch(
        &mut self,
        first: Command,
        orders: &mut mpsc::Receiver<Order>,
        answers: &mut Vec<Answer>,
        closing: &mut Option<oneshot::Sender<()>>,
    ) -> Result<(), sqlx::Error> {
        begin(&mut self.rows).await?;
        // Nothing is before the first command, so the whole transaction is what it would undo: mostly it is the only one, and a
        // savepoint costs two visits to the connection's thread and a copy of each page that changes.
        if !one(&mut self.rows, first, answers).await? {
            return self.rows.run("ROLLBACK").await;
        }
        let mut savepoint = "SAVEPOINT command";
        while answers.len() < BATCH_MAX {
            let command = match orders.try_recv() {
                Ok(Order::Run(command)) => command,
                Ok(Order::Close(reply)) => {
                    *closing = Some(reply);
                    break;
                }
                Err(_) => break,
            };
            self.rows.run(savepoint).await?;
            savepoint = "RELEASE SAVEPOINT command; SAVEPOINT command";
            // On a broken transaction the commands that already ran are answered with its error; one that did not run is
            // dropped, which its caller sees as `NotRun`.
            if !one(&mut self.rows, command, answers).await? {
                self.rows.run("ROLLBACK TO SAVEPOINT command").await?;
            }
        }
        if self.hook.as_mut().is_some_and(|may_commit| !may_commit()) {
            return Err(sqlx::Error::Protocol("the commit was refused".to_owned()));
        }
        commit(&mut self.rows).await
    }
}

/// Whether its rows stay.
async fn one(rows: &mut Rows, command: Command, answers: &mut Vec<Answer>) -> Result<bool, sqlx::Error> {
    set_scope(rows, command.scope).await?;
    let ran = (command.run)(rows).await;
    answers.push(ran.answer);
    Ok(ran.keep)
}
