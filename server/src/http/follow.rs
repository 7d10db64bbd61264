//! What happens to a job, as it happens: Server-Sent Events and WebSocket. First what has happened, then what happens.

use super::access::{Bearer, token_in};
use super::jobs::{Named, Service, find};
use super::problem::Problem;
use super::sockets::{Closing, PROTOCOL, close, first_message, send};
use super::{App, Shared};
use crate::auth::{Claims, TokenError};
use crate::ledger::{Event, EventKind, Follow, JobId, Ledger};
use crate::service;
use axum::extract::ws::{Message as Frame, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, Query};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::sse::{Event as Sent, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::stream;
use serde::Deserialize;
use serde_json::json;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, Interval, MissedTickBehavior};

/// When nothing happens for so long, that is said: who hears nothing at all has lost the connection.
const BEAT: Duration = Duration::from_secs(15);
/// Nobody sends more than a token here.
const LONGEST: usize = 16 << 10;

/// From where on.
#[derive(Deserialize)]
pub struct Since {
    /// The number of the last event that is known.
    #[serde(default)]
    after: i64,
}

/// Looks whether somebody may still follow.
type Holds = Box<dyn Fn() -> Result<(), TokenError> + Send>;

/// One who follows a job and may do so.
pub struct Follower {
    ledger: Ledger,
    job: JobId,
    follow: Follow,
    holds: Holds,
    /// Done when the server ends.
    closing: BoxFuture<'static, ()>,
    /// When the token is looked at again.
    look: Interval,
    /// When nothing has happened for so long that it is told.
    quiet: Interval,
}

/// What a follower is told.
pub enum News {
    /// Something happened.
    Event(Arc<Event>),
    /// Nothing has happened for a while.
    Beat,
    /// There is nothing more to come, or the token is good no more.
    Over(Option<TokenError>),
}

impl Follower {
    /// Of a job, from after the event `after` on; told that the line is open whenever nothing has happened for `beat`. `claims` are those of
    /// whoever had to show a token; they are looked at again as often as the settings say.
    pub fn new(app: Arc<App>, service: Arc<service::Service>, claims: Option<Claims>, at: (JobId, i64), beat: Duration) -> Follower {
        let (ledger, rhythm) = (service.jobs.ledger().clone(), (beat, app.recheck()));
        let holds = Box::new(move || claims.as_ref().map_or(Ok(()), |claims| app.auth.still_holds(claims)));
        let closing = async move { service.closing().await }.boxed();
        Follower::on(&ledger, at, holds, closing, rhythm)
    }

    /// The same on a ledger, until `closing` is done or `holds` says no: every so often is told that the line is open, and it is asked.
    pub fn on(
        ledger: &Ledger,
        (job, after): (JobId, i64),
        holds: Holds,
        closing: BoxFuture<'static, ()>,
        (beat, recheck): (Duration, Duration),
    ) -> Follower {
        let every = |period| {
            let mut ticks = tokio::time::interval_at(Instant::now() + period, period);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            ticks
        };
        let follow = ledger.follow(job, after);
        Follower { ledger: ledger.clone(), job, follow, holds, closing, look: every(recheck), quiet: every(beat) }
    }

    /// What comes next. Nothing does after [`News::Over`].
    pub async fn next(&mut self) -> News {
        loop {
            tokio::select! {
                // However much happens, the token is looked at in time.
                biased;
                _ = self.look.tick() => {
                    if let Err(error) = (self.holds)() {
                        return News::Over(Some(error));
                    }
                }
                event = self.follow.next() => {
                    self.quiet.reset();
                    return event.map_or(News::Over(None), News::Event);
                }
                () = &mut self.closing => return News::Over(None),
                _ = self.quiet.tick() => return News::Beat,
            }
        }
    }

    /// Nothing follows upon this: the job is over, and has not been tried again since.
    pub fn is_last(&self, event: &Event) -> bool {
        let over = || !matches!(self.ledger.job(self.job), Ok(Some(job)) if !job.state.is_over());
        let newest = || self.ledger.revision(self.job).is_ok_and(|newest| newest == event.seq);
        event.kind == EventKind::Complete && over() && newest()
    }
}

/// What happens to a job, as Server-Sent Events: first what has happened, then what happens.
#[utoipa::path(get, path = "/v1/jobs/{id}/events", tag = "jobs", params(("id" = String, Path, description = "The job."), ("Last-Event-ID" = Option<String>, Header, description = "The last one that is known.")),
    responses((status = 200, description = "Ends with the job.", body = String, content_type = "text/event-stream"), Problem))]
pub async fn events(
    app: Shared,
    Service(service): Service,
    Bearer(claims): Bearer,
    Path(named): Path<Named>,
    Query(since): Query<Since>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let job = find(&service, &claims, &named.id)?.id;
    let last = match headers.get("last-event-id").map(|id| id.to_str().ok().and_then(|id| id.trim().parse().ok())) {
        None => since.after,
        Some(Some(id)) => id,
        Some(None) => return Err(Problem::bad("the Last-Event-ID is no number; send the id of the last event")),
    };
    let follower = Follower::new(app.0, service, Some(claims), (job, last), BEAT);
    let events = stream::unfold(Some(follower), |follower| async move {
        let mut follower = follower?;
        match follower.next().await {
            News::Event(event) => {
                let sent = Sent::default().id(event.seq.to_string()).event(event.kind.as_str()).data(json!(&*event).to_string());
                let rest = (!follower.is_last(&event)).then_some(follower);
                Some((Ok::<_, Infallible>(sent), rest))
            }
            News::Beat => Some((Ok(Sent::default().event("heartbeat").data("{}")), Some(follower))),
            News::Over(_) => None,
        }
    });
    Ok(([(header::CACHE_CONTROL, "no-cache"), (header::HeaderName::from_static("x-accel-buffering"), "no")], Sse::new(events))
        .into_response())
}

/// What happens to a job, as a WebSocket: each event is a text message of JSON. The token comes as the subprotocol `token.TOKEN` beside
/// `lectern.v1`, or as the first message, `{"token": TOKEN}`.
#[utoipa::path(get, path = "/v1/jobs/{id}/progress", tag = "jobs",
    params(("id" = String, Path, description = "The job."), ("after" = Option<i64>, Query, description = "The number of the last event that is known.")),
    responses((status = 101, description = "It is a WebSocket from here on, and closed when the job is over."), Problem))]
pub async fn progress(
    app: Shared,
    Service(service): Service,
    Path(named): Path<Named>,
    Query(since): Query<Since>,
    headers: HeaderMap,
    ws: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let ws = ws.map_err(|_| Problem::new(StatusCode::UPGRADE_REQUIRED, "no_websocket", "this is a WebSocket; /events beside it is not"))?;
    let token = token_in(&headers).map(String::from);
    Ok(ws.protocols([PROTOCOL]).max_message_size(LONGEST).on_upgrade(move |mut socket| async move {
        let closing = tell(app.0, service, &named.id, since.after, token, &mut socket).await;
        let over = || Closing::new(1000, "the job is over");
        close(socket, closing.err().unwrap_or_else(over)).await;
    }))
}

async fn tell(
    app: Arc<App>,
    service: Arc<service::Service>,
    id: &str,
    after: i64,
    token: Option<String>,
    socket: &mut WebSocket,
) -> Result<(), Closing> {
    let token = match token {
        Some(token) => token,
        None => first_message(socket).await?,
    };
    let claims = app.auth.check(&token)?;
    let job = find(&service, &claims, id).map_err(|problem| Closing::new(4404, problem.detail()))?.id;
    let mut follower = Follower::new(app, service, Some(claims), (job, after), BEAT);
    loop {
        tokio::select! {
            news = follower.next() => match news {
                News::Event(event) => {
                    send(socket, Frame::Text(json!(&*event).to_string().into())).await?;
                    if follower.is_last(&event) {
                        return Ok(());
                    }
                }
                News::Beat => send(socket, Frame::Text(json!({ "kind": "heartbeat" }).to_string().into())).await?,
                News::Over(Some(error)) => return Err(error.into()),
                News::Over(None) => return Err(Closing::new(1001, "the server is ending")),
            },
            frame = socket.recv() => match frame {
                Some(Ok(Frame::Close(_)) | Err(_)) | None => return Err(Closing::new(1000, "")),
                Some(Ok(_)) => {}
            },
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::auth::{Auth, Denied, Keys, Role};
    use crate::jobs::{Desk, JobSpec, Report};
    use crate::ledger::{NewJob, NewStage, Submitted, Ticket};
    use std::future::pending;
    use tempfile::TempDir;

    /// So long that a test is over before.
    pub const LONG: Duration = Duration::from_secs(3600);
    /// Soon over.
    pub const SHORT: Duration = Duration::from_millis(20);

    /// A job of one stage that somebody is at.
    pub struct Work {
        pub home: TempDir,
        pub ledger: Ledger,
        ticket: Ticket,
    }

    impl Work {
        pub async fn begun(stage: &str) -> Work {
            let home = tempfile::tempdir().unwrap();
            let ledger = Ledger::open(&home.path().join("ledger.db")).unwrap();
            let JobSpec { id, kind, owner, title, spec, priority, held, idempotency_key, .. } = JobSpec::new("render", "A talk");
            let stages = vec![NewStage { name: stage.into(), title: "Working".into(), weight: 1.0, task: json!({ "do": "import" }) }];
            let job = NewJob { id, kind, owner, title, spec, priority, held, idempotency_key, stages };
            let Submitted::New(Some(ticket)) = ledger.write(move |write| write.submit(&job)).await.unwrap() else { panic!("it is new") };
            assert!(Desk::new(ledger.clone()).begin(&ticket, "here").await.unwrap());
            Work { home, ledger, ticket }
        }

        pub fn job(&self) -> JobId {
            self.ticket.job
        }

        /// An event.
        pub async fn goes_on(&self) {
            assert!(Desk::new(self.ledger.clone()).hear(&self.ticket, Report::default()).await);
        }
    }

    #[tokio::test]
    async fn who_may_follow_no_more_is_cut_off_however_much_happens() {
        let work = Work::begun("import").await;
        let auth = Auth::new(Keys::new(vec![7; 32], "test").unwrap(), Denied::open(work.home.path()));
        let claims = Claims::new(Role::Author, None, "eve", LONG);
        let (id, auth) = (claims.jti.clone(), Arc::new(auth));
        let holds = Box::new({
            let auth = auth.clone();
            move || auth.still_holds(&claims)
        });
        let mut follower = Follower::on(&work.ledger, (work.job(), 0), holds, pending().boxed(), (LONG, SHORT));
        let mut heard = 0;
        let told = async {
            loop {
                // There is always something that could be told.
                work.goes_on().await;
                match follower.next().await {
                    News::Event(_) => heard += 1,
                    News::Over(error) => return error,
                    News::Beat => panic!("it is not quiet"),
                }
                if heard == 3 {
                    auth.deny(&id).unwrap();
                }
            }
        };
        let error = tokio::time::timeout(Duration::from_secs(60), told).await.expect("it ends");
        assert!(error == Some(TokenError::Revoked) && heard >= 3, "{error:?} after {heard}");
    }

    #[tokio::test]
    async fn a_line_on_which_nothing_happens_is_told_to_be_open() {
        assert_eq!(BEAT, Duration::from_secs(15));
        let work = Work::begun("import").await;
        let mut follower = Follower::on(&work.ledger, (work.job(), 0), Box::new(|| Ok(())), pending().boxed(), (SHORT, LONG));
        let mut heard = 0;
        while let News::Event(_) = follower.next().await {
            heard += 1;
        }
        assert_eq!(heard, 2, "it was submitted and begun, then it was quiet");
        assert!(matches!(follower.next().await, News::Beat));
        work.goes_on().await;
        assert!(matches!(follower.next().await, News::Event(_)), "what happens is told first");
        assert!(matches!(follower.next().await, News::Beat));
    }

    #[tokio::test]
    async fn who_follows_is_told_when_the_server_ends() {
        let work = Work::begun("import").await;
        let (end, ended) = tokio::sync::oneshot::channel::<()>();
        let closing = ended.map(drop).boxed();
        let mut follower = Follower::on(&work.ledger, (work.job(), 0), Box::new(|| Ok(())), closing, (LONG, LONG));
        for _ in 0..2 {
            assert!(matches!(follower.next().await, News::Event(_)));
        }
        drop(end);
        assert!(matches!(follower.next().await, News::Over(None)));
    }
}
