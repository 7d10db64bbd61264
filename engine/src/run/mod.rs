//! A plan at work: nodes started in order, one thread per lane, the first cause of a failure kept.

mod activity;
mod bridge;
mod cancel;
mod demand;
mod edge;
mod env;
mod epoch;
mod events;
mod handle;
mod horizon;
mod inbox;
mod lane;
mod launch;
#[cfg(all(test, loom))]
mod loom_tests;
mod mailbox;
mod outbox;
mod pacer;
mod primitives;
mod queue;
mod report;
mod slot;
mod stage;
mod stats;
mod stopwatch;
mod supervisor;
mod sync;
mod trace;

pub use bridge::Bridge;
pub use cancel::{Cancel, Waker};
pub use demand::Demand;
pub use env::{Progress, Warning};
pub use events::{Event, Events};
pub use handle::{ControlError, Handle};
pub use lane::Phase;
pub use mailbox::Command;
pub use pacer::PlayoutReport;
pub use queue::Limit;
pub use report::{EdgeReport, NodeReport, ProcessSeconds, Report};
pub use supervisor::{ErrorKind, Run, RunError, RunOptions};
pub use sync::Tick;

pub(crate) use activity::{Activity, Sleep};
pub(crate) use edge::Edge;
pub(crate) use env::Env;
pub(crate) use epoch::FlushView;
pub(crate) use inbox::{Inbox, InboxEnv, Wanted};
pub(crate) use lane::{LaneState, Position, Stopped};
pub(crate) use outbox::Outbox;
pub(crate) use pacer::Pacer;
pub(crate) use queue::Connection;
pub(crate) use slot::Slot;
pub(crate) use stage::Stage;
pub(crate) use stats::{EdgeStats, NodeStats};
pub(crate) use stopwatch::Stopwatch;
pub(crate) use sync::Inputs;
