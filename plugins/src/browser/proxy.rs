//! The only way out for a browser that shows somebody else's page: a SOCKS5 proxy (RFC 1928) on loopback, which asks the guard.
//!
//! The browser names a host and resolves nothing itself; the proxy resolves it once, checks every address and connects to one of those.
//! So redirects, pictures, scripts, sockets and names that change their address (DNS rebinding) all meet the same check. Commands other
//! than CONNECT are refused: there is no way for UDP.

use crate::net::guard::{Guard, Refused};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// Connections at a time; a browser opens some dozens.
const CONNECTIONS: usize = 256;
/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(10);
/// Refusals that are kept for messages.
const KEPT: usize = 8;

/// A proxy at work; it ends with this value, and its connections with it.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    runtime: Option<Runtime>,
}

struct Shared {
    guard: Guard,
    /// Private addresses that it did not let through, without repetitions.
    refused: Mutex<Vec<Refused>>,
    /// Bytes that may still come in.
    left: AtomicU64,
    connections: Semaphore,
}

impl Proxy {
    /// Starts one on a free port. It lets `limit` bytes in, all connections together.
    ///
    /// # Errors
    /// The system gives no port or thread.
    pub fn start(guard: Guard, limit: u64) -> io::Result<Proxy> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().thread_name("page-proxy").build()?;
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        let address = listener.local_addr()?;
        let shared = Shared { guard, refused: Mutex::default(), left: limit.into(), connections: Semaphore::new(CONNECTIONS) };
        let shared = Arc::new(shared);
        runtime.spawn(accept(listener, shared.clone()));
        Ok(Proxy { address, shared, runtime: Some(runtime) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Private addresses that it did not let through so far.
    pub fn refused(&self) -> Vec<Refused> {
        self.shared.refused().clone()
    }

    /// More came in than it lets in.
    pub fn is_spent(&self) -> bool {
        self.shared.left.load(Ordering::Relaxed) == 0
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // A name that is being resolved cannot be stopped, and is not waited for.
            runtime.shutdown_background();
        }
    }
}

impl Shared {
    fn refused(&self) -> std::sync::MutexGuard<'_, Vec<Refused>> {
        // A list of whole values: poisoning means nothing here.
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes from what may still come in; `false` when that is used up.
    fn spend(&self, bytes: u64) -> bool {
        let less = |left: u64| Some(left.saturating_sub(bytes));
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok_and(|left| left > bytes)
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        match listener.accept().await {
            Ok((browser, _)) => {
                let shared = shared.clone();
                tokio::spawn(async move {
                    let Ok(_place) = shared.connections.acquire().await else { return };
                    if let Err(error) = serve(browser, &shared).await {
                        tracing::debug!(%error, "a connection of a page ended");
                    }
                });
            }
            // Out of descriptors, most likely: some come free.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// Answers of RFC 1928, 6.
const DONE: u8 = 0;
const NOT_ALLOWED: u8 = 2;
const UNREACHABLE: u8 = 4;
const UNKNOWN_COMMAND: u8 = 7;
const UNKNOWN_ADDRESS: u8 = 8;

async fn serve(mut browser: TcpStream, shared: &Shared) -> io::Result<()> {
    let Some((host, port)) = timeout(CONNECT, greet(&mut browser)).await?? else { return Ok(()) };
    let connected = timeout(CONNECT, async {
        let addresses = shared.guard.resolve(&host, port).await.map_err(Some)?;
        // To one of the addresses that were checked, never to the name.
        TcpStream::connect(addresses.as_slice()).await.map_err(|_| None)
    });
    let server = match connected.await.unwrap_or(Err(None)) {
        Ok(server) => server,
        Err(refused) => {
            let code = if matches!(refused, Some(Refused::Private { .. })) { NOT_ALLOWED } else { UNREACHABLE };
            // A name that does not resolve is nobody's secret, and may be one that the browser asks for by itself.
            if let Some(refused) = refused.filter(|refused| matches!(refused, Refused::Private { .. })) {
                let mut known = shared.refused();
                if known.len() < KEPT && !known.contains(&refused) {
                    known.push(refused);
                }
            }
            return answer(&mut browser, code).await;
        }
    };
    answer(&mut browser, DONE).await?;
    let (mut browser_in, mut browser_out) = browser.into_split();
    let (mut server_in, mut server_out) = server.into_split();
    let up = async {
        tokio::io::copy(&mut browser_in, &mut server_out).await?;
        server_out.shutdown().await
    };
    let down = async {
        let mut buffer = vec![0; 32 << 10];
        loop {
            let count = server_in.read(&mut buffer).await?;
            if count == 0 || !shared.spend(count as u64) {
                return browser_out.shutdown().await;
            }
            browser_out.write_all(&buffer[..count]).await?;
        }
    };
    tokio::try_join!(up, down).map(drop)
}

/// Reads the greeting and the request (RFC 1928, 3 and 4): which host and port. `None`: it was refused.
async fn greet(browser: &mut TcpStream) -> io::Result<Option<(String, u16)>> {
    let unknown = || io::Error::new(io::ErrorKind::InvalidData, "this is not SOCKS5");
    let [version, methods] = read(browser).await?;
    if version != 5 {
        return Err(unknown());
    }
    browser.read_exact(&mut vec![0; usize::from(methods)]).await?;
    // No authentication: loopback only, and nothing is reached that any program on this machine could not reach.
    browser.write_all(&[5, 0]).await?;
    let [version, command, _, kind] = read(browser).await?;
    if version != 5 {
        return Err(unknown());
    }
    let host = match kind {
        1 => Ipv4Addr::from(read(browser).await?).to_string(),
        3 => {
            let [length] = read(browser).await?;
            let mut name = vec![0; usize::from(length)];
            browser.read_exact(&mut name).await?;
            String::from_utf8(name).map_err(|_| unknown())?
        }
        4 => std::net::Ipv6Addr::from(read(browser).await?).to_string(),
        _ => {
            answer(browser, UNKNOWN_ADDRESS).await?;
            return Ok(None);
        }
    };
    let port = u16::from_be_bytes(read(browser).await?);
    if command != 1 {
        answer(browser, UNKNOWN_COMMAND).await?;
        return Ok(None);
    }
    Ok(Some((host, port)))
}

async fn read<const N: usize>(browser: &mut TcpStream) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    browser.read_exact(&mut bytes).await?;
    Ok(bytes)
}

/// Which address the proxy uses is nobody's business.
async fn answer(browser: &mut TcpStream, code: u8) -> io::Result<()> {
    browser.write_all(&[5, code, 0, 1, 0, 0, 0, 0, 0, 0]).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::{TcpListener as StdListener, TcpStream as StdStream};

    /// Asks the proxy for a host; the answer's code and the connection.
    fn ask(proxy: &Proxy, command: u8, host: &[u8], port: u16) -> (u8, StdStream) {
        let mut stream = StdStream::connect(proxy.address()).unwrap();
        stream.write_all(&[5, 1, 0]).unwrap();
        let mut greeting = [0; 2];
        stream.read_exact(&mut greeting).unwrap();
        assert_eq!(greeting, [5, 0]);
        stream.write_all(&[&[5, command, 0], host, &port.to_be_bytes()].concat()).unwrap();
        let mut answer = [0; 10];
        stream.read_exact(&mut answer).unwrap();
        (answer[1], stream)
    }

    fn named(name: &str) -> Vec<u8> {
        [&[3, name.len() as u8], name.as_bytes()].concat()
    }

    /// A server that says one thing to everybody and repeats what it hears.
    fn server(says: Vec<u8>) -> SocketAddr {
        let listener = StdListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut heard = [0; 5];
                let _ = stream.read_exact(&mut heard).and_then(|()| stream.write_all(&heard)).and_then(|()| stream.write_all(&says));
            }
        });
        address
    }

    #[test]
    fn what_is_allowed_gets_through_both_ways() {
        let server = server(b" world".to_vec());
        let proxy = Proxy::start(Guard::new([format!("localhost:{}", server.port()).parse().unwrap()]), 1 << 20).unwrap();
        let (code, mut stream) = ask(&proxy, 1, &named("localhost"), server.port());
        assert_eq!(code, DONE);
        stream.write_all(b"hello").unwrap();
        let mut said = String::new();
        stream.read_to_string(&mut said).unwrap();
        assert_eq!(said, "hello world");
        assert!(proxy.refused().is_empty() && !proxy.is_spent());
    }

    #[test]
    fn private_addresses_are_refused_in_every_form() {
        let server = server(Vec::new());
        let proxy = Proxy::start(Guard::default(), 1 << 20).unwrap();
        let hosts: [Vec<u8>; 6] = [
            named("localhost"),
            named("127.0.0.1"),
            named("2130706433"),
            vec![1, 127, 0, 0, 1],
            [&[4][..], &[0; 15], &[1]].concat(),
            [&[4][..], &[0; 10], &[0xff, 0xff, 127, 0, 0, 1]].concat(),
        ];
        for host in hosts {
            assert_eq!(ask(&proxy, 1, &host, server.port()).0, NOT_ALLOWED, "{host:?}");
        }
        assert!(proxy.refused().iter().all(|refused| matches!(refused, Refused::Private { .. })), "{:?}", proxy.refused());
        assert_eq!(ask(&proxy, 1, &named("no-such-name.invalid"), 80).0, UNREACHABLE);
        assert_eq!(ask(&proxy, 3, &named("8.8.8.8"), 53).0, UNKNOWN_COMMAND, "no UDP");
        assert_eq!(ask(&proxy, 2, &named("8.8.8.8"), 53).0, UNKNOWN_COMMAND, "no listening");
    }

    #[test]
    fn a_page_cannot_bring_in_more_than_the_limit() {
        let server = server(vec![7; 4 << 20]);
        let proxy = Proxy::start(Guard::new([server.to_string().parse().unwrap()]), 1 << 20).unwrap();
        let (_, mut stream) = ask(&proxy, 1, &named("127.0.0.1"), server.port());
        stream.write_all(b"hello").unwrap();
        let mut got = Vec::new();
        let _ = stream.read_to_end(&mut got);
        assert!(got.len() <= 1 << 20 && proxy.is_spent(), "{}", got.len());
    }

    #[test]
    fn what_is_no_socks_is_closed() {
        let proxy = Proxy::start(Guard::default(), 1 << 20).unwrap();
        let mut stream = StdStream::connect(proxy.address()).unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        let mut got = Vec::new();
        let _ = stream.read_to_end(&mut got);
        assert_eq!(got, b"");
    }
}
