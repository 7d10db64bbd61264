//! Which web pages may ask an adapter.
//!
//! Where everybody who reaches this server may ask (`auth = "none"`), any page in a browser of this machine could: so only pages of this
//! server may, and of origins that were allowed. A request with a token may come from any page: no browser adds a token by itself.

use crate::compat::fastapi::Refusal;
use crate::config::AdapterAuth;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use std::net::SocketAddr;

/// See the module docs.
pub struct Origins {
    /// All of them.
    any: bool,
    /// Of this server's own pages, and those that were allowed.
    known: Vec<String>,
    /// The hosts under which this server may be asked; `None`: all. A server on loopback may not be asked under a name that somebody
    /// else has made to lead here (DNS rebinding).
    hosts: Option<Vec<String>>,
}

impl Origins {
    /// For a server at `address` that the outside knows as `own`; pages of the origins `allowed` may ask, too.
    pub fn new(auth: AdapterAuth, address: SocketAddr, own: &str, allowed: &[String]) -> Origins {
        let port = address.port();
        let mut hosts = vec![address.to_string()];
        if address.ip().is_loopback() {
            hosts.extend(["localhost", "127.0.0.1", "[::1]"].map(|name| format!("{name}:{port}")));
        }
        let mut known: Vec<String> = hosts.iter().map(|host| format!("http://{host}")).collect();
        known.push(own.to_string());
        known.extend(allowed.iter().cloned());
        hosts.extend(own.split_once("://").map(|(_, host)| host.to_string()));
        Origins { any: auth == AdapterAuth::Token, known, hosts: address.ip().is_loopback().then_some(hosts) }
    }

    /// May a request with these headers be answered? What `Access-Control-Allow-Origin` says then, where it says something.
    ///
    /// Source: the Fetch standard, "CORS protocol".
    pub fn check(&self, headers: &HeaderMap) -> Result<Option<HeaderValue>, Refusal> {
        if self.any {
            // A page that is known may send cookies, for which the answer has to name it.
            let named = headers.get(header::ORIGIN).filter(|_| self.knows(headers)).cloned();
            return Ok(Some(named.unwrap_or(HeaderValue::from_static("*"))));
        }
        let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
        let refuse = |text: String| Err(Refusal::Because(StatusCode::FORBIDDEN, text));
        if let (Some(hosts), Some(host)) = (&self.hosts, text(header::HOST))
            && !hosts.iter().any(|known| known.eq_ignore_ascii_case(host))
        {
            return refuse(format!("this server is not asked as {host:?}; name its public address with --origin"));
        }
        match text(header::ORIGIN) {
            None => Ok(None),
            Some(origin) if self.known.iter().any(|known| known.eq_ignore_ascii_case(origin)) => Ok(headers.get(header::ORIGIN).cloned()),
            Some(origin) => {
                refuse(format!("pages of {origin:?} may not ask here; allow them with the adapter's setting origins, or --allow-origin"))
            }
        }
    }
}

impl Origins {
    /// Comes a request from a program, or from a page of this server's own or of an origin that was allowed?
    pub fn knows(&self, headers: &HeaderMap) -> bool {
        let is_known = |origin: &str| self.known.iter().any(|known| known.eq_ignore_ascii_case(origin));
        headers.get(header::ORIGIN).is_none_or(|origin| origin.to_str().is_ok_and(is_known))
    }
}

/// Scheme and host, nothing after it.
pub fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").or(text.strip_prefix("http://"));
    host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '?', '#', '@', ' ', ',']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(origins: &Origins, host: &str, origin: &str) -> Result<Option<String>, ()> {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        if !origin.is_empty() {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        let answer = origins.check(&headers).map_err(|_| ())?;
        Ok(answer.map(|value| value.to_str().unwrap().to_string()))
    }

    #[test]
    fn without_tokens_only_known_pages_ask() {
        let address = "127.0.0.1:8080".parse().unwrap();
        let allowed = ["https://player.example".to_string()];
        let origins = Origins::new(AdapterAuth::None, address, "https://talks.example", &allowed);
        assert_eq!(asked(&origins, "127.0.0.1:8080", ""), Ok(None), "a program, not a page");
        for own in ["http://localhost:8080", "http://127.0.0.1:8080", "https://talks.example", "https://player.example"] {
            assert_eq!(asked(&origins, "localhost:8080", own), Ok(Some(own.into())));
        }
        for other in ["https://evil.example", "http://localhost:3000", "null", "https://player.example.evil.example"] {
            assert_eq!(asked(&origins, "localhost:8080", other), Err(()), "{other}");
        }
        assert_eq!(asked(&origins, "talks.example", ""), Ok(None));
        assert_eq!(asked(&origins, "evil.example:8080", ""), Err(()), "a name that leads to loopback");
    }

    #[test]
    fn with_tokens_all_pages_ask() {
        let origins = Origins::new(AdapterAuth::Token, "0.0.0.0:80".parse().unwrap(), "http://0.0.0.0:80", &[]);
        assert_eq!(asked(&origins, "talks.example", "https://player.example"), Ok(Some("*".into())));
        let origins =
            Origins::new(AdapterAuth::Token, "0.0.0.0:80".parse().unwrap(), "http://0.0.0.0:80", &["https://front.example".into()]);
        for (origin, known) in [("", true), ("https://front.example", true), ("https://player.example", false), ("null", false)] {
            let headers = HeaderMap::from_iter((!origin.is_empty()).then(|| (header::ORIGIN, origin.parse().unwrap())));
            assert_eq!(origins.knows(&headers), known, "{origin:?}");
        }
        assert_eq!(asked(&origins, "talks.example", "https://front.example"), Ok(Some("https://front.example".into())));
    }
}
