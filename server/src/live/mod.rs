//! Live sessions: a run with a room, what it can be told, and all of them together.

mod command;
mod fps;
mod lecture;
mod load;
mod session;
mod sessions;

pub use command::{Command, CommandError};
pub use lecture::{Lecture, Outputs};
pub use load::Load;
pub use session::{OnState, Premises, Session, State};
pub use sessions::{CreateError, CreateRequest, LIMIT, Sessions};
