//! Places on the device that models run on: so many of each kind at once, and never more than its memory holds.
//!
//! Who comes first is served first. A place is free again when it is dropped, however the work on it ended.

use super::{Hardware, Profile, gpu_memory};
use crate::config::GuardSettings;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Memory is counted in these, for a semaphore counts no further than 2^29 on small machines.
const MIB: u64 = 1 << 20;

/// What a model does there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// It finds people in pictures.
    Detection,
    /// It cuts them out.
    Matting,
}

impl Need {
    /// All of them.
    pub const ALL: [Need; 2] = [Need::Detection, Need::Matting];

    /// How many are at it at once.
    pub const fn at_once(self) -> usize {
        match self {
            Need::Detection => 2,
            Need::Matting => 1,
        }
    }

    /// Bytes that one takes, at half precision (fp16).
    pub const fn memory(self) -> u64 {
        match self {
            Need::Detection => 2 << 30,
            Need::Matting => 6 << 30,
        }
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Need::Detection => "detection",
            Need::Matting => "matting",
        })
    }
}

/// The device has less memory than one alone would take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{need} takes {} MiB of the device's memory, and {} MiB may be used", need.memory() / MIB, memory / MIB)]
pub struct TooSmall {
    /// What would be done.
    pub need: Need,
    /// Bytes that may be used.
    pub memory: u64,
}

/// A place, until it is dropped.
#[must_use]
#[derive(Debug)]
pub struct Place {
    _one_of: OwnedSemaphorePermit,
    _memory: OwnedSemaphorePermit,
}

/// See the module docs.
pub struct Devices {
    /// Bytes that may be used.
    memory: u64,
    free: Arc<Semaphore>,
    /// One for each of [`Need::ALL`].
    places: [Arc<Semaphore>; Need::ALL.len()],
}

impl Devices {
    /// A device of which so many bytes may be used.
    pub fn of(memory: u64) -> Devices {
        let free = usize::try_from(memory / MIB).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Devices { memory, free: Arc::new(Semaphore::new(free)), places: Need::ALL.map(|need| Arc::new(Semaphore::new(need.at_once()))) }
    }

    /// This machine's: the part of the memory of its graphics processor, or of its own where it has none, that its profile allows.
    pub fn here(hardware: &Hardware, settings: &GuardSettings) -> Devices {
        let profile = Profile::of(settings, hardware);
        let found = || gpu_memory().map_or_else(|| profile.memory_budget(hardware), |memory| profile.part_of(memory));
        Devices::of(settings.device_memory.map_or_else(found, |bytes| bytes.0))
    }

    /// Bytes that may be used.
    pub fn memory(&self) -> u64 {
        self.memory
    }

    /// Waits for a place behind those who came before. Of the memory only a `part`, 0 to 1, is to be used now; what takes more than that gets
    /// its place alone.
    ///
    /// # Errors
    /// There will never be one.
    pub async fn place(&self, need: Need, part: f64) -> Result<Place, TooSmall> {
        if need.memory() > self.memory {
            return Err(TooSmall { need, memory: self.memory });
        }
        // Always in this order, so that nobody waits for somebody who waits for him.
        let one_of = self.places[need as usize].clone().acquire_owned().await.expect("it is never closed");
        let needed = (need.memory() / MIB) as usize;
        let kept_back = (self.memory as f64 * (1.0 - part.clamp(0.0, 1.0))) as u64 / MIB;
        // What is kept back has to be free at the moment, and may be taken by who comes when all may be used again.
        let asked = (needed + kept_back as usize).min((self.memory / MIB) as usize);
        let mut memory = self.free.clone().acquire_many_owned(asked as u32).await.expect("it is never closed");
        drop(memory.split(asked - needed));
        Ok(Place { _one_of: one_of, _memory: memory })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use std::sync::Mutex;
    use tokio::task::JoinSet;

    /// What is on the device, and the most that ever was: of each need, and of bytes.
    #[derive(Default)]
    struct Seen {
        now: [usize; 2],
        most: [usize; 2],
        bytes: u64,
        most_bytes: u64,
        asked: Vec<(usize, Need)>,
        served: Vec<(usize, Need)>,
    }

    impl Seen {
        fn enter(&mut self, job: usize, need: Need) {
            self.now[need as usize] += 1;
            self.bytes += need.memory();
            self.most[need as usize] = self.most[need as usize].max(self.now[need as usize]);
            self.most_bytes = self.most_bytes.max(self.bytes);
            self.served.push((job, need));
        }

        fn leave(&mut self, need: Need) {
            self.now[need as usize] -= 1;
            self.bytes -= need.memory();
        }
    }

    /// Five jobs at once, each of which detects and then cuts out; one breaks off and one is dropped in the middle of it.
    async fn five_jobs(memory: u64) -> Seen {
        let (devices, seen) = (Arc::new(Devices::of(memory)), Arc::new(Mutex::new(Seen::default())));
        let mut jobs = JoinSet::new();
        for job in 0..5 {
            let (devices, seen) = (devices.clone(), seen.clone());
            jobs.spawn(async move {
                for need in Need::ALL {
                    seen.lock().unwrap().asked.push((job, need));
                    let _place = devices.place(need, 1.0).await.unwrap();
                    seen.lock().unwrap().enter(job, need);
                    for _ in 0..3 {
                        tokio::task::yield_now().await;
                    }
                    seen.lock().unwrap().leave(need);
                    assert!(job != 1 || need != Need::Detection, "this one breaks off");
                }
            });
        }
        let mut well = 0;
        while let Some(end) = jobs.join_next().await {
            well += usize::from(end.is_ok());
        }
        assert_eq!(well, 4);
        assert_eq!(devices.free.available_permits() as u64, memory / MIB, "all is free again");
        Arc::into_inner(seen).unwrap().into_inner().unwrap()
    }

    #[tokio::test]
    async fn five_jobs_at_once_never_take_more_than_there_is() {
        let seen = five_jobs(24 << 30).await;
        assert_eq!(seen.most, [2, 1]);
        let of = |need, all: &[(usize, Need)]| all.iter().filter(|(_, other)| *other == need).map(|(job, _)| *job).collect::<Vec<_>>();
        for (need, jobs) in [(Need::Detection, 5), (Need::Matting, 4)] {
            assert_eq!(of(need, &seen.served), of(need, &seen.asked), "first come, first served");
            assert_eq!(of(need, &seen.served).len(), jobs);
        }
        // Both at once do not fit: they take turns.
        let seen = five_jobs(6 << 30).await;
        assert_eq!((seen.most_bytes, seen.served.len()), (6 << 30, 9));
    }

    #[tokio::test]
    async fn who_waits_no_more_is_not_served() {
        let devices = Devices::of(8 << 30);
        let first = devices.place(Need::Matting, 1.0).await.unwrap();
        assert!(devices.place(Need::Matting, 1.0).now_or_never().is_none());
        drop(first);
        assert!(devices.place(Need::Matting, 1.0).now_or_never().is_some());
    }

    #[tokio::test]
    async fn only_a_part_of_the_memory_is_used_on_a_hot_machine() {
        let devices = Devices::of(8 << 30);
        let first = devices.place(Need::Detection, 0.5).await.unwrap();
        let second = devices.place(Need::Detection, 0.5).await.unwrap();
        assert_eq!(devices.free.available_permits() as u64, (4 << 30) / MIB, "what was kept back is not taken");
        drop(first);
        assert!(devices.place(Need::Matting, 0.5).now_or_never().is_none(), "it is too large for a part, and waits until it is alone");
        assert!(devices.place(Need::Matting, 1.0).now_or_never().is_some(), "when the machine is cool again, it is not");
        drop(second);
        assert!(devices.place(Need::Matting, 0.5).now_or_never().is_some());
    }

    #[tokio::test]
    async fn what_never_fits_is_told_at_once() {
        let error = Devices::of(4 << 30).place(Need::Matting, 1.0).await.unwrap_err();
        assert_eq!(error.to_string(), "matting takes 6144 MiB of the device's memory, and 4096 MiB may be used");
    }
}
