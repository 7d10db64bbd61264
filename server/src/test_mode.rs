//! The setting `test_mode`: no service outside is called. Nobody but the local rules writes, presentations on the web are not read, webhooks are
//! not told and no LiveKit room is entered; what would do so takes the way that it takes without such a service, and says so.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Variables that name a service or open it, and are read where it is needed: by nodes of graphs and by children, too.
const SERVICES: [&str; 4] = ["LECTERN_WRITER_URL", "GOOGLE_SLIDES_URL", "GOOGLE_SLIDES_TOKEN", "GOOGLE_SLIDES_TOKEN_FILE"];

/// Why something is not done.
pub const OFF: &str = "test_mode is on, and services outside are not called; turn it off (TEST_MODE=false)";

/// Begins this program again without those services, in its own place; comes back where none is named. To be called before anything is begun.
///
/// # Errors
/// The program cannot be begun again.
pub fn enter() -> io::Result<()> {
    if SERVICES.iter().all(|name| std::env::var_os(name).is_none()) {
        return Ok(());
    }
    let mut command = Command::new(std::env::current_exe()?);
    command.args(std::env::args_os().skip(1));
    for name in SERVICES {
        command.env_remove(name);
    }
    Err(command.exec())
}
