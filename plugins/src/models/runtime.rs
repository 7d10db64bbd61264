//! The ONNX run-time library: found, loaded and started exactly once per process.
//!
//! `ort` panics when its library is missing and allows one environment per process. Everything that runs a model therefore comes
//! through [`environment`], which loads the library by its path first and turns whatever goes wrong into an error, the same
//! error for every caller.

use std::path::PathBuf;
use std::sync::OnceLock;

use ort::environment::Environment;

use super::{ModelError, locate};

/// The library's file: `$ORT_DYLIB_PATH` where it is set (a GPU build, a distribution's own), else `lib/libonnxruntime.so` of the
/// data folder.
///
/// # Errors
/// [`ModelError::Missing`], [`ModelError::NoDataFolder`].
pub fn onnxruntime() -> Result<PathBuf, ModelError> {
    match std::env::var_os("ORT_DYLIB_PATH").filter(|path| !path.is_empty()) {
        Some(path) => Ok(PathBuf::from(path)),
        None => locate("lib:onnxruntime"),
    }
}

/// The process's ONNX environment. The first call loads the library; it stays loaded until the process ends. A missing file is
/// looked for again at the next call, a library that failed to start is not tried twice.
///
/// # Errors
/// Those of [`onnxruntime`], and [`ModelError::Runtime`] when the library cannot be loaded, is older than 1.25 or fails to start.
pub fn environment() -> Result<&'static Environment, ModelError> {
    static ENVIRONMENT: OnceLock<Result<Environment, String>> = OnceLock::new();
    let path = onnxruntime()?;
    let started = ENVIRONMENT.get_or_init(|| {
        // From 1.29 on the library tells its makers how it is used, unless it is told not to.
        ort::init_from(&path)
            .map_err(|error| error.to_string())?
            .with_name("lectern")
            .with_telemetry(false)
            .build()
            .map_err(|error| error.to_string())
    });
    started.as_ref().map_err(|cause| ModelError::Runtime { path, cause: cause.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_is_started_once_and_shared_by_all_threads() {
        let addresses: Vec<usize> = std::thread::scope(|scope| {
            let workers: Vec<_> =
                (0..4).map(|_| scope.spawn(|| std::ptr::from_ref(environment().expect("run scripts/setup")) as usize)).collect();
            workers.into_iter().map(|worker| worker.join().unwrap()).collect()
        });
        assert!(addresses.windows(2).all(|pair| pair[0] == pair[1]));
        assert!(ort::info().contains("ORT Build Info"));
    }
}
