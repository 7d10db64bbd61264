//! A line to a server that stops in the middle of a request.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// Bytes of a body that still pass.
const PART: usize = 100;

/// See the module docs.
pub struct Line {
    address: SocketAddr,
    stopped: Receiver<()>,
}

impl Line {
    /// To `HOST:PORT`. It passes all that is said, but for requests that begin with these words: of their bodies only the first bytes come.
    pub fn to(server: &str, words: &'static str) -> Line {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let (stop, stopped) = channel();
        let server = server.to_string();
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(&server) else { return };
                let stop = stop.clone();
                let (from, to) = (client.try_clone().expect("a socket"), server.try_clone().expect("a socket"));
                std::thread::spawn(move || drop(back(server, client)));
                std::thread::spawn(move || drop(forth(from, to, words.as_bytes(), &stop)));
            }
        });
        Line { address, stopped }
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits until a request is held.
    pub fn until_it_stops(&self) {
        self.stopped.recv_timeout(Duration::from_secs(120)).expect("a request is held");
    }
}

fn back(mut from: TcpStream, mut to: TcpStream) -> std::io::Result<()> {
    let copied = std::io::copy(&mut from, &mut to);
    to.shutdown(Shutdown::Both)?;
    copied.map(drop)
}

/// Whoever is cut off here is so at the other end, too.
fn forth(mut from: TcpStream, mut to: TcpStream, words: &[u8], stop: &Sender<()>) -> std::io::Result<()> {
    let mut held: Vec<u8> = Vec::new();
    let mut buffer = [0; 16 << 10];
    loop {
        let count = from.read(&mut buffer)?;
        if count == 0 {
            return to.shutdown(Shutdown::Both);
        }
        held.extend(&buffer[..count]);
        let find = |text: &[u8], from: usize| held[from..].windows(text.len()).position(|window| window == text).map(|found| from + found);
        match find(words, 0) {
            None => {
                // The words may come in two pieces.
                let keep = (1..words.len()).rev().find(|&length| held.ends_with(&words[..length])).unwrap_or(0);
                to.write_all(&held[..held.len() - keep])?;
                held.drain(..held.len() - keep);
            }
            Some(at) => {
                let Some(end) = find(b"\r\n\r\n", at).map(|end| end + 4 + PART).filter(|&end| end <= held.len()) else { continue };
                to.write_all(&held[..end])?;
                let _ = stop.send(());
                while from.read(&mut buffer)? > 0 {}
                return to.shutdown(Shutdown::Both);
            }
        }
    }
}
