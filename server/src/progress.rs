//! How far a run is, shown while it runs: a bar at a terminal, plain lines in a log, JSON for programs.

use crate::console::{Console, Reader, to_stderr, to_stdout};
use engine::run::{Progress, WorkStage};
use engine::time::Time;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often a person's or a program's view is renewed.
const RENEW: Duration = Duration::from_millis(200);
/// A log gets a line at every such percentage.
const LOG_STEP: f64 = 10.0;
/// Where the length is not known, a log gets a line this often.
const LOG_PAUSE: Duration = Duration::from_secs(10);

/// One look at a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    /// 0 to 100; `None` while the length is not known.
    pub percent: Option<f64>,
    /// Pictures a second so far, by the clock on the wall.
    pub fps: f64,
    /// How long it will still take.
    pub left: Option<Duration>,
    /// How far the programme has come.
    pub reached: Time,
    /// It goes by the clock.
    pub live: bool,
    /// What is being done, in a render of several runs.
    pub work: Option<WorkStage>,
}

/// Where a run was when its first pictures were seen; speed is measured from there.
struct First {
    at: Instant,
    frames: u64,
    reached: Time,
}

impl Look {
    /// What `progress` means now.
    fn new(progress: &Progress, live: bool, first: Option<&First>, percent_before: f64) -> Look {
        let reached = progress.reached();
        let part = progress.expected_end().map(|end| (reached.as_seconds() / end.as_seconds()).clamp(0.0, 1.0));
        let seconds = first.map_or(0.0, |first| first.at.elapsed().as_secs_f64());
        let per_second = |amount: f64| if seconds > 0.0 { amount / seconds } else { 0.0 };
        let fps = first.map_or(0.0, |first| per_second((progress.frames() - first.frames) as f64));
        let speed = first.map_or(0.0, |first| per_second((reached - first.reached).as_seconds()));
        let rest = progress.expected_end().map(|end| (end - reached).as_seconds().max(0.0));
        let left = rest.filter(|_| speed > 0.0).map(|rest| Duration::from_secs_f64((rest / speed).min(1e6)));
        // An estimate of the length that grows must not make the bar go back.
        Look { percent: part.map(|part| (100.0 * part).max(percent_before)), fps, left, reached, live, work: progress.stage() }
    }

    fn stage(&self) -> &'static str {
        match self.percent {
            _ if self.work == Some(WorkStage::Narrating) => "narrating",
            _ if self.work == Some(WorkStage::Assembling) => "finishing",
            _ if self.work.is_some() => "rendering",
            _ if self.reached == Time::ZERO => "preparing",
            Some(percent) if percent >= 100.0 => "finishing",
            _ if self.live => "live",
            _ => "rendering",
        }
    }
}

/// Shows a run until it is dropped.
pub struct Watch {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Shows the `progress` of a run, which may be `live`, to the console's reader from a thread of its own.
    pub fn start(progress: Arc<Progress>, live: bool, console: &Console) -> Watch {
        let (stop, stopped) = channel();
        let view = console.reader().map(View::new);
        let work = move || {
            if let Some(view) = view {
                watch(&progress, live, &stopped, view);
            }
        };
        // A run without a bar is better than none.
        let thread = std::thread::Builder::new().name("progress".into()).spawn(work).ok();
        Watch { stop: Some(stop), thread }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Says what is being done before there is progress to show; until it is dropped.
pub struct Doing(Option<ProgressBar>);

impl Doing {
    /// `what` for programs, `what` and `name` for people.
    pub fn start(what: &str, name: &str, console: &Console) -> Doing {
        console.event(&json!({ "event": "progress", "stage": what, "percent": null, "fps": 0.0, "eta_seconds": null }));
        let bar = (console.reader() == Some(Reader::Terminal)).then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            bar.set_style(ProgressStyle::with_template("{prefix:10} {spinner} {msg}").expect("a template that is right"));
            bar.set_prefix(what.to_string());
            bar.set_message(name.to_string());
            bar.enable_steady_tick(RENEW);
            bar
        });
        Doing(bar)
    }
}

impl Drop for Doing {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

fn watch(progress: &Progress, live: bool, stopped: &Receiver<()>, mut view: View) {
    let mut first = None;
    let mut percent = 0.0;
    while stopped.recv_timeout(RENEW) == Err(RecvTimeoutError::Timeout) {
        let (frames, reached) = (progress.frames(), progress.reached());
        if frames > 0 {
            first.get_or_insert_with(|| First { at: Instant::now(), frames, reached });
        }
        let look = Look::new(progress, live, first.as_ref(), percent);
        percent = look.percent.unwrap_or(percent);
        view.show(&look);
    }
    view.close();
}

enum View {
    Bar(ProgressBar),
    Lines { next: f64, last: Instant },
    Events,
}

impl View {
    fn new(reader: Reader) -> View {
        match reader {
            Reader::Terminal => {
                let bar = ProgressBar::with_draw_target(Some(1000), ProgressDrawTarget::stderr());
                let style = ProgressStyle::with_template("{prefix:10} {bar:32} {msg}").expect("a template that is right");
                bar.set_style(style.progress_chars("━━╌"));
                View::Bar(bar)
            }
            Reader::Log => View::Lines { next: LOG_STEP, last: Instant::now() },
            Reader::Program => View::Events,
        }
    }

    fn show(&mut self, look: &Look) {
        match self {
            View::Bar(bar) => {
                bar.set_prefix(look.stage());
                bar.set_position((10.0 * look.percent.unwrap_or(0.0)) as u64);
                bar.set_message(words(look));
            }
            View::Lines { next, last } => {
                let due = look.percent.map_or(last.elapsed() >= LOG_PAUSE, |percent| percent >= *next);
                if due && look.reached > Time::ZERO {
                    to_stderr(&format!("{} {}\n", look.stage(), words(look)));
                    *next = look.percent.map_or(*next, |percent| (percent / LOG_STEP).floor() * LOG_STEP + LOG_STEP);
                    *last = Instant::now();
                }
            }
            View::Events => {
                let percent = look.percent.map(|percent| (percent * 10.0).round() / 10.0);
                let left = look.left.map(|left| left.as_secs_f64().round());
                let fps = (look.fps * 10.0).round() / 10.0;
                let event = json!({ "event": "progress", "stage": look.stage(), "percent": percent, "fps": fps, "eta_seconds": left });
                to_stdout(&format!("{event}\n"));
            }
        }
    }

    fn close(self) {
        if let View::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

/// `42%  118 fps  0:23 left`.
fn words(look: &Look) -> String {
    let percent = look.percent.map(|percent| format!("{percent:3.0}%"));
    let reached = look.percent.is_none().then(|| clock(look.reached.as_seconds()));
    let fps = (look.fps > 0.0).then(|| format!("{:.0} fps", look.fps));
    let left = look
        .left
        .filter(|_| ["rendering", "live"].contains(&look.stage()))
        .map(|left| format!("{} left", clock(left.as_secs_f64().round())));
    [percent, reached, fps, left].into_iter().flatten().collect::<Vec<_>>().join("  ")
}

/// Seconds as `m:ss` or `h:mm:ss`, with a tenth where there is one: `1:32.4`.
pub fn clock(seconds: f64) -> String {
    let tenths = (seconds.max(0.0) * 10.0).round() as u64;
    let (whole, tenth) = (tenths / 10, tenths % 10);
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    let tail = if tenth > 0 { format!(".{tenth}") } else { String::new() };
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}{tail}") } else { format!("{minutes}:{seconds:02}{tail}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(percent: Option<f64>) -> Look {
        let reached = Time::ZERO + engine::time::Span::from_millis(12_340);
        Look { percent, fps: 118.4, left: Some(Duration::from_secs(23)), reached, live: false, work: None }
    }

    #[test]
    fn a_look_reads_as_one_line() {
        assert_eq!(words(&look(Some(42.3))), " 42%  118 fps  0:23 left");
        assert_eq!(words(&look(None)), "0:12.3  118 fps  0:23 left");
        assert_eq!((look(Some(42.0)).stage(), look(Some(100.0)).stage()), ("rendering", "finishing"));
        assert_eq!(Look { live: true, ..look(None) }.stage(), "live");
    }

    #[test]
    fn clocks_read_like_clocks() {
        for (seconds, text) in [(0.0, "0:00"), (9.96, "0:10"), (92.4, "1:32.4"), (3723.0, "1:02:03"), (-1.0, "0:00")] {
            assert_eq!(clock(seconds), text);
        }
    }
}
