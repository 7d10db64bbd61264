//! `/v1/voices`, `/v1/avatars`, `/v1/nodes`, `/v1/graphs`, `/v1/lessons`: what there is to choose from.

use super::access::Bearer;
use super::paging::Part;
use super::problem::Problem;
use super::{App, Shared, aside};
use crate::catalogue;
use crate::console::{problem_json, problems_json};
use crate::graphs::GraphFile;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use engine::graph::check::{Depth, check};
use engine::graph::{LoadOptions, load};
use serde_json::{Value, json};
use std::path::Path as FilePath;
use std::sync::Arc;

/// What a graph is called that comes without a name.
const NAME: &str = "graph.yaml";

/// The paths.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/v1/voices", get(voices))
        .route("/v1/avatars", get(avatars))
        .route("/v1/nodes", get(nodes))
        .route("/v1/nodes/{name}", get(node))
        .route("/v1/graphs", get(graphs))
        .route("/v1/graphs/schema", get(graph_schema))
        .route("/v1/graphs/check", post(check_graph))
        .route("/v1/lessons", get(lessons))
        .route("/v1/lessons/schema", get(lesson_schema))
}

/// Which voices are known, and whether they are on the server's machine.
#[utoipa::path(get, path = "/v1/voices", tag = "catalogue", responses((status = 200, description = "All of them.", body = Object), Problem))]
pub async fn voices(_bearer: Bearer) -> Result<Json<Value>, Problem> {
    Ok(Json(json!({ "voices": aside(catalogue::voices).await? })))
}

/// Which presenters there are.
#[utoipa::path(get, path = "/v1/avatars", tag = "catalogue", responses((status = 200, description = "All of them.", body = Object), Problem))]
pub async fn avatars(_bearer: Bearer) -> Json<Value> {
    Json(json!({ "avatars": catalogue::avatars() }))
}

/// Which node types a graph may have.
#[utoipa::path(get, path = "/v1/nodes", tag = "catalogue", responses((status = 200, description = "All of them.", body = Object), Problem))]
pub async fn nodes(_bearer: Bearer) -> Json<Value> {
    Json(json!({ "nodes": catalogue::nodes(&plugins_webrtc::registry()) }))
}

/// A node type: its ports, its settings with defaults, an example.
#[utoipa::path(get, path = "/v1/nodes/{name}", tag = "catalogue", params(("name" = String, Path, description = "The node type.")),
    responses((status = 200, description = "It.", body = Object), Problem))]
pub async fn node(_bearer: Bearer, Path(name): Path<String>) -> Result<Json<Value>, Problem> {
    let registry = plugins_webrtc::registry();
    let found = registry.get(&name).map(catalogue::node);
    found.map(Json).ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "no_such_node", "there is no such node type; /v1/nodes lists all"))
}

/// The graph that films and sessions are made with.
#[utoipa::path(get, path = "/v1/graphs", tag = "catalogue", responses((status = 200, description = "Name and text.", body = Object), Problem))]
pub async fn graphs(_bearer: Bearer) -> Json<Value> {
    let lecture = GraphFile::new(None);
    Json(json!({ "graphs": [{ "name": "lecture", "text": lecture.text }] }))
}

/// The JSON schema of graph files.
#[utoipa::path(get, path = "/v1/graphs/schema", tag = "catalogue", responses((status = 200, description = "It.", body = Object), Problem))]
pub async fn graph_schema(_bearer: Bearer) -> Json<Value> {
    Json(engine::catalog::schema(&plugins_webrtc::registry()))
}

/// What is wrong with a graph file. Nothing of it is run, and no file that it names is looked at.
#[utoipa::path(post, path = "/v1/graphs/check", tag = "catalogue", request_body(content = Option<String>, content_type = "text/plain"),
    responses((status = 200, description = "Whether it is valid, and each problem with its place.", body = Object), Problem))]
pub async fn check_graph(Bearer(claims): Bearer, text: String) -> Result<Json<Value>, Problem> {
    claims.must_be_author()?;
    let checked = aside(move || {
        let document = load(&text, NAME, &LoadOptions::default())?;
        check(&document, &plugins_webrtc::registry(), Depth::Pure).map(|plan| (document.warnings, plan))
    });
    Ok(Json(match checked.await? {
        Ok((warnings, plan)) => {
            let warnings: Value = warnings.iter().map(problem_json).collect();
            json!({ "valid": true, "graph": plan.name, "nodes": plan.nodes.len(), "lanes": plan.lanes().len(), "warnings": warnings })
        }
        Err(problems) => json!({ "valid": false, "problems": problems_json(&problems) }),
    }))
}

/// Which lessons the server has for sessions, by their paths.
#[utoipa::path(get, path = "/v1/lessons", tag = "catalogue", params(Part),
    responses((status = 200, description = "A page of them, and how many there are.", body = Object), Problem))]
pub async fn lessons(app: Shared, Bearer(claims): Bearer, Query(part): Query<Part>) -> Result<Json<Value>, Problem> {
    claims.must_be_author()?;
    let folder = app.settings.lessons.folder.clone();
    let found = aside(move || {
        let mut found = Vec::new();
        folder.iter().for_each(|folder| list(folder, "", &mut found));
        found.sort();
        found
    });
    Ok(Json(part.of("lessons", &found.await?, |path| json!(path))?))
}

/// Files in a folder and those in it, by their paths; what begins with a dot is nobody's business.
fn list(folder: &FilePath, path: &str, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let Some(name) = entry.file_name().to_str().filter(|name| !name.starts_with('.')).map(String::from) else { continue };
        let path = if path.is_empty() { name } else { format!("{path}/{name}") };
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && path.matches('/').count() < 4 => list(&entry.path(), &path, found),
            Ok(kind) if kind.is_file() => found.push(path),
            _ => {}
        }
    }
}

/// The JSON schema of `lesson.yaml`.
#[utoipa::path(get, path = "/v1/lessons/schema", tag = "catalogue", responses((status = 200, description = "It.", body = Object), Problem))]
pub async fn lesson_schema(_bearer: Bearer) -> Json<Value> {
    Json(plugins::lesson::schema().to_value())
}
