//! Whether the machine can take more work: when its processor, memory or temperature is past a limit, work rests for a while and then goes
//! on, with less to do.
//!
//! ```text
//! let guard = Guard::start(Rules::of(&settings.guard), sensors());
//! match guard.look() {                                   // before each stage; it takes no time
//!     Verdict::Go(preset) => render(preset.or(job.preset)),
//!     Verdict::Rest { because, left } => …,              // say so in the job, and look again
//! }
//! ```
//! What gives way to others (niced renders, the idle class) does not count as load: it has the rest of the machine and no more.

mod devices;
mod hardware;

pub use devices::{Devices, Need, Place, TooSmall};
pub use hardware::{Hardware, Profile, ProfileName, gpu_memory, gpu_percent, memory};

use crate::config::GuardSettings;
use crate::live::Load;
use crate::quality::Quality;
use serde::{Deserialize, Serialize};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often the machine is looked at.
const EVERY: Duration = Duration::from_secs(2);

/// How much work a film is given, by the names of other systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// The least of everything.
    FastLowMemory,
    /// Small pictures, so that the processor has little to do.
    CpuOptimized,
    /// As without a preset.
    Balanced,
    /// The finest.
    HighQuality,
}

impl Preset {
    /// The quality that it stands for.
    pub fn quality(self) -> Quality {
        match self {
            Preset::FastLowMemory => Quality::Minimal,
            Preset::CpuOptimized => Quality::Fast,
            Preset::Balanced => Quality::Standard,
            Preset::HighQuality => Quality::High,
        }
    }

    /// Segments that may be made at once; `None`: as many as fit.
    pub fn segments_at_once(self) -> Option<usize> {
        matches!(self, Preset::FastLowMemory | Preset::CpuOptimized).then_some(1)
    }
}

/// How the machine is now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Reading {
    /// The busy part of all cores, 0 to 1, without what gives way.
    pub cpu: f64,
    /// The used part of the memory, 0 to 1.
    pub memory: f64,
    /// Degrees Celsius of the hottest part, where the system tells.
    pub temperature: Option<f64>,
}

/// How much is too much.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    /// Is it looked at?
    pub enabled: bool,
    /// What a reading may reach.
    pub limits: Reading,
    /// How long work rests then, and how long it goes on before it may have to rest again.
    pub pause: Duration,
}

impl Rules {
    /// Those of the settings.
    pub fn of(settings: &GuardSettings) -> Rules {
        let limits = Reading {
            cpu: f64::from(settings.cpu) / 100.0,
            memory: f64::from(settings.memory) / 100.0,
            temperature: Some(f64::from(settings.temperature)),
        };
        Rules { enabled: settings.enabled, limits, pause: settings.pause.0.to_std() }
    }

    /// What is past its limit, and the preset that helps.
    fn over(&self, now: &Reading) -> Option<(String, Preset)> {
        let percent = |part: f64| (part * 100.0).round();
        if now.memory > self.limits.memory {
            let text = format!("{} % of the memory is used; {} % are allowed", percent(now.memory), percent(self.limits.memory));
            return Some((text, Preset::FastLowMemory));
        }
        if let (Some(now), Some(limit)) = (now.temperature, self.limits.temperature)
            && now > limit
        {
            return Some((format!("the machine is {now:.0} degrees C hot; {limit:.0} are allowed"), Preset::FastLowMemory));
        }
        let text = || format!("{} % of the processor is used; {} % are allowed", percent(now.cpu), percent(self.limits.cpu));
        (now.cpu > self.limits.cpu).then(|| (text(), Preset::CpuOptimized))
    }
}

/// May work begin?
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Yes; with this preset where there is too much to do and the job does not ask for another.
    Go(Option<Preset>),
    /// Not now.
    Rest {
        /// What is past its limit.
        because: String,
        /// How long it rests still.
        left: Duration,
    },
}

/// What has been seen so far.
#[derive(Default)]
struct Standing {
    reading: Reading,
    over: Option<(String, Preset)>,
    /// Why it rests or has rested, and since when.
    rest: Option<(String, Instant)>,
}

impl Standing {
    fn take(&mut self, rules: &Rules, reading: Reading, now: Instant) {
        self.reading = reading;
        self.over = rules.over(&reading);
        // After a rest as much time is for work, or nothing would ever be finished.
        if self.rest.as_ref().is_some_and(|(_, since)| now < *since + rules.pause * 2) {
            return;
        }
        self.rest = self.over.as_ref().map(|(because, _)| (because.clone(), now));
    }

    fn verdict(&self, rules: &Rules, now: Instant) -> Verdict {
        match &self.rest {
            Some((because, since)) if now < *since + rules.pause => {
                Verdict::Rest { because: because.clone(), left: *since + rules.pause - now }
            }
            _ => Verdict::Go(self.over.as_ref().map(|(_, preset)| *preset)),
        }
    }
}

/// Looks at the machine every two seconds until it is dropped.
pub struct Guard {
    rules: Rules,
    standing: Arc<Mutex<Standing>>,
    stop: Option<mpsc::Sender<()>>,
    looking: Option<JoinHandle<()>>,
}

impl Guard {
    /// Begins to look.
    ///
    /// # Errors
    /// No thread can be had.
    pub fn start(rules: Rules, mut sensors: impl FnMut() -> Reading + Send + 'static) -> std::io::Result<Guard> {
        let standing = Arc::new(Mutex::new(Standing::default()));
        if !rules.enabled {
            return Ok(Guard { rules, standing, stop: None, looking: None });
        }
        let (stop, stopped) = mpsc::channel::<()>();
        let seen = standing.clone();
        let work = move || {
            loop {
                let reading = sensors();
                lock(&seen).take(&rules, reading, Instant::now());
                if stopped.recv_timeout(EVERY) != Err(RecvTimeoutError::Timeout) {
                    return;
                }
            }
        };
        let looking = std::thread::Builder::new().name("guard".into()).spawn(work)?;
        Ok(Guard { rules, standing, stop: Some(stop), looking: Some(looking) })
    }

    /// May work begin now?
    pub fn look(&self) -> Verdict {
        lock(&self.standing).verdict(&self.rules, Instant::now())
    }

    /// How the machine was at the last look.
    pub fn reading(&self) -> Reading {
        lock(&self.standing).reading
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(looking) = self.looking.take() {
            let _ = looking.join();
        }
    }
}

fn lock(standing: &Mutex<Standing>) -> MutexGuard<'_, Standing> {
    standing.lock().unwrap_or_else(PoisonError::into_inner)
}

/// This machine's own. The processor is averaged over the last five looks.
pub fn sensors() -> impl FnMut() -> Reading + Send + 'static {
    let load = Load::new();
    move || {
        load.measure();
        let (used, total) = hardware::memory();
        Reading { cpu: load.busy(), memory: used as f64 / total.max(1) as f64, temperature: hardware::temperature() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> Rules {
        Rules::of(&GuardSettings::default())
    }

    const CALM: Reading = Reading { cpu: 0.5, memory: 0.5, temperature: Some(60.0) };

    #[test]
    fn each_limit_has_its_reason_and_its_cure() {
        assert_eq!(rules().over(&CALM), None);
        assert_eq!(rules().over(&Reading { cpu: 0.85, memory: 0.80, temperature: Some(85.0) }), None, "the limits themselves are allowed");
        for (reading, because, preset) in [
            (Reading { cpu: 0.9, ..CALM }, "90 % of the processor is used; 85 % are allowed", Preset::CpuOptimized),
            (Reading { memory: 0.81, ..CALM }, "81 % of the memory is used; 80 % are allowed", Preset::FastLowMemory),
            (Reading { temperature: Some(91.0), ..CALM }, "the machine is 91 degrees C hot; 85 are allowed", Preset::FastLowMemory),
            (Reading { cpu: 1.0, memory: 1.0, temperature: None }, "100 % of the memory is used; 80 % are allowed", Preset::FastLowMemory),
        ] {
            assert_eq!(rules().over(&reading), Some((because.into(), preset)));
        }
    }

    #[test]
    fn work_rests_a_minute_and_then_goes_on_with_less_to_do() {
        let (rules, start, mut standing) = (rules(), Instant::now(), Standing::default());
        let busy = Reading { cpu: 0.95, ..CALM };
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        assert_eq!(standing.verdict(&rules, at(0)), Verdict::Go(None));
        standing.take(&rules, busy, at(0));
        let Verdict::Rest { left, because } = standing.verdict(&rules, at(10)) else { panic!("it rests") };
        assert_eq!((left, because.contains("processor")), (Duration::from_secs(50), true));
        // Calm for a moment does not end the rest, nor does more load make it longer.
        standing.take(&rules, CALM, at(20));
        standing.take(&rules, busy, at(40));
        assert!(matches!(standing.verdict(&rules, at(59)), Verdict::Rest { .. }));
        assert_eq!(standing.verdict(&rules, at(60)), Verdict::Go(Some(Preset::CpuOptimized)));
        standing.take(&rules, busy, at(100));
        assert_eq!(standing.verdict(&rules, at(119)), Verdict::Go(Some(Preset::CpuOptimized)), "there is a time for work");
        standing.take(&rules, busy, at(120));
        assert!(matches!(standing.verdict(&rules, at(121)), Verdict::Rest { .. }));
        standing.take(&rules, CALM, at(181));
        assert_eq!(standing.verdict(&rules, at(181)), Verdict::Go(None));
        standing.take(&rules, CALM, at(240));
        standing.take(&rules, busy, at(241));
        assert!(matches!(standing.verdict(&rules, at(242)), Verdict::Rest { .. }));
    }

    #[test]
    fn it_looks_until_it_is_dropped() {
        let (tell, told) = mpsc::channel();
        let guard = Guard::start(rules(), move || {
            tell.send(()).unwrap();
            Reading { memory: 0.99, ..CALM }
        });
        told.recv_timeout(Duration::from_secs(10)).unwrap();
        let guard = guard.unwrap();
        // The first reading has been taken when it is there.
        while guard.reading() == Reading::default() {
            std::thread::yield_now();
        }
        assert!(matches!(guard.look(), Verdict::Rest { .. }));
        drop(guard);
        assert!(told.recv().is_err(), "nobody looks any more");
        let off = Guard::start(Rules { enabled: false, ..rules() }, || panic!("nobody looks")).unwrap();
        assert_eq!(off.look(), Verdict::Go(None));
    }

    #[test]
    fn presets_stand_for_qualities() {
        assert_eq!(serde_json::to_string(&Preset::FastLowMemory).unwrap(), "\"fast_low_memory\"");
        assert_eq!((Preset::CpuOptimized.quality(), Preset::CpuOptimized.segments_at_once()), (Quality::Fast, Some(1)));
        assert_eq!((Preset::Balanced.quality(), Preset::Balanced.segments_at_once()), (Quality::Standard, None));
    }

    #[test]
    fn this_machine_has_a_load_and_a_memory() {
        let reading = sensors()();
        assert!((0.0..=1.0).contains(&reading.cpu) && (0.0..1.0).contains(&reading.memory) && reading.memory > 0.0, "{reading:?}");
    }
}
