//! Whether the machine can take more work: when its processor, memory or temperature is past a limit, work rests for a while and then goes
//! on, with less to do.
//!
//! ```text
//! let guard = Guard::start(Rules::of(&settings.guard, &Hardware::find()), sensors());
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

/// How much work a film is given, by the names of other systems. Read by any name of a quality, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case", try_from = "String")]
pub enum Preset {
    /// The least of everything.
    FastLowMemory,
    /// Small pictures and little at once, so that the processor has little to do.
    CpuOptimized,
    /// Small pictures, soon.
    Fast,
    /// As without a preset.
    Balanced,
    /// The finest.
    HighQuality,
}

/// There is no such preset.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no preset {0:?}; write fast_low_memory, cpu_optimized, fast, balanced (or standard), high_quality (or high)")]
pub struct NoPreset(String);

impl TryFrom<String> for Preset {
    type Error = NoPreset;

    fn try_from(name: String) -> Result<Preset, NoPreset> {
        match Quality::named(&name) {
            Some(Quality::Minimal) => Ok(Preset::FastLowMemory),
            Some(Quality::Fast) if name == "cpu_optimized" => Ok(Preset::CpuOptimized),
            Some(Quality::Fast) => Ok(Preset::Fast),
            Some(Quality::Standard) => Ok(Preset::Balanced),
            Some(Quality::High) => Ok(Preset::HighQuality),
            None => Err(NoPreset(name)),
        }
    }
}

impl Preset {
    /// The quality that it stands for.
    pub fn quality(self) -> Quality {
        match self {
            Preset::FastLowMemory => Quality::Minimal,
            Preset::CpuOptimized | Preset::Fast => Quality::Fast,
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
    /// What a reading may reach; past it, work rests.
    pub limits: Reading,
    /// Past these, what goes on after a rest takes less; a machine that is too hot always does so.
    pub less: Reading,
    /// How long work rests then, and how long it goes on before it may have to rest again.
    pub pause: Duration,
    /// What the machine is taken for.
    pub profile: Profile,
    /// Its owner has said so, and means the size of films, too.
    pub named: bool,
}

impl Rules {
    /// Those of the settings, on this machine.
    pub fn of(settings: &GuardSettings, hardware: &Hardware) -> Rules {
        let reading = |cpu: u8, memory: u8| Reading {
            cpu: f64::from(cpu) / 100.0,
            memory: f64::from(memory) / 100.0,
            temperature: Some(f64::from(settings.temperature)),
        };
        Rules {
            enabled: settings.enabled,
            limits: reading(settings.cpu, settings.memory),
            less: reading(settings.less_cpu, settings.less_memory),
            pause: settings.pause.0.to_std(),
            profile: Profile::of(settings, hardware),
            named: settings.profile.is_some(),
        }
    }

    /// What is past its limit.
    fn over(&self, now: &Reading) -> Option<String> {
        let percent = |part: f64| (part * 100.0).round();
        if now.memory > self.limits.memory {
            return Some(format!("{} % of the memory is used; {} % are allowed", percent(now.memory), percent(self.limits.memory)));
        }
        if self.is_hot(now) {
            let degrees = |reading: &Reading| reading.temperature.unwrap_or_default().round();
            return Some(format!("the machine is {} degrees C hot; {} are allowed", degrees(now), degrees(&self.limits)));
        }
        let text = || format!("{} % of the processor is used; {} % are allowed", percent(now.cpu), percent(self.limits.cpu));
        (now.cpu > self.limits.cpu).then(text)
    }

    /// The preset that helps where work has to take less.
    fn eased(&self, now: &Reading) -> Option<Preset> {
        if now.memory > self.less.memory {
            return Some(Preset::FastLowMemory);
        }
        (self.is_hot(now) || now.cpu > self.less.cpu).then_some(Preset::CpuOptimized)
    }

    fn is_hot(&self, now: &Reading) -> bool {
        now.temperature.zip(self.limits.temperature).is_some_and(|(now, limit)| now > limit)
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
    /// Why it rests or has rested, and since when.
    rest: Option<(String, Instant)>,
}

impl Standing {
    fn take(&mut self, rules: &Rules, reading: Reading, now: Instant) {
        self.reading = reading;
        // After a rest as much time is for work, or nothing would ever be finished.
        if self.rest.as_ref().is_some_and(|(_, since)| now < *since + rules.pause * 2) {
            return;
        }
        self.rest = rules.over(&reading).map(|because| (because, now));
    }

    fn verdict(&self, rules: &Rules, now: Instant) -> Verdict {
        match &self.rest {
            Some((because, since)) if now < *since + rules.pause => {
                Verdict::Rest { because: because.clone(), left: *since + rules.pause - now }
            }
            _ => Verdict::Go(rules.eased(&self.reading)),
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

    /// What may be taken of the machine now: less while it is too hot.
    pub fn profile(&self) -> Profile {
        let profile = self.rules.profile;
        if self.rules.is_hot(&self.reading()) { profile.throttled() } else { profile }
    }

    /// The largest pictures that films may have now: width and height, of upright ones height and width. `None`: nobody has said it, and the
    /// machine is not too hot.
    pub fn largest(&self) -> Option<(u32, u32)> {
        (self.rules.named || self.rules.is_hot(&self.reading())).then(|| self.profile().largest)
    }

    /// The part of the device's memory that may be used now, 0 to 1: all of it unless the machine is too hot.
    pub fn part_of_device(&self) -> f64 {
        self.profile().memory_fraction / self.rules.profile.memory_fraction
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
        let settings = GuardSettings { profile: Some(ProfileName::Large), ..GuardSettings::default() };
        Rules::of(&settings, &Hardware { cores: 1, memory: 1 << 30, accelerators: Vec::new() })
    }

    const CALM: Reading = Reading { cpu: 0.5, memory: 0.5, temperature: Some(60.0) };

    #[test]
    fn each_limit_has_its_reason_and_its_cure() {
        assert_eq!(rules().over(&CALM), None);
        assert_eq!(rules().over(&Reading { cpu: 0.85, memory: 0.80, temperature: Some(85.0) }), None, "the limits themselves are allowed");
        let (less, least) = (Some(Preset::CpuOptimized), Some(Preset::FastLowMemory));
        for (reading, because, preset) in [
            (Reading { cpu: 0.9, ..CALM }, "90 % of the processor is used; 85 % are allowed", None),
            (Reading { cpu: 0.91, ..CALM }, "91 % of the processor is used; 85 % are allowed", less),
            (Reading { memory: 0.81, ..CALM }, "81 % of the memory is used; 80 % are allowed", None),
            (Reading { memory: 0.85, ..CALM }, "85 % of the memory is used; 80 % are allowed", None),
            (Reading { memory: 0.86, ..CALM }, "86 % of the memory is used; 80 % are allowed", least),
            (Reading { temperature: Some(91.0), ..CALM }, "the machine is 91 degrees C hot; 85 are allowed", less),
            (Reading { cpu: 1.0, memory: 1.0, temperature: None }, "100 % of the memory is used; 80 % are allowed", least),
        ] {
            assert_eq!((rules().over(&reading).as_deref(), rules().eased(&reading)), (Some(because), preset));
        }
    }

    #[test]
    fn a_hot_machine_makes_fast_films_of_720p_with_half_of_the_memory() {
        let guard = |temperature| {
            let standing = Standing { reading: Reading { temperature, ..CALM }, rest: None };
            Guard { rules: rules(), standing: Arc::new(Mutex::new(standing)), stop: None, looking: None }
        };
        let (hot, cool, unknown) = (guard(Some(86.0)), guard(Some(85.0)), guard(None));
        let Verdict::Go(Some(preset)) = hot.look() else { panic!("it takes less") };
        assert_eq!((preset.quality(), preset.segments_at_once()), (Quality::Fast, Some(1)));
        assert_eq!((hot.largest(), hot.profile().memory_fraction), (Some((1280, 720)), 0.5));
        assert!((hot.part_of_device() - 0.5 / 0.7).abs() < 1e-9);
        for guard in [cool, unknown] {
            assert_eq!((guard.look(), guard.profile(), guard.part_of_device()), (Verdict::Go(None), rules().profile, 1.0));
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
        assert_eq!((Preset::Fast.quality(), Preset::Fast.segments_at_once()), (Quality::Fast, None));
    }

    #[test]
    fn presets_are_read_as_they_are_written_and_by_names_of_other_systems() {
        let read = |name: &str| serde_json::from_value::<Preset>(name.into());
        for preset in [Preset::FastLowMemory, Preset::CpuOptimized, Preset::Fast, Preset::Balanced, Preset::HighQuality] {
            assert_eq!(serde_json::from_str::<Preset>(&serde_json::to_string(&preset).unwrap()).unwrap(), preset);
        }
        for (names, preset) in [
            (["minimal", "fast_low_memory"], Preset::FastLowMemory),
            (["fast", "speed"], Preset::Fast),
            (["standard", "balanced"], Preset::Balanced),
            (["high", "quality"], Preset::HighQuality),
        ] {
            assert!(names.iter().all(|name| read(name).unwrap() == preset), "{names:?}");
        }
        assert!(read("best").unwrap_err().to_string().contains("there is no preset \"best\"; write fast_low_memory"));
    }

    #[test]
    fn this_machine_has_a_load_and_a_memory() {
        let reading = sensors()();
        assert!((0.0..=1.0).contains(&reading.cpu) && (0.0..1.0).contains(&reading.memory) && reading.memory > 0.0, "{reading:?}");
    }
}
