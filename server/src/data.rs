//! Where the server keeps what it must not lose.

use std::path::PathBuf;

/// `$XDG_DATA_HOME/lectern`, else `$HOME/.local/share/lectern`, else `lectern-data` here.
pub fn folder() -> PathBuf {
    let set = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = set("XDG_DATA_HOME").or_else(|| set("HOME").map(|home| home.join(".local/share")));
    base.map_or_else(|| PathBuf::from("lectern-data"), |base| base.join("lectern"))
}
