//! Live web pages as pictures: captured by Chromium, which is called as a program, and kept by their address.
//!
//! A page is somebody else's program. It runs in a browser that was started for it alone, with an empty profile and no way to the
//! network but a proxy that lets it reach the public internet only ([`net::guard`](crate::net::guard)), for a limited time and amount of
//! data; then the browser is killed with all that it started. What was captured is kept in the cache and taken again until
//! [`PageCache::forget`]: the same film comes out, whatever the page has become meanwhile.

mod cache;
mod capture;
mod chromium;
mod error;
mod film;
mod page;
mod proxy;
#[cfg(test)]
mod tests;

pub use cache::PageCache;
pub use capture::{Captured, Moving, moving, still};
pub use error::BrowserError;
pub use page::PageSettings;
