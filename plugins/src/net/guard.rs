//! The guard of outgoing requests: an address that comes from a lesson or a request may lead to the public internet only.
//!
//! A name says little: it may resolve to an address in the house, to another one a moment later (DNS rebinding), and an address can be
//! written in many ways (`0x7f.1`, `2130706433`, `::ffff:127.0.0.1`). So the guard resolves a name once, checks every address that it
//! resolves to, and hands these very addresses over: whoever connects, connects to them and never resolves again. Redirects and what a
//! page loads pass the guard like the first address did.
//!
//! Which ranges count as public: the IANA special-purpose address registries (RFC 6890 and its updates), without what is marked as
//! globally reachable but leads elsewhere (6to4, Teredo). An address that carries an IPv4 address (mapped, NAT64) counts as that one.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use url::{Host, Url};

/// A host that may be reached though it is private: `HOST:PORT`, such as `intranet.example:80`, `127.0.0.1:8000` or `[::1]:8000`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exemption {
    host: Host,
    port: u16,
}

impl FromStr for Exemption {
    type Err = String;

    fn from_str(text: &str) -> Result<Exemption, String> {
        let wrong = || format!("\"{text}\" is no host with a port; write it such as intranet.example:80 or 127.0.0.1:8000");
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let port = port.parse().ok().filter(|port| *port > 0 && text.bytes().all(|byte| byte.is_ascii_graphic())).ok_or_else(wrong)?;
        Ok(Exemption { host: Host::parse(host).map_err(|_| wrong())?, port })
    }
}

impl Exemption {
    fn covers(&self, host: &Host, address: SocketAddr) -> bool {
        let named = match (&self.host, address.ip().to_canonical()) {
            (Host::Ipv4(own), IpAddr::V4(ip)) => *own == ip,
            (Host::Ipv6(own), IpAddr::V6(ip)) => *own == ip,
            _ => false,
        };
        self.port == address.port() && (named || self.host == *host)
    }
}

/// Why a request may not go out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No address that a request could go to.
    #[error("\"{0}\" is no address of a page; write it whole, such as https://example.org/poll")]
    NoAddress(String),
    /// Another scheme than http and https.
    #[error("an address with {0}: is not loaded; only http: and https: are")]
    Scheme(String),
    /// `https://user:password@host`, which hides where an address leads.
    #[error("the address carries a user name or password before \"@\"; leave them out")]
    UserInfo,
    /// The name is unknown, or the resolver failed.
    #[error("the name {host} does not resolve ({cause})")]
    Unresolved {
        /// As asked for.
        host: String,
        /// What the resolver said.
        cause: String,
    },
    /// It leads into a private network.
    #[error(
        "{host} leads to {address}, which is {range}, no public address; allow it by name where that is meant: allow_private: [\"{host}:{port}\"]"
    )]
    Private {
        /// As asked for.
        host: String,
        /// What it resolves to.
        address: IpAddr,
        /// As asked for.
        port: u16,
        /// What kind of address that is.
        range: Range,
    },
}

/// An address range that is not public.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// 127.0.0.0/8, ::1.
    Loopback,
    /// 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, fc00::/7.
    Private,
    /// 169.254.0.0/16, fe80::/10: also where clouds keep what only a machine itself may know.
    LinkLocal,
    /// 100.64.0.0/10: shared by the customers of a provider.
    CarrierGrade,
    /// 224.0.0.0/4, ff00::/8.
    Multicast,
    /// 0.0.0.0/8, ::.
    Unspecified,
    /// Documentation, benchmarks, tunnels, and what nobody has been given.
    Reserved,
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Range::Loopback => "this machine itself",
            Range::Private => "in a private network",
            Range::LinkLocal => "a link-local address",
            Range::CarrierGrade => "in a provider's shared network",
            Range::Multicast => "a multicast address",
            Range::Unspecified => "the unspecified address",
            Range::Reserved => "in a reserved range",
        })
    }
}

/// See the module docs.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    exemptions: Vec<Exemption>,
}

impl Guard {
    /// Lets through what is public, and the exemptions.
    pub fn new(exemptions: impl IntoIterator<Item = Exemption>) -> Guard {
        Guard { exemptions: exemptions.into_iter().collect() }
    }

    /// The form of an address: http or https, a host, no user information. Its host is in the canonical form, whatever the text's was.
    ///
    /// # Errors
    /// The first thing that is wrong, or that its host is a literal address which is not public.
    pub fn check_url(&self, text: &str) -> Result<Url, Refused> {
        let url = Url::parse(text).map_err(|_| Refused::NoAddress(text.chars().take(200).collect()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Refused::Scheme(url.scheme().into()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refused::UserInfo);
        }
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err(Refused::NoAddress(text.chars().take(200).collect()));
        };
        if let Some(ip) = literal(&host.to_owned()) {
            self.check(&host.to_owned(), SocketAddr::new(ip, port))?;
        }
        Ok(url)
    }

    /// Resolves a host once and checks all that it resolves to. Connect to these addresses, not to the name.
    ///
    /// # Errors
    /// The name does not resolve, or one of its addresses is not public.
    pub async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Refused> {
        let unresolved = |cause: String| Refused::Unresolved { host: host.chars().take(200).collect(), cause };
        // A name in square brackets is an IPv6 address; without them, too, where it does not come from an address line.
        let parsed =
            host.parse::<Ipv6Addr>().map(Host::Ipv6).or_else(|_| Host::parse(host)).map_err(|error| unresolved(error.to_string()))?;
        let addresses: Vec<SocketAddr> = match literal(&parsed) {
            Some(ip) => vec![SocketAddr::new(ip, port)],
            None => tokio::net::lookup_host((parsed.to_string(), port)).await.map_err(|error| unresolved(error.to_string()))?.collect(),
        };
        if addresses.is_empty() {
            return Err(unresolved("it has no address".into()));
        }
        addresses.iter().try_for_each(|address| self.check(&parsed, *address))?;
        Ok(addresses)
    }

    /// One address that a host resolves to.
    fn check(&self, host: &Host, address: SocketAddr) -> Result<(), Refused> {
        let exempted = || self.exemptions.iter().any(|exemption| exemption.covers(host, address));
        match range(address.ip()) {
            Some(range) if !exempted() => {
                Err(Refused::Private { host: host.to_string(), address: address.ip(), port: address.port(), range })
            }
            _ => Ok(()),
        }
    }
}

fn literal(host: &Host) -> Option<IpAddr> {
    match host {
        Host::Ipv4(ip) => Some(IpAddr::V4(*ip)),
        Host::Ipv6(ip) => Some(IpAddr::V6(*ip)),
        Host::Domain(_) => None,
    }
}

/// Which range that is not public an address lies in; `None` when it is public.
pub fn range(ip: IpAddr) -> Option<Range> {
    match ip {
        IpAddr::V4(ip) => range_v4(ip),
        IpAddr::V6(ip) => range_v6(ip),
    }
}

fn range_v4(ip: Ipv4Addr) -> Option<Range> {
    Some(match ip.octets() {
        [0, ..] => Range::Unspecified,
        [127, ..] => Range::Loopback,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Range::Private,
        [169, 254, ..] => Range::LinkLocal,
        [100, 64..=127, ..] => Range::CarrierGrade,
        [224..=239, ..] => Range::Multicast,
        // Protocol assignments, documentation, the relays of 6to4, benchmarks, the future and broadcast.
        [192, 0, 0 | 2, _] | [198, 51, 100, _] | [203, 0, 113, _] | [192, 88, 99, _] | [198, 18..=19, ..] | [240..=255, ..] => {
            Range::Reserved
        }
        _ => return None,
    })
}

fn range_v6(ip: Ipv6Addr) -> Option<Range> {
    if let Some(v4) = carried(ip) {
        return range_v4(v4);
    }
    Some(match ip.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => Range::Unspecified,
        [0, 0, 0, 0, 0, 0, 0, 1] => Range::Loopback,
        [0xfc00..=0xfdff, ..] => Range::Private,
        [0xfe80..=0xfebf, ..] => Range::LinkLocal,
        [0xff00..=0xffff, ..] => Range::Multicast,
        // Of 2000::/3: protocol assignments (Teredo, ORCHID), documentation, 6to4.
        [0x2001, 0..=0x01ff, ..] | [0x2001, 0x0db8, ..] | [0x2002, ..] | [0x3fff, 0..=0x0fff, ..] => Range::Reserved,
        [0x2000..=0x3fff, ..] => return None,
        // Nobody has been given anything else; fec0::/10 and the IPv4-compatible form of ::/96 are no longer used.
        _ => Range::Reserved,
    })
}

/// The IPv4 address that an IPv6 address stands for: mapped (`::ffff:0:0/96`), or by the well-known prefix of NAT64 (`64:ff9b::/96`).
fn carried(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    match ip.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            Some(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)))
        }
        _ => None,
    }
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;
