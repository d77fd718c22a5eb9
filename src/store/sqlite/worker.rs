//! The thread that owns the connection, and its group commit.

use std::sync::Arc;

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use crate::store::StoreError;

/// Work that waits for the thread. Behind it callers wait to enqueue, so a slow disk slows them
/// down instead of filling the memory with documents.
const QUEUE_MAX: usize = 256;

/// Operations that share one commit. A commit waits for the disk once, however many they are;
/// more than this would let the first of them wait for the others' work.
const BATCH_MAX: usize = 64;

/// What the engine did to a whole batch.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum EngineError {
    #[error("SQLite failed")]
    Sqlite(#[source] Arc<rusqlite::Error>),
    #[error("SQLite gave the transaction up")]
    RolledBack,
    #[error("the thread that owns the connection has ended; restart the process")]
    Gone,
}

impl From<rusqlite::Error> for EngineError {
    fn from(source: rusqlite::Error) -> Self {
        Self::Sqlite(Arc::new(source))
    }
}

/// Why one operation failed: an answer of ours, or the engine.
#[derive(Debug)]
pub(super) enum Failure {
    Store(StoreError),
    Engine(rusqlite::Error),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Engine(error)
    }
}

/// Whether an operation needs the write lock, which excludes other processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// One operation on its way through the thread: run inside a transaction, answered after it.
trait Work: Send {
    fn access(&self) -> Access;
    fn run(&mut self, connection: &Connection);
    fn answer(self: Box<Self>, fate: Result<(), EngineError>);
}

/// Sends work to the thread. The thread ends, and closes the connection, when the last handle is
/// gone and the queue is empty.
#[derive(Clone, Debug)]
pub(super) struct Worker {
    queue: mpsc::Sender<Box<dyn Work>>,
}

impl Worker {
    pub(super) fn spawn(connection: Connection) -> std::io::Result<Self> {
        let (queue, work) = mpsc::channel(QUEUE_MAX);
        std::thread::Builder::new()
            .name("rungate-store".to_owned())
            .spawn(move || serve(connection, work))?;
        Ok(Self { queue })
    }

    /// Runs `operation` in a transaction, and returns its result once that is durable. `action`
    /// completes "the store failed to …".
    pub(super) async fn run<T, F>(
        &self,
        access: Access,
        action: String,
        operation: F,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let pending = Pending { access, operation: Some(operation), result: None, answer };
        let result = match self.queue.send(Box::new(pending)).await {
            Ok(()) => answered.await.unwrap_or(Err(Refusal::Engine(EngineError::Gone))),
            Err(mpsc::error::SendError(_)) => Err(Refusal::Engine(EngineError::Gone)),
        };
        result.map_err(|refusal| match refusal {
            Refusal::Store(error) => error,
            Refusal::Engine(source) => unavailable(action, source),
        })
    }
}

pub(super) fn unavailable(
    action: String,
    source: impl std::error::Error + Send + Sync + 'static,
) -> StoreError {
    StoreError::Unavailable { action, source: Box::new(source) }
}

enum Refusal {
    Store(StoreError),
    Engine(EngineError),
}

struct Pending<T, F> {
    access: Access,
    operation: Option<F>,
    result: Option<Result<T, Refusal>>,
    answer: oneshot::Sender<Result<T, Refusal>>,
}

impl<T, F> Work for Pending<T, F>
where
    T: Send,
    F: FnOnce(&Connection) -> Result<T, Failure> + Send,
{
    fn access(&self) -> Access {
        self.access
    }

    fn run(&mut self, connection: &Connection) {
        if let Some(operation) = self.operation.take() {
            self.result = Some(operation(connection).map_err(|failure| match failure {
                Failure::Store(error) => Refusal::Store(error),
                Failure::Engine(error) => Refusal::Engine(error.into()),
            }));
        }
    }

    fn answer(self: Box<Self>, fate: Result<(), EngineError>) {
        // Even an answer that wrote nothing may rest on a write of the same batch, so none holds
        // if the batch does not.
        let result = match (fate, self.result) {
            (Err(engine), _) => Err(Refusal::Engine(engine)),
            (Ok(()), Some(result)) => result,
            (Ok(()), None) => Err(Refusal::Engine(EngineError::RolledBack)),
        };
        if self.answer.send(result).is_err() {
            tracing::debug!("nobody waits for this store operation any more");
        }
    }
}

fn serve(mut connection: Connection, mut queue: mpsc::Receiver<Box<dyn Work>>) {
    while let Some(first) = queue.blocking_recv() {
        let mut batch = vec![first];
        while batch.len() < BATCH_MAX
            && let Ok(next) = queue.try_recv()
        {
            batch.push(next);
        }
        let fate = commit(&mut connection, &mut batch);
        for work in batch {
            work.answer(fate.clone());
        }
    }
}

/// Runs all of `batch` in one transaction. Each operation is decided by a single statement, which
/// takes effect entirely or not at all, so one that fails leaves nothing behind for the others.
fn commit(connection: &mut Connection, batch: &mut [Box<dyn Work>]) -> Result<(), EngineError> {
    // A deferred transaction that starts to write later can't wait for another process's write
    // lock: SQLite answers "busy" at once, because what was read would be stale.
    let behavior = match batch.iter().any(|work| work.access() == Access::Write) {
        true => TransactionBehavior::Immediate,
        false => TransactionBehavior::Deferred,
    };
    let transaction = connection.transaction_with_behavior(behavior)?;
    for work in batch {
        work.run(&transaction);
        // A full disk, among others, makes SQLite roll all of it back by itself
        // (https://www.sqlite.org/lang_transaction.html, "Response To Errors").
        if transaction.is_autocommit() {
            return Err(EngineError::RolledBack);
        }
    }
    Ok(transaction.commit()?)
}
