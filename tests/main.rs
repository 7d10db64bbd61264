//! The integration tests: one binary, so that everything is linked once. They run the program as a user does.

mod bad;
mod cli;
mod contracts;
mod lecture;
mod live;
mod service;
mod support;
