//! Where settings come from, as options of a command.

use super::{ConfigError, Given, Loaded, load};
use clap::Args;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Options of every command that reads settings.
#[derive(Args, Clone, Debug, Default)]
pub struct Flags {
    /// The settings: TOML, or JSON as the "Rapido" system has it. Without it LECTERN_CONFIG or RAPIDO_CONFIG, else lectern.toml here, else
    /// config/ENVIRONMENT.json (LECTERN_ENVIRONMENT, RAPIDO_ENV), if they are there.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where browsers and clients reach the server; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<String>,
    /// Where jobs, accounts and their files are kept.
    #[arg(long, value_name = "DIR")]
    pub data: Option<String>,
    /// Where artifacts are kept: a folder or s3://BUCKET/PREFIX; without it, in the data folder.
    #[arg(long, value_name = "URL")]
    pub store: Option<String>,
    /// The queue that other machines take work from: nats://HOST:4222.
    #[arg(long, value_name = "URL")]
    pub nats: Option<String>,
}

impl Flags {
    /// Reads the settings, the environment and these options.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn load(&self) -> Result<Loaded, ConfigError> {
        self.load_with(Vec::new())
    }

    /// The same with options that only one command has.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn load_with(&self, more: Vec<Given>) -> Result<Loaded, ConfigError> {
        let variables = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        let variables: BTreeMap<String, String> = variables.filter(|(_, value)| !value.is_empty()).collect();
        let options = [
            ("listen", &self.listen, "--listen"),
            ("data", &self.data, "--data"),
            ("store.place", &self.store, "--store"),
            ("workers.nats", &self.nats, "--nats"),
        ];
        let given: Vec<_> =
            options.into_iter().filter_map(|(key, value, option)| Some((key, value.clone()?, option))).chain(more).collect();
        load(file(self.config.as_deref(), &variables, Path::new("")).as_deref(), &variables, &given)
    }
}

/// The file that holds: one that is named, else one that is there.
pub(super) fn file(named: Option<&Path>, variables: &BTreeMap<String, String>, here: &Path) -> Option<PathBuf> {
    let variable = |names: [&str; 2]| names.into_iter().find_map(|name| variables.get(name));
    if let Some(named) = named.map(PathBuf::from).or_else(|| variable(["LECTERN_CONFIG", "RAPIDO_CONFIG"]).map(PathBuf::from)) {
        return Some(named);
    }
    let own = here.join("lectern.toml");
    if own.is_file() {
        return Some(own);
    }
    let environment = variable(["LECTERN_ENVIRONMENT", "RAPIDO_ENV"])?;
    // It is a name, not a path.
    let plain = environment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    Some(here.join("config").join(format!("{environment}.json"))).filter(|path| plain && path.is_file())
}
