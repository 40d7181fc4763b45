//! `POST /people/import`: people as NDJSON, a line each, saved while they arrive.
