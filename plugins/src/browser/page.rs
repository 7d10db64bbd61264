//! One web page, opened in a browser of its own at the size of a picture.
//!
//! The page is laid out as in a window 720 pixels high, whatever the picture's size, and drawn with as many pixels as the picture has: a
//! film looks the same at every size. A still is asked for with little motion (`prefers-reduced-motion`), and shows where the page's
//! animations lead; a recording shows them as they run, by the browser's own times, so they are even however busy the machine is.

use super::chromium::{Chromium, Waited};
use super::error::BrowserError;
use super::proxy::Proxy;
use crate::net::guard::Guard;
use crate::net::{WaitError, wait_for};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use engine::frame::Size;
use engine::run::Cancel;
use engine::time::Rate;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Height of the window in which a page is laid out, in CSS pixels.
const WINDOW: u32 = 720;
/// Bytes that a page may load.
const MAX_BYTES: u64 = 200 << 20;
/// How long a page that goes on asking its server for something is waited for once all else has come.
const SETTLES: Duration = Duration::from_secs(3);
/// How long scripts may go on arranging a page of which a still is made.
const ARRANGES: Duration = Duration::from_secs(1);
/// How long fonts and one picture may take, each; no longer than the page itself.
const ANSWER: Duration = Duration::from_secs(20);

/// What a page draws with a font that is still on its way is not what it shows.
const DRAWN: &str = "document.fonts.ready.then(() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))))";
/// Animations that end are at their end, the others at their beginning.
const AT_REST: &str = "for (const animation of document.getAnimations()) {
    const { endTime } = animation.effect.getComputedTiming();
    if (Number.isFinite(endTime)) animation.finish(); else { animation.pause(); animation.currentTime = 0 }
}";

/// How pages are opened.
#[derive(Clone, Debug)]
pub struct PageSettings {
    /// Chromium or a browser made of it: a path, or a name on `PATH`.
    pub program: PathBuf,
    /// How long a page may take until it is shown.
    pub limit: Duration,
    /// What it may reach.
    pub guard: Guard,
}

impl Default for PageSettings {
    /// The first Chromium on `PATH`, half a minute, the public internet.
    fn default() -> PageSettings {
        let programs = ["chromium", "chromium-browser", "google-chrome"];
        let found =
            |name: &&&str| std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).any(|folder| folder.join(name).is_file());
        let program = programs.iter().find(found).unwrap_or(&programs[0]);
        PageSettings { program: program.into(), limit: Duration::from_secs(30), guard: Guard::default() }
    }
}

/// What a page is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// One picture.
    Still,
    /// A recording.
    Moving,
}

/// See the module docs.
pub struct Page {
    browser: Chromium,
    proxy: Proxy,
    frame: String,
    loader: String,
    complete: bool,
    /// How long an answer is waited for.
    patience: Duration,
}

/// How far the page has come.
#[derive(Default)]
struct Progress {
    /// Something has come from the page that was asked for; before, there is the empty one that a tab begins with.
    began: bool,
    loaded: Option<Instant>,
    painted: bool,
    quiet: bool,
    nearly_quiet: bool,
    /// Of the page itself, by HTTP.
    status: u64,
}

impl Progress {
    /// What there is to see is there.
    fn is_complete(&self) -> bool {
        self.loaded.is_some_and(|loaded| self.quiet || self.nearly_quiet && loaded.elapsed() > SETTLES)
    }
}

impl Page {
    /// Opens a page and waits until it is there: loaded and quiet, or for as long as the settings say. What of it is to be seen then, is
    /// shown; [`Page::notes`] say what was missing.
    ///
    /// # Errors
    /// It may not be asked for, cannot be loaded, or shows nothing in time; the browser is missing or fails.
    pub fn open(url: &str, size: Size, purpose: Purpose, settings: &PageSettings, cancel: &Cancel) -> Result<Page, BrowserError> {
        let url = settings.guard.check_url(url)?;
        // The proxy asks again; this one is for the reader, and costs no browser.
        let (host, port) = (url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default());
        match wait_for(cancel, settings.guard.resolve(host, port)) {
            Err(WaitError::Cancelled) => return Err(BrowserError::Cancelled),
            Err(WaitError::System(error)) => return Err(error.into()),
            Ok(resolved) => drop(resolved?),
        }
        let proxy = Proxy::start(settings.guard.clone(), MAX_BYTES)?;
        let mut browser = Chromium::start(&settings.program, proxy.address(), cancel)?;
        let deadline = Instant::now() + settings.limit;
        let scale = f64::from(size.height) / f64::from(WINDOW);
        let width = (f64::from(size.width) / scale).round();
        browser.call("Browser.setDownloadBehavior", json!({ "behavior": "deny" }), deadline)?;
        let tab = browser.call(
            "Target.createTarget",
            json!({ "url": "about:blank", "newWindow": true, "width": width, "height": WINDOW }),
            deadline,
        )?;
        let session = browser.call("Target.attachToTarget", json!({ "targetId": tab["targetId"], "flatten": true }), deadline)?;
        browser.session = session["sessionId"].as_str().map(str::to_string);
        browser.call("Page.enable", json!({}), deadline)?;
        browser.call("Network.enable", json!({}), deadline)?;
        browser.call("Page.setLifecycleEventsEnabled", json!({ "enabled": true }), deadline)?;
        let metrics = json!({ "width": width, "height": WINDOW, "deviceScaleFactor": scale, "mobile": false });
        browser.call("Emulation.setDeviceMetricsOverride", metrics, deadline)?;
        if purpose == Purpose::Still {
            let little = json!({ "features": [{ "name": "prefers-reduced-motion", "value": "reduce" }] });
            browser.call("Emulation.setEmulatedMedia", little, deadline)?;
        }
        let patience = ANSWER.min(settings.limit);
        let mut page = Page { browser, proxy, frame: String::new(), loader: String::new(), complete: false, patience };
        page.load(url.as_str(), settings.limit, deadline)?;
        page.evaluate(DRAWN)?;
        if purpose == Purpose::Still {
            page.watch(Instant::now() + ARRANGES)?;
            page.evaluate(AT_REST)?;
        }
        Ok(page)
    }

    fn load(&mut self, url: &str, limit: Duration, deadline: Instant) -> Result<(), BrowserError> {
        let answer = match self.browser.call("Page.navigate", json!({ "url": url }), deadline) {
            Err(BrowserError::Silent { .. }) => return Err(BrowserError::TimedOut(limit)),
            answer => answer?,
        };
        if let Some(error) = answer["errorText"].as_str() {
            return Err(self.unreachable(error));
        }
        let named = |name: &str| answer[name].as_str().unwrap_or_default().to_string();
        (self.frame, self.loader) = (named("frameId"), named("loaderId"));
        let mut progress = Progress::default();
        while !progress.is_complete() {
            let look = (Instant::now() + Duration::from_millis(100)).min(deadline);
            match self.browser.event(look)? {
                Waited::For(event) => self.note(&event, &mut progress)?,
                Waited::TimeOver if Instant::now() < deadline => {}
                Waited::TimeOver if progress.painted => break,
                Waited::TimeOver => return Err(BrowserError::TimedOut(limit)),
            }
        }
        if progress.status >= 400 {
            return Err(BrowserError::Page(format!("its server answers with error {}", progress.status)));
        }
        self.complete = progress.is_complete();
        Ok(())
    }

    /// Runs a script of ours in the page. A page that keeps it from running is shown as it is.
    fn evaluate(&mut self, script: &str) -> Result<(), BrowserError> {
        match self.browser.call("Runtime.evaluate", json!({ "expression": script, "awaitPromise": true }), Instant::now() + self.patience) {
            Err(BrowserError::Silent { .. } | BrowserError::Protocol { .. }) => self.complete = false,
            answer => drop(answer?),
        }
        Ok(())
    }

    /// Lets the page go on until then.
    fn watch(&mut self, until: Instant) -> Result<(), BrowserError> {
        while let Waited::For(event) = self.browser.event(until)? {
            self.note(&event, &mut Progress::default())?;
        }
        Ok(())
    }

    fn note(&mut self, event: &Value, progress: &mut Progress) -> Result<(), BrowserError> {
        let of = &event["params"];
        let is_ours = of["frameId"].as_str() == Some(&self.frame);
        let is_now = of["loaderId"].as_str() == Some(&self.loader);
        match event["method"].as_str().unwrap_or_default() {
            // It sends itself on to another page.
            "Page.frameNavigated" if of["frame"]["id"].as_str() == Some(&self.frame) => {
                let loader = of["frame"]["loaderId"].as_str().unwrap_or_default();
                if loader != self.loader && !self.loader.is_empty() && progress.began {
                    self.loader = loader.to_string();
                    *progress = Progress { began: true, status: progress.status, ..Progress::default() };
                }
            }
            "Page.lifecycleEvent" if is_ours && is_now => match of["name"].as_str().unwrap_or_default() {
                "init" => progress.began = true,
                "load" => progress.loaded = Some(Instant::now()),
                "firstPaint" | "firstContentfulPaint" => progress.painted = true,
                "networkIdle" => progress.quiet = true,
                "networkAlmostIdle" => progress.nearly_quiet = true,
                _ => {}
            },
            "Network.responseReceived" if is_ours => {
                progress.status = of["response"]["status"].as_u64().unwrap_or(0);
            }
            "Inspector.targetCrashed" => return Err(BrowserError::Page("it makes the browser crash".into())),
            _ => {}
        }
        Ok(())
    }

    /// Why the page itself did not come: what the proxy refused says more than the browser's code for it.
    fn unreachable(&self, error: &str) -> BrowserError {
        match self.proxy.refused().pop() {
            Some(refused) => BrowserError::Refused(refused),
            None if error == "net::ERR_HTTP_RESPONSE_CODE_FAILURE" => {
                BrowserError::Page("its server answers with an error and no page".into())
            }
            None => BrowserError::Page(format!(
                "it cannot be loaded ({})",
                error.trim_start_matches("net::ERR_").to_lowercase().replace('_', " ")
            )),
        }
    }

    /// What it shows, as PNG.
    ///
    /// # Errors
    /// The page keeps the browser busy, or it is gone.
    pub fn picture(&mut self) -> Result<Vec<u8>, BrowserError> {
        let method = "Page.captureScreenshot";
        let deadline = Instant::now() + self.patience;
        loop {
            match self.browser.call(method, json!({ "format": "png" }), deadline) {
                Ok(answer) => {
                    return png(&answer["data"]).ok_or_else(|| BrowserError::Protocol { method, text: "it gives no picture".into() });
                }
                // Between two pages there is none.
                Err(BrowserError::Protocol { .. }) if Instant::now() < deadline => {
                    self.watch(Instant::now() + Duration::from_millis(100))?
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Records what it shows from now on, in real time: `count` pictures at this rate, as PNG, in order. A picture is what was to be seen
    /// at its time, by the browser's clock; where nothing moved, it is the one before.
    ///
    /// # Errors
    /// The page keeps the browser busy, or it is gone; and what `take` says.
    pub fn record(
        &mut self,
        size: Size,
        rate: Rate,
        count: i64,
        mut take: impl FnMut(&[u8]) -> Result<(), BrowserError>,
    ) -> Result<(), BrowserError> {
        let cast = json!({ "format": "png", "maxWidth": size.width, "maxHeight": size.height, "everyNthFrame": 1 });
        self.browser.call("Page.startScreencast", cast, Instant::now() + self.patience)?;
        let mut deadline = Instant::now() + self.patience;
        let mut shown: Option<(f64, Vec<u8>)> = None;
        let mut taken = 0;
        while taken < count {
            let Waited::For(event) = self.browser.event(deadline)? else { break };
            if event["method"] != "Page.screencastFrame" {
                self.note(&event, &mut Progress::default())?;
                continue;
            }
            let of = &event["params"];
            let (Some(time), Some(picture)) = (of["metadata"]["timestamp"].as_f64(), png(&of["data"])) else { continue };
            match &mut shown {
                None => {
                    deadline = Instant::now() + rate.time_of(count).since_start().to_std();
                    shown = Some((time, picture));
                }
                Some((first, before)) => {
                    while taken < count && rate.time_of(taken).since_start().as_seconds() < time - *first {
                        take(before)?;
                        taken += 1;
                    }
                    *before = picture;
                }
            }
            self.browser.call("Page.screencastFrameAck", json!({ "sessionId": of["sessionId"] }), deadline + self.patience)?;
        }
        let Some((_, last)) = shown else { return Err(BrowserError::Silent { method: "Page.startScreencast" }) };
        (taken..count).try_for_each(|_| take(&last))
    }

    /// Where the browser keeps its things.
    #[cfg(test)]
    pub(super) fn home(&self) -> &std::path::Path {
        self.browser.home()
    }

    /// Any command of the protocol.
    #[cfg(test)]
    pub(super) fn call(&mut self, method: &'static str, parameters: Value) -> Result<Value, BrowserError> {
        self.browser.call(method, parameters, Instant::now() + self.patience)
    }

    /// What of the page is not in the picture.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if !self.complete {
            notes.push("it had not finished loading in time and is shown as far as it was".to_string());
        }
        if self.proxy.is_spent() {
            notes.push(format!("it loads more than {} MiB, and the rest was left out", MAX_BYTES >> 20));
        }
        if let Some(refused) = self.proxy.refused().first() {
            notes.push(format!("something on it was not loaded: {refused}"));
        }
        notes
    }
}

fn png(data: &Value) -> Option<Vec<u8>> {
    BASE64_STANDARD.decode(data.as_str()?).ok().filter(|bytes| !bytes.is_empty())
}
