//! How often somebody may ask: per address and per account, so many times a minute for each kind of request.
//!
//! A rule holds for any minute, not for those of the clock: 5 a minute lets five through, at once or one by one, and the next when the first of
//! them is a minute ago. A route gets its rule as a layer, for which the server gives the address of the connection
//! (`into_make_service_with_connect_info::<SocketAddr>()`):
//!
//! ```text
//! .route("/api/upload", post(upload).layer(from_fn_with_state(limits.on(Rule::Upload), limits::enforce)))
//! ```
//! Who has found out which account asks puts [`Account`] into the request's extensions before, or calls [`Limits::check`] itself.

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// After so many checks those are forgotten who have not asked for long.
const FORGET_EVERY: u32 = 4096;
/// What the figures of a [`Table`] are counted in.
const MINUTE: Duration = Duration::from_secs(60);

/// A kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Any.
    Request,
    /// A lesson is to be given or a room entered.
    Lesson,
    /// A file is sent.
    Upload,
    /// How does a job stand?
    Status,
    /// A job is to end.
    Cancel,
    /// An account is to be made.
    Register,
    /// A password is shown.
    Login,
    /// Something is asked of the pipeline of talking heads.
    Pipeline,
}

/// Requests a minute; 0 = as many as come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Table {
    /// See [`Rule::Request`].
    pub request: u32,
    /// See [`Rule::Lesson`]; 30 are usual for a server in production.
    pub lesson: u32,
    /// See [`Rule::Upload`].
    pub upload: u32,
    /// See [`Rule::Status`].
    pub status: u32,
    /// See [`Rule::Cancel`].
    pub cancel: u32,
    /// See [`Rule::Register`].
    pub register: u32,
    /// See [`Rule::Login`].
    pub login: u32,
    /// See [`Rule::Pipeline`]: enough for who asks once a second.
    pub pipeline: u32,
}

impl Default for Table {
    fn default() -> Table {
        Table { request: 0, lesson: 60, upload: 5, status: 30, cancel: 10, register: 5, login: 10, pipeline: 60 }
    }
}

/// Says how long the program runs.
#[derive(Clone)]
pub struct Ticks(Arc<dyn Fn() -> Duration + Send + Sync>);

impl Ticks {
    /// Of a test, which turns the clock itself.
    pub fn by(now: impl Fn() -> Duration + Send + Sync + 'static) -> Ticks {
        Ticks(Arc::new(now))
    }

    fn now(&self) -> Duration {
        (self.0)()
    }
}

impl Default for Ticks {
    fn default() -> Ticks {
        let start = Instant::now();
        Ticks(Arc::new(move || start.elapsed()))
    }
}

/// Whose requests are counted together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Who {
    /// A machine; of IPv6, a network of 64 bits, as every machine there has many addresses.
    Address(IpAddr),
    /// Somebody with an account.
    Account(String),
}

impl From<IpAddr> for Who {
    fn from(address: IpAddr) -> Who {
        Who::Address(match address.to_canonical() {
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
            address => address,
        })
    }
}

/// Somebody asks too often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many requests: the rate limit is exceeded; try again in {} s", self.seconds())]
pub struct TooMany(pub Duration);

impl TooMany {
    /// Whole seconds to wait, at least one.
    pub fn seconds(&self) -> u64 {
        self.0.as_millis().div_ceil(1000).max(1) as u64
    }
}

impl IntoResponse for TooMany {
    /// The body is a problem of RFC 9457, with the members that clients of other systems look for.
    fn into_response(self) -> Response {
        let body = json!({
            "type": "about:blank", "title": "Too Many Requests", "status": 429, "code": "too_many_requests",
            "detail": "too many requests: the rate limit is exceeded", "cure": format!("try again in {} s", self.seconds()),
            "error": "rate limit exceeded", "message": self.to_string(), "retry_after_seconds": self.seconds(),
        });
        let mut response = (StatusCode::TOO_MANY_REQUESTS, body.to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::RETRY_AFTER, HeaderValue::from(self.seconds()));
        response
    }
}

/// One rule.
pub struct Limiter {
    count: usize,
    period: Duration,
    ticks: Ticks,
    seen: Mutex<Seen>,
}

/// Who has asked when.
#[derive(Default)]
struct Seen {
    /// When what was let through came, the oldest first: within a period no more than the rule's count.
    times: HashMap<Who, VecDeque<Duration>>,
    checks: u32,
}

impl Limiter {
    /// Lets `count` through within any stretch of time that is as long as `period`.
    pub fn new(count: NonZeroU32, period: Duration, ticks: Ticks) -> Limiter {
        Limiter { count: count.get() as usize, period, ticks, seen: Mutex::default() }
    }

    /// Counts a request. One that is refused does not count: who waits as long as it is told is let through.
    ///
    /// # Errors
    /// It is one too many.
    pub fn check(&self, who: &Who) -> Result<(), TooMany> {
        let now = self.ticks.now();
        let is_over = |time: &Duration| *time + self.period <= now;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.checks = (seen.checks + 1) % FORGET_EVERY;
        if seen.checks == 0 {
            seen.times.retain(|_, times| times.back().is_some_and(|last| !is_over(last)));
        }
        let times = seen.times.entry(who.clone()).or_default();
        while times.pop_front_if(|first| is_over(first)).is_some() {}
        if let Some(first) = times.front().filter(|_| times.len() >= self.count) {
            return Err(TooMany(*first + self.period - now));
        }
        times.push_back(now);
        Ok(())
    }
}

/// The account that asks, as an extension of a request.
#[derive(Clone, Debug)]
pub struct Account(pub String);

/// All rules of a server.
pub struct Limits {
    rules: [Option<Limiter>; 8],
    /// Machines that pass requests on; what they say about whose they are is believed.
    proxies: Vec<IpAddr>,
    /// Machines that get no answer.
    blocked: Vec<IpAddr>,
}

/// A rule for a route.
#[derive(Clone)]
pub struct Guarded {
    limits: Arc<Limits>,
    rule: Rule,
}

impl Limits {
    /// With these figures.
    pub fn new(table: &Table, proxies: Vec<IpAddr>, blocked: Vec<IpAddr>, ticks: &Ticks) -> Limits {
        let Table { request, lesson, upload, status, cancel, register, login, pipeline } = *table;
        // In the order of `Rule`.
        let rules = [request, lesson, upload, status, cancel, register, login, pipeline]
            .map(|count| NonZeroU32::new(count).map(|count| Limiter::new(count, MINUTE, ticks.clone())));
        Limits { rules, proxies, blocked }
    }

    /// For a route's layer, with [`enforce`].
    pub fn on(self: &Arc<Limits>, rule: Rule) -> Guarded {
        Guarded { limits: self.clone(), rule }
    }

    /// Counts a request for its address, and for its account if one asks.
    ///
    /// # Errors
    /// It is one too many for either.
    pub fn check(&self, rule: Rule, address: IpAddr, account: Option<&str>) -> Result<(), TooMany> {
        let Some(limiter) = &self.rules[rule as usize] else { return Ok(()) };
        limiter.check(&address.into())?;
        account.map_or(Ok(()), |account| limiter.check(&Who::Account(account.into())))
    }

    /// The machine that asks. A proxy adds whom it has answered at the end of `X-Forwarded-For`; what stands before may be made up.
    pub fn address(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.to_canonical();
        if !self.proxies.contains(&peer) {
            return peer;
        }
        let lists = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
        let named: Vec<IpAddr> = lists.flat_map(|list| list.split(',')).map_while(|word| word.trim().parse().ok()).collect();
        named.into_iter().rev().map(|address| address.to_canonical()).find(|address| !self.proxies.contains(address)).unwrap_or(peer)
    }

    /// Gets this machine no answer?
    pub fn is_blocked(&self, address: IpAddr) -> bool {
        self.blocked.contains(&address)
    }
}

/// The layer of a route: answers 429 with `Retry-After` where a request is one too many.
pub async fn enforce(State(Guarded { limits, rule }): State<Guarded>, request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip());
    let address = limits.address(peer, request.headers());
    if limits.is_blocked(address) {
        let body = json!({
            "type": "about:blank", "title": "Forbidden", "status": 403, "code": "blocked", "detail": "this address is blocked",
            "cure": "ask whoever runs this server",
        });
        return (StatusCode::FORBIDDEN, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response();
    }
    let account = request.extensions().get::<Account>().map(|account| account.0.as_str());
    match limits.check(rule, address, account) {
        Ok(()) => next.run(request).await,
        Err(too_many) => too_many.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::body::{Body, to_bytes};
    use axum::middleware::from_fn_with_state;
    use axum::routing::get;
    use serde_json::Value;
    use std::sync::Mutex;
    use tower::ServiceExt;

    /// A clock that a test turns.
    fn clock() -> (Ticks, impl Fn(u64)) {
        let now = Arc::new(Mutex::new(Duration::from_secs(1000)));
        let turned = now.clone();
        (Ticks::by(move || *now.lock().unwrap()), move |seconds| *turned.lock().unwrap() += Duration::from_secs(seconds))
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_table_is_the_known_one() {
        let (ticks, _) = clock();
        let limits = Limits::new(&Table::default(), vec![], vec![], &ticks);
        for (rule, count) in [
            (Rule::Lesson, 60),
            (Rule::Upload, 5),
            (Rule::Status, 30),
            (Rule::Cancel, 10),
            (Rule::Register, 5),
            (Rule::Login, 10),
            (Rule::Pipeline, 60),
        ] {
            let taken = (0..100).take_while(|_| limits.check(rule, address("192.0.2.1"), None).is_ok()).count();
            assert_eq!(taken, count, "{rule:?}");
        }
        assert!((0..1000).all(|_| limits.check(Rule::Request, address("192.0.2.1"), None).is_ok()), "0 is no limit");
    }

    #[test]
    fn no_minute_has_more_than_it_may_however_they_are_spread() {
        for pause in [0, 1, 7, 11] {
            let (ticks, turn) = clock();
            let limits = Limits::new(&Table::default(), vec![], vec![], &ticks);
            let ask = |who: &str| limits.check(Rule::Upload, address(who), None);
            for _ in 0..5 {
                assert_eq!(ask("192.0.2.1"), Ok(()));
                turn(pause);
            }
            let left = 60 - 5 * pause;
            assert_eq!(ask("192.0.2.1"), Err(TooMany(Duration::from_secs(left))), "one every {pause} s");
            assert_eq!(ask("192.0.2.2"), Ok(()), "another machine");
            // Asking in vain makes it no longer.
            turn(left - 1);
            assert_eq!(ask("192.0.2.1").unwrap_err().seconds(), 1);
            turn(1);
            assert_eq!(ask("192.0.2.1"), Ok(()), "the first is a minute ago");
            assert_eq!(ask("192.0.2.1").is_ok(), pause == 0, "the second is not, unless all came at once");
            turn(60);
            assert_eq!((0..10).filter(|_| ask("192.0.2.1").is_ok()).count(), 5);
        }
    }

    #[test]
    fn an_account_is_counted_wherever_it_asks_from_and_a_network_of_ipv6_as_one() {
        let (ticks, _) = clock();
        let limits = Limits::new(&Table::default(), vec![], vec![], &ticks);
        let from = |last: u32| address(&format!("192.0.2.{last}"));
        assert!((0..5).all(|last| limits.check(Rule::Upload, from(last), Some("ada")).is_ok()));
        assert!(limits.check(Rule::Upload, from(9), Some("ada")).is_err());
        assert!(limits.check(Rule::Upload, from(10), Some("eve")).is_ok());
        assert!((0..5).all(|last| limits.check(Rule::Cancel, address(&format!("2001:db8::{last}")), None).is_ok()));
        assert!((5..10).all(|last| limits.check(Rule::Cancel, address(&format!("2001:db8::ff:{last}")), None).is_ok()));
        assert!(limits.check(Rule::Cancel, address("2001:db8::77"), None).is_err());
        assert!(limits.check(Rule::Cancel, address("2001:db8:0:1::77"), None).is_ok());
    }

    #[test]
    fn those_who_are_gone_are_forgotten() {
        let (ticks, turn) = clock();
        let limiter = Limiter::new(NonZeroU32::new(5).unwrap(), Duration::from_secs(60), ticks);
        for number in 0..FORGET_EVERY * 3 - 1 {
            limiter.check(&IpAddr::V4(Ipv4Addr::from_bits(number)).into()).unwrap();
        }
        turn(600);
        limiter.check(&address("192.0.2.1").into()).unwrap();
        assert!(limiter.seen.lock().unwrap().times.len() <= 1, "all are kept");
    }

    #[test]
    fn only_proxies_are_believed() {
        let (ticks, _) = clock();
        let limits = Limits::new(&Table::default(), vec![address("127.0.0.1"), address("10.0.0.1")], vec![], &ticks);
        let seen = |peer: &str, said: &str| {
            let headers = HeaderMap::from_iter([("x-forwarded-for".parse().unwrap(), said.parse().unwrap())]);
            limits.address(address(peer), &headers).to_string()
        };
        assert_eq!(seen("192.0.2.9", "203.0.113.5"), "192.0.2.9");
        assert_eq!(seen("127.0.0.1", "203.0.113.5"), "203.0.113.5");
        assert_eq!(seen("::ffff:127.0.0.1", "198.51.100.7, 203.0.113.5, 10.0.0.1"), "203.0.113.5", "the first one is made up");
        assert_eq!(seen("127.0.0.1", "nonsense"), "127.0.0.1");
    }

    #[tokio::test]
    async fn a_route_says_when_to_come_again() {
        let (ticks, _) = clock();
        let limits = Arc::new(Limits::new(&Table { status: 2, ..Table::default() }, vec![], vec![address("192.0.2.66")], &ticks));
        let app = Router::new().route("/", get(async || "ok").layer(from_fn_with_state(limits.on(Rule::Status), enforce)));
        let ask = async |from: &str| {
            let mut request = Request::new(Body::empty());
            request.extensions_mut().insert(ConnectInfo(SocketAddr::new(address(from), 4000)));
            app.clone().oneshot(request).await.unwrap()
        };
        assert_eq!(ask("192.0.2.1").await.status(), StatusCode::OK);
        assert_eq!(ask("192.0.2.1").await.status(), StatusCode::OK);
        let refused = ask("192.0.2.1").await;
        assert_eq!((refused.status(), &refused.headers()["retry-after"]), (StatusCode::TOO_MANY_REQUESTS, &HeaderValue::from_static("60")));
        let body: Value = serde_json::from_slice(&to_bytes(refused.into_body(), 10_000).await.unwrap()).unwrap();
        assert_eq!((&body["code"], &body["retry_after_seconds"]), (&json!("too_many_requests"), &json!(60)));
        assert!(body["error"].as_str().unwrap().contains("limit") && body["detail"].is_string() && body["message"].is_string());
        assert_eq!(ask("192.0.2.66").await.status(), StatusCode::FORBIDDEN);
    }
}
