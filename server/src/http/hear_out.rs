//! A sender is heard out: what nobody reads of a request's body is read and forgotten, while the answer goes out or after it.
//!
//! A connection that is closed with something unread on it is reset, and whoever still sends loses the answer (RFC 9112, 9.6). That would
//! be every upload that is refused for its size, its sender or its form before all of it has come.

use axum::body::{Body, BodyDataStream, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::header::EXPECT;
use axum::middleware::Next;
use axum::response::Response;
use futures_util::{Stream, StreamExt};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// How long somebody may go on sending what nobody wants.
const PATIENCE: Duration = Duration::from_secs(30);

/// The layer around all routes.
pub async fn hear_out(request: Request, next: Next) -> Response {
    let asks_first = request.headers().contains_key(EXPECT);
    let heard = |body: Body| {
        if body.is_end_stream() {
            return body;
        }
        Body::from_stream(Heard { rest: Some(body.into_data_stream()), asks_first })
    };
    next.run(request.map(heard)).await
}

/// A body that is read on when it is dropped before its end.
struct Heard {
    /// Nothing once it has come to its end.
    rest: Option<BodyDataStream>,
    /// Nothing is sent before somebody wants to read it (`Expect: 100-continue`), and so far nobody did.
    asks_first: bool,
}

impl Stream for Heard {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let heard = self.get_mut();
        heard.asks_first = false;
        let Some(rest) = &mut heard.rest else { return Poll::Ready(None) };
        let next = rest.poll_next_unpin(context);
        if matches!(next, Poll::Ready(None | Some(Err(_)))) {
            heard.rest = None;
        }
        next
    }
}

impl Drop for Heard {
    fn drop(&mut self) {
        let Some(mut rest) = self.rest.take().filter(|_| !self.asks_first) else { return };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let to_the_end = async { while let Some(Ok(_)) = rest.next().await {} };
                // Whether it ends in time or not, the answer is the same.
                let _ = tokio::time::timeout(PATIENCE, to_the_end).await;
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::http::StatusCode;
    use axum::middleware::from_fn;
    use axum::routing::post;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    const SIZE: usize = 16 << 20;

    /// A connection to a server that refuses at `/`, and at `/part` once it has read something.
    async fn connect() -> TcpStream {
        let part = async |body: Body| {
            let first = body.into_data_stream().next().await;
            (StatusCode::BAD_REQUEST, format!("{}", first.is_some()))
        };
        let refuse = async || StatusCode::TOO_MANY_REQUESTS;
        let app = Router::new().route("/", post(refuse)).route("/part", post(part)).layer(from_fn(hear_out));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        TcpStream::connect(address).await.unwrap()
    }

    fn head(path: &str, more: &str) -> String {
        format!("POST {path} HTTP/1.1\r\nhost: lectern\r\ncontent-length: {SIZE}\r\n{more}\r\n")
    }

    /// Up to the end of a text that an answer ends with.
    async fn read_to(connection: &mut TcpStream, end: &str) -> String {
        let mut text = String::new();
        while !text.ends_with(end) {
            let byte = connection.read_u8().await.unwrap_or_else(|error| panic!("{error} after {text}"));
            text.push(char::from(byte));
        }
        text
    }

    #[tokio::test]
    async fn who_is_refused_reads_the_answer_and_sends_on() {
        let mut connection = connect().await;
        for (path, end, status) in [("/", "\r\n\r\n", "429"), ("/part", "true", "400"), ("/", "\r\n\r\n", "429")] {
            connection.write_all(head(path, "").as_bytes()).await.unwrap();
            connection.write_all(b"first").await.unwrap();
            let answer = read_to(&mut connection, end).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
            // More than any buffer on the way holds.
            connection.write_all(&vec![b'x'; SIZE - "first".len()]).await.unwrap();
        }
    }

    #[tokio::test]
    async fn who_asks_first_is_not_told_to_send() {
        let mut connection = connect().await;
        connection.write_all(head("/", "expect: 100-continue\r\n").as_bytes()).await.unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 429"), "{answer}");
        let mut connection = self::connect().await;
        connection.write_all(head("/part", "expect: 100-continue\r\n").as_bytes()).await.unwrap();
        assert_eq!(read_to(&mut connection, "\r\n\r\n").await, "HTTP/1.1 100 Continue\r\n\r\n");
    }
}
