//! `lectern jobs`: what a server has to do, through its API.

use crate::auth::{Auth, Claims, Denied, Role};
use crate::config::Flags;
use crate::console::Console;
use crate::failure::Failure;
use crate::ledger::faults_of;
use crate::progress::clock;
use crate::state;
use clap::{Args, Subcommand};
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;

const EXAMPLES: &str = "\
Examples:
  lectern jobs list --state processing,failed
  lectern jobs show 2c1f6f0e-51b5-4a77-8f60-1f3f2b9d7c11
  lectern jobs report 2c1f6f0e-51b5-4a77-8f60-1f3f2b9d7c11     what it took, and what to change
  lectern jobs retry 2c1f6f0e-51b5-4a77-8f60-1f3f2b9d7c11 --stage render
  lectern jobs backup /backup/ledger.db          while the server works
  lectern jobs check /backup/ledger.db           is everything in it consistent?

The server is LECTERN_SERVER or http://127.0.0.1:8080. The token is LECTERN_TOKEN; without it one is made with the secret that `lectern
token` uses, which a server of the same user knows.";

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// List, show, cancel and retry the jobs of a server.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Options {
    /// The server. [default: LECTERN_SERVER, else http://127.0.0.1:8080]
    #[arg(long, value_name = "URL", global = true)]
    server: Option<String>,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List jobs, the newest first.
    List {
        /// Only those in these states: pending, processing, completed, failed, cancelled.
        #[arg(long, value_name = "STATES")]
        state: Option<String>,
        /// Only those with this text in title, kind, id or request.
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
        /// At most so many.
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: u32,
    },
    /// Show a job with its stages.
    Show {
        /// Its id.
        #[arg(value_name = "JOB")]
        id: String,
    },
    /// Say what a job took, stage by stage, where most of it went, and what to change.
    Report {
        /// Its id.
        #[arg(value_name = "JOB")]
        id: String,
    },
    /// Stop a job; what was made of it is removed.
    Cancel {
        /// Its id.
        #[arg(value_name = "JOB")]
        id: String,
    },
    /// Try a job again that failed or was cancelled.
    Retry {
        /// Its id.
        #[arg(value_name = "JOB")]
        id: String,
        /// From this stage on. [default: the first that is not done]
        #[arg(long, value_name = "NAME")]
        stage: Option<String>,
    },
    /// Copy the server's ledger to a new file on the server's machine, while it works.
    Backup {
        /// The new file's name, in the folder `backups` of the data folder.
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Look whether a ledger or a backup of one is consistent. Reads the file itself and asks no server.
    Check {
        /// The file.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

/// Asks the server.
pub fn run(options: &Options, console: &Console) -> Result<(), Failure> {
    if let Action::Check { file } = &options.action {
        let faults = faults_of(file).map_err(|error| Failure::Invalid(format!("{}: {error}", file.display())))?;
        return report(&faults, console);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::Failed(format!("cannot ask a server: {error}")))?;
    runtime.block_on(ask(options, console))
}

fn report(faults: &[String], console: &Console) -> Result<(), Failure> {
    match console.json() {
        true => console.answer_json(&json!({ "consistent": faults.is_empty(), "faults": faults })),
        false if faults.is_empty() => console.say("the ledger is consistent"),
        false => faults.iter().for_each(|fault| console.answer(&format!("{fault}\n"))),
    }
    if faults.is_empty() { Ok(()) } else { Err(Failure::Told) }
}

async fn ask(options: &Options, console: &Console) -> Result<(), Failure> {
    let server = Server::find(options.server.clone())?;
    match &options.action {
        Action::List { state, search, limit } => {
            let mut query = vec![("limit", limit.to_string())];
            query.extend(state.iter().map(|state| ("state", state.clone())));
            query.extend(search.iter().map(|text| ("q", text.clone())));
            let page = server.ask(Method::GET, "jobs", &query, None).await?;
            match console.json() {
                true => console.answer_json(&page),
                false => list(&page, console),
            }
        }
        Action::Show { id } => show(&server.ask(Method::GET, &format!("jobs/{id}"), &[], None).await?, console),
        Action::Report { id } => {
            let report = server.ask(Method::GET, &format!("jobs/{id}/report"), &[], None).await?;
            match console.json() {
                true => console.answer_json(&report),
                false => took(&report, console),
            }
        }
        Action::Cancel { id } => show(&server.ask(Method::POST, &format!("jobs/{id}/cancel"), &[], None).await?, console),
        Action::Retry { id, stage } => {
            let body = stage.as_ref().map_or_else(|| json!({}), |stage| json!({ "stage": stage }));
            show(&server.ask(Method::POST, &format!("jobs/{id}/retry"), &[], Some(body)).await?, console);
        }
        Action::Backup { name } => {
            let made = server.ask(Method::POST, "backups", &[], Some(json!({ "name": name }))).await?;
            match console.json() {
                true => console.answer_json(&made),
                false => console.say(&format!("backed up to backups/{name} in the server's data folder")),
            }
        }
        Action::Check { .. } => unreachable!("it asks no server"),
    }
    Ok(())
}

/// A server, and a token for it.
struct Server {
    url: String,
    token: String,
    client: Client,
}

impl Server {
    fn find(given: Option<String>) -> Result<Server, Failure> {
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let url = given.or_else(|| set("LECTERN_SERVER")).unwrap_or_else(|| "http://127.0.0.1:8080".into());
        let token = match set("LECTERN_TOKEN") {
            Some(token) => token,
            None => {
                let kept = state::folder();
                let auth = Auth::new(
                    Flags::default().load()?.settings.keys(&kept).map_err(|error| Failure::Invalid(error.to_string()))?,
                    Denied::open(&kept),
                );
                let claims = Claims::new(Role::Operator, None, "jobs-command", Duration::from_secs(60));
                auth.mint(&claims).map_err(|error| Failure::Failed(error.to_string()))?
            }
        };
        let client = Client::builder().timeout(PATIENCE).build().map_err(|error| Failure::Failed(error.to_string()))?;
        Ok(Server { url: url.trim_end_matches('/').to_string(), token, client })
    }

    async fn ask(&self, method: Method, path: &str, query: &[(&str, String)], body: Option<Value>) -> Result<Value, Failure> {
        let unreachable = |error: reqwest::Error| {
            let hint = "start one with `lectern serve`, or name one with --server";
            Failure::Failed(format!("the server {} cannot be reached: {}; {hint}", self.url, cause(&error)))
        };
        let mut url = reqwest::Url::parse(&format!("{}/v1/{path}", self.url))
            .map_err(|error| Failure::Invalid(format!("--server {:?} is no address: {error}; write http://HOST:PORT", self.url)))?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let mut request = self.client.request(method, url).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        answer(request.send().await.map_err(unreachable)?).await.map_err(unreachable)?
    }
}

/// What a server says, or its reason why not.
async fn answer(response: Response) -> reqwest::Result<Result<Value, Failure>> {
    let status = response.status();
    let said: Value = serde_json::from_slice(&response.bytes().await?).unwrap_or_default();
    if status.is_success() {
        return Ok(Ok(said));
    }
    let text = |name: &str| said[name].as_str().filter(|text| !text.is_empty());
    let detail = text("detail").map_or_else(|| status.to_string(), String::from);
    Ok(Err(Failure::Failed(text("cure").map_or(detail.clone(), |cure| format!("{detail}; {cure}")))))
}

/// The innermost cause, which says something.
pub fn cause(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), cause)
}

fn list(page: &Value, console: &Console) {
    for job in page["jobs"].as_array().into_iter().flatten() {
        let text = |name: &str| job[name].as_str().unwrap_or_default().to_string();
        let percent = job["percent"].as_f64().unwrap_or(0.0);
        let (id, state, created, title) = (text("id"), text("state"), text("created_at"), text("title"));
        let created = created.split('.').next().unwrap_or_default().replace('T', " ");
        console.answer(&format!("{id}  {state:<10}  {percent:>5.1}%  {created:<19}  {title}\n"));
    }
    let (total, shown) = (page["total"].as_u64().unwrap_or(0), page["jobs"].as_array().map_or(0, Vec::len) as u64);
    if shown < total {
        console.note(&format!("{shown} of {total}; --limit shows more"));
    }
}

fn took(report: &Value, console: &Console) {
    let number = |value: &Value, unit: &str| value.as_f64().map_or_else(|| "-".into(), |number| format!("{number:.1}{unit}"));
    let percent = |rate: &Value| rate.as_f64().map_or_else(|| "-".into(), |rate| format!("{:.0} %", 100.0 * rate));
    let (state, total) = (report["state"].as_str().unwrap_or_default(), number(&report["total_seconds"], " s"));
    console.answer(&format!("{state} after {total}, of which {} before it began\n", number(&report["waited_seconds"], " s")));
    console.answer(&format!(
        "  {:<24} {:>8} {:>6} {:>9} {:>9} {:>8} {:>6}\n",
        "stage", "time", "share", "processor", "memory", "usually", "good"
    ));
    for stage in report["stages"].as_array().into_iter().flatten() {
        let memory = stage["peak_memory_bytes"].as_f64().map_or_else(|| "-".into(), |bytes| format!("{:.0} MB", bytes / 1e6));
        console.answer(&format!(
            "  {:<24} {:>8} {:>6} {:>9} {memory:>9} {:>8} {:>6}\n",
            stage["name"].as_str().unwrap_or_default(),
            number(&stage["seconds"], " s"),
            percent(&stage["share"]),
            number(&stage["cpu_seconds"], " s"),
            number(&stage["usual_seconds"], " s"),
            percent(&stage["success_rate"])
        ));
    }
    console.answer(&format!("{} of the last {} such jobs came to a good end\n", percent(&report["success_rate"]), report["jobs_counted"]));
    for text in report["recommendations"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        console.answer(&format!("advice: {text}\n"));
    }
}

fn show(job: &Value, console: &Console) {
    if console.json() {
        return console.answer_json(job);
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
    let left = job["eta_seconds"].as_f64().map_or_else(String::new, |left| format!(", about {} left", clock(left)));
    let percent = job["percent"].as_f64().unwrap_or(0.0);
    console.answer(&format!("{}  {}\n{}, {percent:.1}%{left}\n", text(&job["id"]), text(&job["title"]), text(&job["state"])));
    for stage in job["stages"].as_array().into_iter().flatten() {
        let note = stage["note"].as_str().map_or_else(String::new, |note| format!("  {note}"));
        let part = 100.0 * stage["progress"].as_f64().unwrap_or(0.0);
        let (name, state) = (text(&stage["name"]), text(&stage["state"]));
        console.answer(&format!("  {name:<16} {state:<10} {part:>4.0}%  attempt {}{note}\n", stage["attempt"]));
    }
    if let Some(detail) = job["error"]["detail"].as_str() {
        let cure = job["error"]["cure"].as_str().filter(|cure| !cure.is_empty());
        console.answer(&format!("error: {detail}{}\n", cure.map_or_else(String::new, |cure| format!("; {cure}"))));
    }
}
