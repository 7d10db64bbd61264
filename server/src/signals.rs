//! SIGINT and SIGTERM: the first one cancels the run, which then leaves no file behind; the second one ends the program at once. A live run
//! is first told to stop: it drains and closes its recordings; the second signal cancels it.

use engine::run::{Cancel, Handle};
use signal_hook::consts::{SIGINT, SIGTERM};
use std::fmt;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

/// A signal that asks the program to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Ctrl-C.
    Interrupt,
    /// `kill`, or a service manager.
    Terminate,
}

impl Signal {
    /// 128 and the signal's number, as shells do.
    pub fn exit_code(self) -> u8 {
        match self {
            Signal::Interrupt => 128 + SIGINT as u8,
            Signal::Terminate => 128 + SIGTERM as u8,
        }
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Signal::Interrupt => "SIGINT (Ctrl-C)",
            Signal::Terminate => "SIGTERM",
        })
    }
}

/// Listens from `listen` to the end of the program.
pub struct Signals {
    cancel: Cancel,
    caught: Arc<AtomicI32>,
    /// A live run that is to end in order.
    live: Arc<Mutex<Option<Handle>>>,
}

impl Signals {
    /// Begins to listen. There is one listener in a program: later calls give the first one.
    pub fn listen() -> &'static Signals {
        static SIGNALS: OnceLock<Signals> = OnceLock::new();
        SIGNALS.get_or_init(|| {
            let signals = Signals { cancel: Cancel::default(), caught: Arc::default(), live: Arc::default() };
            // Without the listener the signals end the program as they always do; files of a run may then be left behind.
            if let Err(error) = signals.spawn() {
                tracing::warn!(%error, "signals are not handled");
            }
            signals
        })
    }

    fn spawn(&self) -> std::io::Result<()> {
        let mut arriving = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])?;
        let (cancel, caught, live) = (self.cancel.clone(), self.caught.clone(), self.live.clone());
        let work = move || {
            for signal in arriving.forever() {
                if let Some(run) = live.lock().expect("nobody panics with this lock").take() {
                    run.stop();
                    continue;
                }
                if caught.swap(signal, Ordering::SeqCst) != 0 {
                    std::process::exit(128 + signal);
                }
                cancel.cancel();
            }
        };
        std::thread::Builder::new().name("signals".into()).spawn(work).map(drop)
    }

    /// Set by the first signal.
    pub fn cancel(&self) -> Cancel {
        self.cancel.clone()
    }

    /// From now on the first signal lets this run drain, and the next one cancels it.
    pub fn stop_first(&self, run: Handle) {
        *self.live.lock().expect("nobody panics with this lock") = Some(run);
    }

    /// The signal that cancelled what is being done, if one did.
    pub fn aborted(&self) -> Option<Signal> {
        match self.caught.load(Ordering::SeqCst) {
            SIGINT => Some(Signal::Interrupt),
            SIGTERM => Some(Signal::Terminate),
            _ => None,
        }
    }
}
