//! Dear things that the nodes of all runs of one render use together.

use crate::node::Result;
use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

type Slot = Arc<Mutex<Option<Arc<dyn Any + Send + Sync>>>>;

/// Things by type and name. Each is made once, by whoever asks first; the others wait for it.
#[derive(Default)]
pub struct Shared(Mutex<HashMap<(TypeId, String), Slot>>);

impl Shared {
    /// What has this name, made when it is not there yet.
    ///
    /// # Errors
    /// Those of `make`; then it is not there.
    pub fn get<T: Send + Sync + 'static>(&self, name: &str, make: impl FnOnce() -> Result<T>) -> Result<Arc<T>> {
        let key = (TypeId::of::<T>(), name.to_string());
        // A poisoned slot is one whose making panicked: it is empty, and is made anew.
        let slot = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).entry(key).or_default().clone();
        let mut slot = slot.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(known) = slot.clone().and_then(|known| known.downcast::<T>().ok()) {
            return Ok(known);
        }
        let made = Arc::new(make()?);
        *slot = Some(made.clone());
        Ok(made)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::Failure;

    #[test]
    fn a_thing_is_made_once_and_again_after_an_error() {
        let shared = Shared::default();
        assert!(shared.get::<u32>("a", || Err(Failure::msg("no"))).is_err());
        let first = shared.get("a", || Ok(1u32)).expect("made");
        assert!(Arc::ptr_eq(&first, &shared.get("a", || Ok(2u32)).expect("known")));
        assert_eq!(*shared.get("b", || Ok(3u32)).expect("made"), 3);
        assert_eq!(*shared.get("a", || Ok("other type")).expect("made"), "other type");
    }
}
