//! Tells those who asked for it that a job is over: a POST with what became of it, signed as Standard Webhooks has it
//! (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>), and tried again until it is taken.
//!
//! What has to be told stands in the ledger, written with the job's end; a server that is killed tells it after its next start. It may come
//! twice: its `webhook-id` stays the same.

use crate::ledger::{Delivery, Ledger, LedgerError, Timestamp};
use crate::security::Outgoing;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::join_all;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// Told at once; those who do not answer keep the others waiting for no longer than one answer may take.
const AT_ONCE: u32 = 16;
/// How long until it is tried again: after the first time, the second, and so on. After the last it is given up.
const PAUSES: [u64; 8] = [5, 30, 2 * 60, 10 * 60, 3600, 3 * 3600, 10 * 3600, 24 * 3600];
/// What secrets begin with, so that they are known for what they are.
const PREFIX: &str = "whsec_";

/// A new secret.
pub fn secret() -> String {
    let random: Vec<u8> = [Uuid::new_v4(), Uuid::new_v4()].iter().flat_map(|random| *random.as_bytes()).collect();
    format!("{PREFIX}{}", STANDARD.encode(random))
}

/// Tells all there is to tell, and goes on as long as the ledger is open.
pub async fn tell(ledger: Ledger, outgoing: Arc<Outgoing>) {
    loop {
        match round(&ledger, &outgoing).await {
            Ok(Some(pause)) => drop(tokio::time::timeout(pause, ledger.ended()).await),
            Ok(None) => ledger.ended().await,
            Err(LedgerError::Closed) => return,
            Err(error) => {
                tracing::warn!(%error, "webhooks cannot be told now");
                tokio::time::sleep(Duration::from_secs(PAUSES[0])).await;
            }
        }
    }
}

/// Tells what is due; how long until there is more.
async fn round(ledger: &Ledger, outgoing: &Outgoing) -> Result<Option<Duration>, LedgerError> {
    let due = ledger.deliveries(Timestamp::now(), AT_ONCE)?;
    for (delivery, told) in join_all(due.iter().map(async |delivery| (delivery, post(outgoing, delivery).await))).await {
        let (id, attempt) = (delivery.id.clone(), delivery.attempt as usize);
        match told {
            Ok(()) => ledger.write(move |write| write.delivered(&id)).await?,
            Err(why) => match PAUSES.get(attempt) {
                Some(pause) => {
                    tracing::info!(url = delivery.url, why, "a webhook was not taken; it is tried again in {pause} s");
                    let due = Timestamp::now().after(Duration::from_secs(*pause));
                    ledger.write(move |write| write.postponed(&id, due)).await?;
                }
                None => {
                    tracing::warn!(url = delivery.url, why, "a webhook is given up");
                    ledger.write(move |write| write.delivered(&id)).await?;
                }
            },
        }
    }
    ledger.next_delivery(Timestamp::now())
}

/// Why it was not taken, if it was not.
async fn post(outgoing: &Outgoing, delivery: &Delivery) -> Result<(), String> {
    let Delivery { id, url, secret, body, .. } = delivery;
    // Whoever runs the server may have forbidden private networks since.
    let url = outgoing.check(url).map_err(|error| error.to_string())?;
    let now = (Timestamp::now().0 / 1000).to_string();
    let request = outgoing.client().post(url).header("content-type", "application/json").header("webhook-id", id);
    let request = request.header("webhook-timestamp", &now).header("webhook-signature", sign(secret, id, &now, body)).body(body.clone());
    let answer = request.send().await.map_err(|error| error.without_url().to_string())?;
    if answer.status().is_success() { Ok(()) } else { Err(format!("the answer was {}", answer.status())) }
}

/// `v1,` and the HMAC-SHA256 of `ID.TIMESTAMP.BODY` in base64; the key is what stands in base64 behind the secret's prefix.
fn sign(secret: &str, id: &str, timestamp: &str, body: &str) -> String {
    let key = STANDARD.decode(secret.trim_start_matches(PREFIX)).unwrap_or_else(|_| secret.as_bytes().to_vec());
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("a key of any length does");
    mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_signed_as_the_standard_has_it() {
        // The example of the specification.
        let body = r#"{"test": 2432232314}"#;
        let signature = sign("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", body);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert!(secret() != secret() && STANDARD.decode(&secret()[PREFIX.len()..]).unwrap().len() == 32);
    }
}
