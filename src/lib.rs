//! People Gateway: people saved and deleted over REST reach every WebSocket client that chose them.
//!
//! The modules, top to bottom, are the layers; imports run downwards only (see ARCHITECTURE.md).

pub mod app;
pub mod auth;
pub mod cli;
pub mod config;
pub mod domain;
pub mod fanout;
pub mod filter;
pub mod history;
pub mod http;
pub mod limits;
pub mod protocol;
pub mod relay;
pub mod rights;
pub mod session;
pub mod store;
pub mod telemetry;
