//! A plan at work: nodes started in order, one thread per lane, the first cause of a failure kept.

mod bridge;
mod cancel;
mod env;
mod inbox;
mod launch;
mod report;
mod stage;
mod stats;
mod supervisor;
mod sync;

pub use bridge::Bridge;
pub use cancel::Cancel;
pub use env::{Progress, Warning};
pub use inbox::Limit;
pub use report::{EdgeReport, NodeReport, ProcessSeconds, Report};
pub use stage::Phase;
pub use supervisor::{Run, RunError};
pub use sync::Tick;

pub(crate) use env::Env;
pub(crate) use inbox::Inbox;
pub(crate) use stage::{Edge, LaneState, Outbox, Position, Stage, StageParts, Stopped};
pub(crate) use stats::{EdgeStats, NodeStats};
pub(crate) use sync::{Inputs, Slot};
