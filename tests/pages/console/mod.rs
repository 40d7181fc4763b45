//! The console in a real browser: each test has its own gateway and Chromium.

mod both_pages;
mod forms;
mod hidden_fields;
mod imports;
mod origins;
mod outages;
mod pictures;
mod scenes;
mod support;
mod tokens;
