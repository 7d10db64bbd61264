//! Accounts: making one, signing in, and what somebody says about themselves. The web front signs sessions itself; who has none of its
//! own may use the token that comes with an answer, which is Lectern's and good for the native API, too.

use super::aside;
use super::languages;
use super::refused::Refused;
use super::session::{Desk, must_vouch, service};
use crate::accounts::{Account, Accounts, Change, NewAccount, Vouched};
use crate::compat::fastapi::{Fields, object};
use crate::http::App;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use std::sync::Arc;

type Answer = Result<Json<Value>, Refused>;

pub async fn register(State(app): State<Arc<App>>, body: Bytes) -> Result<(StatusCode, Json<Value>), Refused> {
    if !app.settings.auth.register {
        return Err(Refused::because(
            StatusCode::FORBIDDEN,
            "nobody makes themselves an account here; ask whoever runs this server for one",
        ));
    }
    let body = object(&body)?;
    let mut fields = Fields::of("body", &body);
    let (email, password) = (fields.words("email").to_string(), fields.text("password").to_string());
    let name = fields.optional("name").map(String::from);
    fields.check()?;
    let made = with_accounts(&app, move |accounts| {
        accounts.register(&NewAccount { email: &email, password: &password, name: name.as_deref() }).map_err(Refused::from)
    });
    Ok((StatusCode::CREATED, signed_in(&app, made.await?).await?))
}

pub async fn login(State(app): State<Arc<App>>, body: Bytes) -> Answer {
    let body = object(&body)?;
    let mut fields = Fields::of("body", &body);
    let (email, password) = (fields.words("email").to_string(), fields.text("password").to_string());
    fields.check()?;
    let known = with_accounts(&app, move |accounts| accounts.login(&email, &password).map_err(Refused::from));
    signed_in(&app, known.await?).await
}

/// The front has let somebody sign in with Google, and says so.
pub async fn google(State(app): State<Arc<App>>, headers: HeaderMap, body: Bytes) -> Answer {
    must_vouch(&app, &headers)?;
    let body = object(&body)?;
    let mut fields = Fields::of("body", &body);
    let (email, id) = (fields.words("email").to_string(), fields.words("id").to_string());
    let [name, picture] = ["name", "picture"].map(|field| fields.optional(field).map(String::from));
    fields.check()?;
    let account = with_accounts(&app, move |accounts| {
        let who = Vouched { provider: "google", subject: &id, email: &email, name: name.as_deref(), picture: picture.as_deref() };
        accounts.vouched(&who).map_err(Refused::from)
    });
    Ok(shown(&account.await?))
}

pub async fn me(State(app): State<Arc<App>>, desk: Desk) -> Answer {
    let account = with_accounts(&app, move |accounts| accounts.get(&desk.person.id).map_err(Refused::from));
    Ok(shown(&account.await?))
}

pub async fn change(State(app): State<Arc<App>>, desk: Desk, body: Bytes) -> Answer {
    let body = object(&body)?;
    let mut fields = Fields::of("body", &body);
    let [name, theme, language] = ["name", "preferred_theme", "preferred_language"].map(|field| fields.optional(field).map(String::from));
    fields.check()?;
    let language = match language {
        None => None,
        Some(text) => Some(languages::find(&text).ok_or_else(|| {
            let message = format!("Input should be one of {}", languages::names().join(", "));
            Refused::invalid("value_error", ["body", "preferred_language"], message, &Value::String(text))
        })?),
    };
    let account = with_accounts(&app, move |accounts| {
        let preferred_language = language.map(|language| language.name);
        let change = Change { name: name.as_deref(), preferred_language, preferred_theme: theme.as_deref() };
        accounts.change(&desk.person.id, &change).map_err(Refused::from)
    });
    Ok(shown(&account.await?))
}

/// Does something with accounts, which may take a while.
async fn with_accounts<T: Send + 'static>(
    app: &App,
    work: impl FnOnce(&Accounts) -> Result<T, Refused> + Send + 'static,
) -> Result<T, Refused> {
    let service = service(app)?;
    aside(move || work(&service.accounts)).await?
}

async fn signed_in(app: &Arc<App>, account: Account) -> Answer {
    let (of, whose) = (app.clone(), account.clone());
    let token = with_accounts(app, move |accounts| accounts.token(&of.auth, &whose).map_err(Refused::from)).await?;
    let mut answer = shown(&account);
    answer["token"] = token.into();
    Ok(answer)
}

fn shown(account: &Account) -> Json<Value> {
    Json(json!({ "user": account }))
}
