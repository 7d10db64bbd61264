//! Asynchronous work done by a thread that has nothing else to do, until it ends or the user stops it.

use engine::run::Cancel;
use std::future::Future;
use std::io;
use std::time::Duration;

/// How often somebody who waits looks whether the run is cancelled.
const LOOK: Duration = Duration::from_millis(20);

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub enum WaitError {
    /// The user stopped it.
    #[error("stopped")]
    Cancelled,
    /// The system gives no event queue.
    #[error("the system gives no event queue ({0})")]
    System(#[from] io::Error),
}

/// Does the work on this thread. Cancelled, it is dropped where it waits, with all that it holds.
///
/// # Errors
/// It was cancelled, or the system is out of file descriptors.
pub fn wait_for<T>(cancel: &Cancel, work: impl Future<Output = T>) -> Result<T, WaitError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        tokio::select! {
            biased;
            () = cancelled(cancel) => Err(WaitError::Cancelled),
            result = work => Ok(result),
        }
    });
    // A name that is being resolved cannot be stopped, and is not waited for.
    runtime.shutdown_background();
    result
}

async fn cancelled(cancel: &Cancel) {
    while !cancel.is_cancelled() {
        tokio::time::sleep(LOOK).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_ends_by_itself_or_by_the_user() {
        let cancel = Cancel::default();
        assert_eq!(wait_for(&cancel, async { 7 }).unwrap(), 7);
        let other = cancel.clone();
        let stopped = wait_for(&cancel, async {
            other.cancel();
            std::future::pending::<()>().await
        });
        assert!(matches!(stopped, Err(WaitError::Cancelled)));
    }
}
