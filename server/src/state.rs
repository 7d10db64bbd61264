//! Where the server keeps what it must not lose: its secret, the tokens that were taken back, event logs.

use std::path::PathBuf;

/// `$XDG_STATE_HOME/lectern`, else `$HOME/.local/state/lectern`, else `lectern-state` here.
pub fn folder() -> PathBuf {
    let set = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = set("XDG_STATE_HOME").or_else(|| set("HOME").map(|home| home.join(".local/state")));
    base.map_or_else(|| PathBuf::from("lectern-state"), |base| base.join("lectern"))
}
