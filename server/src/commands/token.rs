//! `lectern token`: lets somebody in.

use crate::auth::{Auth, Claims, Denied, Role};
use crate::config::Flags;
use crate::console::Console;
use crate::failure::Failure;
use crate::state;
use clap::Args;
use engine::graph::unit::DurationSetting;
use plugins_webrtc::token::{LiveKitClaims, sign};
use serde_json::json;
use uuid::Uuid;

const EXAMPLES: &str = "\
Examples:
  lectern token --role viewer --room demo              a viewer of the room demo, for an hour
  lectern token --role operator --ttl 8h               somebody who may do everything
  lectern token --livekit --role viewer --room demo    for the room of a LiveKit server (LIVEKIT_API_KEY, LIVEKIT_API_SECRET)
  lectern token --revoke 3f0c…                         a token is good no more

The secret that signs is the server's: auth.secret of its settings, LECTERN_AUTH_SECRET, or one that is kept in the state folder.";

/// Make a token that lets somebody in, or take one back.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Options {
    /// What its owner may do.
    #[arg(long, value_enum, default_value = "viewer")]
    role: Role,
    /// The room it is for; without one, all rooms.
    #[arg(long, value_name = "ROOM")]
    room: Option<String>,
    /// Who its owner is, in logs.
    #[arg(long, value_name = "NAME")]
    identity: Option<String>,
    /// How long it is good.
    #[arg(long, value_name = "TIME", default_value = "1h")]
    ttl: DurationSetting,
    /// For a LiveKit server's room: viewers watch, authors also command the lecture and send.
    #[arg(long, requires = "room")]
    livekit: bool,
    /// Take back the token of this id (its claim `jti`).
    #[arg(long, value_name = "ID", conflicts_with_all = ["room", "identity", "livekit"])]
    revoke: Option<String>,
    /// The settings of the server that it is for.
    #[arg(long, value_name = "FILE")]
    config: Option<std::path::PathBuf>,
}

/// Prints the token.
pub fn run(options: Options, console: &Console) -> Result<(), Failure> {
    let kept = state::folder();
    let failed = |error: &dyn std::error::Error| Failure::Failed(error.to_string());
    if options.livekit {
        return livekit(&options, console);
    }
    let flags = Flags { config: options.config.clone(), ..Flags::default() };
    let auth = Auth::new(flags.load()?.settings.keys(&kept).map_err(|error| Failure::Invalid(error.to_string()))?, Denied::open(&kept));
    if let Some(jti) = &options.revoke {
        auth.deny(jti).map_err(|error| failed(&error))?;
        console.say("revoked; who is in with it is sent away when the server looks again: every 30 s, or `lectern live --recheck`");
        return Ok(());
    }
    let identity = options.identity.unwrap_or_else(|| format!("{:?}-{}", options.role, Uuid::new_v4().simple()).to_lowercase());
    let claims = Claims::new(options.role, options.room, &identity, options.ttl.0.to_std());
    let token = auth.mint(&claims).map_err(|error| failed(&error))?;
    match console.json() {
        true => console.answer_json(&json!({ "token": token, "jti": claims.jti, "identity": identity, "expires_at": claims.exp })),
        false => console.answer(&format!("{token}\n")),
    }
    Ok(())
}

fn livekit(options: &Options, console: &Console) -> Result<(), Failure> {
    let setting = |name: &str| {
        std::env::var(name)
            .ok()
            .filter(|value| !value.is_empty())
            .ok_or_else(|| Failure::Invalid(format!("{name} is not set; it is the LiveKit server's")))
    };
    let (key, secret) = (setting("LIVEKIT_API_KEY")?, setting("LIVEKIT_API_SECRET")?);
    let identity = options.identity.clone().unwrap_or_else(|| format!("viewer-{}", Uuid::new_v4().simple()));
    let (room, ttl) = (options.room.as_deref().unwrap_or_default(), options.ttl.0.to_std());
    let claims = match options.role {
        Role::Viewer => LiveKitClaims::viewer(&key, room, &identity, ttl),
        Role::Author | Role::Operator => LiveKitClaims::author(&key, room, &identity, ttl),
        Role::Worker => return Err(Failure::Invalid("a worker has nothing to do in a LiveKit room; choose viewer or author".into())),
    };
    let token = sign(&claims, None, secret.as_bytes()).map_err(|error| Failure::Failed(error.to_string()))?;
    match console.json() {
        true => console.answer_json(&json!({ "token": token, "identity": identity, "expires_at": claims.exp })),
        false => console.answer(&format!("{token}\n")),
    }
    Ok(())
}
