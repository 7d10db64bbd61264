//! The description of the native API, made from the code: `/v1/openapi.json`, and `/v1`, a page that shows it.

use super::{
    App, backups, catalogue, decks, follow, idempotency, job_files, jobs, live, operations, pages, problem, sockets, webhooks, whep,
};
use axum::http::header;
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::Value;
use std::fmt::Write;
use std::sync::{Arc, LazyLock};
use utoipa::openapi::RefOr;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Lectern",
        description = "Decks in, lectures by a talking avatar out: as films, or live. Progress of jobs comes by Server-Sent Events and WebSocket, \
            sessions by WHEP and WebSocket; docs/service.md and docs/live.md say how.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    paths(
        jobs::create, jobs::list, jobs::show, jobs::start, jobs::cancel, jobs::retry, jobs::remove,
        follow::events, follow::progress, operations::report, job_files::log, job_files::list, job_files::get,
        decks::create, decks::list, decks::show, decks::remove,
        live::list, live::create, live::show, live::end, live::command, live::graph, live::log, live::mint, live::revoke,
        whep::offer, whep::leave, sockets::media, sockets::events,
        webhooks::create, webhooks::list, webhooks::remove,
        backups::create, operations::health, operations::ready, operations::storage, pages::metrics,
        catalogue::voices, catalogue::avatars, catalogue::nodes, catalogue::node, catalogue::graphs, catalogue::graph_schema,
        catalogue::check_graph, catalogue::lessons, catalogue::lesson_schema,
    ),
    components(schemas(problem::Document)),
    modifiers(&Bearer, &Keys),
    security(("token" = []))
)]
struct Document;

/// How it is known who asks.
struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme =
            HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").description(Some("From `lectern token`.")).build();
        let components = document.components.get_or_insert_default();
        components.security_schemes.insert("token".into(), SecurityScheme::Http(scheme).into());
    }
}

/// What creates something takes a key.
struct Keys;

impl Modify for Keys {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        for operation in document.paths.paths.values_mut().filter_map(|path| path.post.as_mut()) {
            let parameters = operation.parameters.get_or_insert_default();
            // Jobs say more about theirs.
            let is_known = |known: &RefOr<Parameter>| matches!(known, RefOr::T(known) if known.name == idempotency::HEADER);
            if operation.responses.responses.contains_key("201") && !parameters.iter().any(is_known) {
                let text =
                    "The same request with the same key gets the same answer for a day, and creates nothing more; another one gets 422.";
                let text_schema = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(500));
                let parameter = ParameterBuilder::new().name(idempotency::HEADER).parameter_in(ParameterIn::Header);
                parameters.push(RefOr::T(parameter.description(Some(text)).schema(Some(text_schema)).build()));
            }
        }
    }
}

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| serde_json::to_value(Document::openapi()).expect("a description is plain data"));

/// The paths.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/v1/openapi.json", get(async || Json(&*DOCUMENT)))
        .route("/v1", get(async || Html(page(&DOCUMENT))))
        .route("/v1/page.css", get(async || ([(header::CONTENT_TYPE, "text/css")], STYLE).into_response()))
}

const STYLE: &str = include_str!("page.css");

/// The description for people.
fn page(document: &Value) -> String {
    let text = |value: &Value| escaped(value.as_str().unwrap_or_default());
    let mut page = String::from("<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">");
    let info = &document["info"];
    let _ = write!(
        page,
        "<title>Lectern: the API</title><link rel=stylesheet href=/v1/page.css><main><h1>{} {}</h1>",
        text(&info["title"]),
        text(&info["version"])
    );
    let _ = write!(page, "<p>{}<p>As a document for programs: <a href=/v1/openapi.json>openapi.json</a>.", text(&info["description"]));
    for (path, operations) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in operations.as_object().into_iter().flatten() {
            let (path, method) = (escaped(path), escaped(method).to_uppercase());
            let _ = write!(page, "<section><h2><b class={method}>{method}</b> <code>{path}</code></h2><p>{}", text(&operation["summary"]));
            let parameters = operation["parameters"].as_array().filter(|parameters| !parameters.is_empty());
            if let Some(parameters) = parameters {
                page.push_str("<dl>");
                for parameter in parameters {
                    let _ = write!(
                        page,
                        "<dt><code>{}</code> in {}<dd>{}",
                        text(&parameter["name"]),
                        text(&parameter["in"]),
                        text(&parameter["description"])
                    );
                }
                page.push_str("</dl>");
            }
            for (kind, content) in operation["requestBody"]["content"].as_object().into_iter().flatten() {
                let _ = write!(page, "<p>Send {}:<pre>{}</pre>", escaped(kind), escaped(&schema(document, &content["schema"])));
            }
            for (status, response) in operation["responses"].as_object().into_iter().flatten().filter(|(status, _)| *status != "default") {
                let _ = write!(page, "<p>{}: {}", escaped(status), text(&response["description"]));
            }
            page.push_str("</section>");
        }
    }
    page.push_str("</main></html>");
    page
}

/// A schema, looked up where it is only named.
fn schema(document: &Value, schema: &Value) -> String {
    let named = schema["$ref"].as_str().and_then(|name| document.pointer(name.trim_start_matches('#')));
    serde_json::to_string_pretty(named.unwrap_or(schema)).unwrap_or_default()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_description_is_whole() {
        let text = DOCUMENT.to_string();
        for name in text.split("\"#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(DOCUMENT["components"]["schemas"][name].is_object(), "{name} is named and not described");
        }
        for (path, operations) in DOCUMENT["paths"].as_object().unwrap() {
            for (method, operation) in operations.as_object().unwrap() {
                assert!(operation["summary"].as_str().is_some_and(|summary| !summary.is_empty()), "{method} {path} says nothing");
                let named = path.matches('{').count();
                let given = operation["parameters"].as_array().map_or(0, |all| all.iter().filter(|one| one["in"] == "path").count());
                assert_eq!(named, given, "{method} {path}");
                assert!(page(&DOCUMENT).contains(&format!("<code>{}</code>", escaped(path))));
            }
        }
    }
}
