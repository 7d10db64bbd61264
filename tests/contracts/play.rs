//! Plays flows against a server, step by step, as a client would do it.

mod http;
mod multipart;
mod socket;
mod stream;
mod tests;

use super::fixtures::Fixtures;
use super::flow::{Contract, Does, Flow, Mint, Origin, Step, Variables};
use super::shape::Matcher;
use http::{Answer, Misfit};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::Url;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::task::JoinHandle;

/// No single request may take longer: the longest there is waits until a film is made.
const LONGEST: Duration = Duration::from_secs(900);

/// Where flows are played.
pub struct Place {
    /// Origin and base path.
    base: String,
    client: reqwest::Client,
    /// What is sent.
    pub fixtures: Fixtures,
    matcher: Matcher,
}

impl Place {
    /// A server at `origin`, such as `http://127.0.0.1:PORT`; `secrets` are those with which it signs tokens.
    pub fn new(origin: &str, contract: &Contract, secrets: Vec<String>) -> Place {
        let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).timeout(LONGEST);
        Place {
            base: format!("{origin}{}", contract.settings.base_path),
            client: client.build().expect("a client"),
            fixtures: Fixtures::of(contract),
            matcher: contract.matcher(secrets),
        }
    }

    /// The address of a path of the server, or a whole address as it is.
    fn url(&self, path: &str) -> Result<Url, String> {
        let whole = if path.contains("://") { path.to_string() } else { format!("{}{path}", self.base) };
        if !path.contains("://") && !path.starts_with('/') {
            return Err(format!("{path:?} is neither a path nor an address"));
        }
        Url::parse(&whole).map_err(|error| format!("{whole}: {error}"))
    }
}

/// How a flow went.
#[derive(Debug)]
pub enum Outcome {
    /// With the variables that there were at its end.
    Passed(Variables),
    Failed(Failure),
}

/// What stopped a flow.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The title of the step.
    pub step: String,
    pub reason: String,
    /// Of what was promised there.
    pub origin: Origin,
    pub note: Option<String>,
}

/// A run: flows of one contract against one server. Each is played once.
pub struct Player<'a> {
    contract: &'a Contract,
    place: Place,
    given: Variables,
    played: BTreeMap<String, Outcome>,
}

impl<'a> Player<'a> {
    /// With the variables that the contract asks its runner for; its own are made of them.
    pub fn new(contract: &'a Contract, place: Place, provided: &Variables) -> Player<'a> {
        let missing = contract.settings.provides.iter().find(|name| !provided.has(name));
        assert!(missing.is_none(), "the runner does not provide {missing:?}");
        let mut given = provided.clone();
        for (name, template) in &contract.settings.vars {
            given.set(name, provided.fill(template).unwrap_or_else(|error| panic!("settings.vars.{name}: {error}")));
        }
        Player { contract, place, given, played: BTreeMap::new() }
    }

    /// Plays a flow and what comes before it.
    pub async fn play(&mut self, flow: &'a Flow) -> &Outcome {
        let before = self.contract.before(flow).expect("checked when it was read");
        for flow in before.into_iter().chain([flow]) {
            if !self.played.contains_key(&flow.name) {
                let outcome = match self.start(flow) {
                    Ok(variables) => self.play_steps(flow, variables).await,
                    Err(failure) => Outcome::Failed(failure),
                };
                self.played.insert(flow.name.clone(), outcome);
            }
        }
        &self.played[&flow.name]
    }

    /// The variables that a flow begins with.
    fn start(&self, flow: &Flow) -> Result<Variables, Failure> {
        let mut variables = self.given.clone();
        for earlier in self.contract.before(flow).expect("checked when it was read") {
            match &self.played[&earlier.name] {
                Outcome::Passed(theirs) => variables.extend(theirs),
                Outcome::Failed(failure) => {
                    let reason = format!("it did not: at \"{}\", {}", failure.step, failure.reason);
                    let step = format!("{} has to pass first", earlier.name);
                    return Err(Failure { step, reason, origin: failure.origin, note: failure.note.clone() });
                }
            }
        }
        Ok(variables)
    }

    async fn play_steps(&self, flow: &Flow, mut variables: Variables) -> Outcome {
        let mut running = BTreeMap::new();
        for written in &flow.steps {
            let read = variables.fill(written).and_then(|filled| Step::read(&filled));
            let played = match &read {
                Ok(step) => self.step(step, &mut variables, &mut running).await,
                Err(error) => Err(error.clone().into()),
            };
            if let Err(Misfit { reason, origin }) = played {
                running.values().for_each(JoinHandle::abort);
                let step = Step::title(written).to_string();
                let (origin, note) = match &read {
                    Ok(read) => (origin.or(read.origin), read.note.clone()),
                    Err(_) => (origin, None),
                };
                return Outcome::Failed(Failure { step, reason, origin: origin.unwrap_or(flow.origin), note: note.or(flow.note.clone()) });
            }
        }
        running.values().for_each(JoinHandle::abort);
        Outcome::Passed(variables)
    }

    async fn step(&self, step: &Step, variables: &mut Variables, running: &mut BTreeMap<String, Running>) -> Result<(), Misfit> {
        let place = &self.place;
        let answer = match &step.does {
            Does::Wait(time) => {
                tokio::time::sleep(*time).await;
                return Ok(());
            }
            Does::Mint(mint) => {
                variables.set(&mint.name, sign(mint)?);
                return Ok(());
            }
            Does::Ws(alternatives) => return socket::play(alternatives, place).await,
            Does::Sse(sse) => return stream::play(sse, place).await.map_err(Misfit::from),
            Does::Http { send, background: Some(name), .. } => {
                let request = http::request(send, place).await?;
                running.insert(name.clone(), tokio::spawn(http::answer(place.client.clone(), request)));
                return Ok(());
            }
            Does::Join(name) => {
                let running = running.remove(name).ok_or_else(|| format!("{name} was joined already"))?;
                running.await.map_err(|error| error.to_string())??
            }
            Does::Http { send, repeat: None, .. } => http::answer(place.client.clone(), http::request(send, place).await?).await?,
            Does::Http { send, repeat: Some(repeat), meanwhile, fail_if, .. } => {
                http::repeat(send, repeat, (meanwhile, fail_if.as_ref()), place).await?
            }
        };
        answer.must_fit(&step.expect, &place.matcher)?;
        for (name, pointer) in &step.save {
            let value = answer.json.as_ref().and_then(|json| json.pointer(pointer));
            let value = value.ok_or_else(|| format!("{name} cannot be saved: there is nothing at {pointer} of {answer}"))?;
            variables.set(name, value.clone());
        }
        Ok(())
    }
}

type Running = JoinHandle<Result<Answer, String>>;

/// A token with these claims; `now` and `now+3600` are times.
fn sign(mint: &Mint) -> Result<String, String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|error| error.to_string())?.as_secs() as i64;
    let moment = |value: &Value| {
        let offset = value.as_str()?.strip_prefix("now")?;
        if offset.is_empty() { Some(now) } else { offset.parse::<i64>().ok().map(|offset| now + offset) }
    };
    let claims: BTreeMap<_, _> =
        mint.claims.iter().map(|(name, value)| (name, moment(value).map_or_else(|| value.clone(), Value::from))).collect();
    let algorithm = mint.alg.parse::<Algorithm>().map_err(|error| format!("{}: {error}", mint.alg))?;
    encode(&Header::new(algorithm), &claims, &EncodingKey::from_secret(mint.secret.as_bytes())).map_err(|error| error.to_string())
}
