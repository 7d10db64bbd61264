//! Requests to addresses that somebody else has written: webhooks, pictures by URL. They may not reach into this machine or its network.
//!
//! What a name leads to is looked at when the connection is made, so a name that leads elsewhere the second time gains nothing; redirects
//! are not followed, and no proxy is asked.
//!
//! ```text
//! let outgoing = Outgoing::new(settings.http.private_targets)?;
//! let url = outgoing.check(&job.webhook)?;                       // when the job is submitted
//! outgoing.client().post(url).json(&event).send().await?         // when it is done
//! ```

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why an address is not asked.
#[derive(Debug, thiserror::Error)]
pub enum OutgoingError {
    /// It is none.
    #[error("{0:?} is no address of the web; write https://HOST/PATH")]
    NoUrl(String),
    /// It leads into this machine or its network.
    #[error("{0} leads into a private network; whoever runs the server may allow that with http.private_targets")]
    Private(String),
    /// There is no client.
    #[error("no requests can be made: {0}")]
    Client(String),
}

/// See the module docs.
pub struct Outgoing {
    client: reqwest::Client,
    private: bool,
}

impl Outgoing {
    /// With `private`, everything may be reached: for a server whose users run the network, too.
    ///
    /// # Errors
    /// TLS cannot be had.
    pub fn new(private: bool) -> Result<Outgoing, OutgoingError> {
        let builder = reqwest::Client::builder().redirect(Policy::none()).no_proxy().timeout(PATIENCE);
        let builder = if private { builder } else { builder.dns_resolver(PublicOnly) };
        Ok(Outgoing { client: builder.build().map_err(|error| OutgoingError::Client(error.to_string()))?, private })
    }

    /// May this be asked, as far as it can be told now? A name is looked up when it is asked.
    ///
    /// # Errors
    /// It may not.
    pub fn check(&self, address: &str) -> Result<Url, OutgoingError> {
        let url = Url::parse(address).map_err(|_| OutgoingError::NoUrl(address.into()))?;
        let host = url.host_str().unwrap_or_default();
        if !["http", "https"].contains(&url.scheme()) || host.is_empty() || !url.username().is_empty() || url.password().is_some() {
            return Err(OutgoingError::NoUrl(address.into()));
        }
        // An address in numbers is not looked up.
        let number = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        let local = host == "localhost" || host.ends_with(".localhost");
        match !self.private && (local || number.is_ok_and(|address| !is_public(address))) {
            true => Err(OutgoingError::Private(address.into())),
            false => Ok(url),
        }
    }

    /// What asks. Only for addresses that were checked.
    pub fn client(&self) -> &reqwest::Client {
        &self.client
    }
}

/// Looks names up as the system does, and keeps what everybody can reach.
struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|address| is_public(address.ip())).collect();
            match public.is_empty() {
                true => Err(OutgoingError::Private(name.as_str().into()).into()),
                false => Ok(Box::new(public.into_iter()) as Addrs),
            }
        })
    }
}

/// Is it an address of the public network? Source: IANA's registries of special-purpose addresses.
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || a == 0
        || (a, b & 0xc0) == (100, 64)
        || (a, b, c) == (192, 0, 0)
        || (a, b & 0xfe) == (198, 18)
        // Multicast, and what is reserved.
        || a >= 224;
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let words = address.segments();
    // NAT64, RFC 6052: an IPv4 address is in it.
    if words[..6] == [0x64, 0xff9b, 0, 0, 0, 0] {
        return is_public_v4(Ipv4Addr::from_bits((u32::from(words[6]) << 16) | u32::from(words[7])));
    }
    // Of what is given out (2000::/3), what is neither for documents nor for tunnels.
    words[0] & 0xe000 == 0x2000 && !(words[0] == 0x2001 && (words[1] == 0xdb8 || words[1] == 0)) && words[0] != 0x2002
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn only_the_public_network_is_reached() {
        for address in ["8.8.8.8", "203.0.114.1", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
        for address in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "192.0.0.1",
            "198.19.0.1",
            "192.0.2.1",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "::ffff:10.0.0.1",
            "2001:db8::1",
            "2002:a00:1::",
            "64:ff9b::a00:1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn addresses_are_checked_before_they_are_kept() {
        let (strict, open) = (outgoing(false), outgoing(true));
        assert_eq!(strict.check("https://hooks.example/a?b=c").unwrap().as_str(), "https://hooks.example/a?b=c");
        for wrong in ["", "hooks.example", "file:///etc/passwd", "ftp://hooks.example", "http://user:word@hooks.example", "https://"] {
            assert!(matches!(strict.check(wrong), Err(OutgoingError::NoUrl(_))), "{wrong}");
        }
        // Other ways to write 127.0.0.1 are read as browsers read them.
        for private in
            ["http://127.0.0.1:8080/", "http://[::1]/", "http://localhost/", "http://0x7f.1/", "http://2130706433/", "http://a.localhost/"]
        {
            assert!(matches!(strict.check(private), Err(OutgoingError::Private(_))), "{private}");
            assert!(open.check(private).is_ok(), "{private}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_here_is_not_asked() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://localhost:{}/", listener.local_addr().unwrap().port());
        let error = outgoing(false).client().get(url).send().await.unwrap_err();
        assert!(format!("{error:?}").contains("Private(\"localhost\")"), "{error:?}");
        assert!(listener.accept().is_err(), "nobody has come");
    }

    fn outgoing(private: bool) -> Outgoing {
        let _ = rustls::crypto::ring::default_provider().install_default();
        Outgoing::new(private).unwrap()
    }
}
