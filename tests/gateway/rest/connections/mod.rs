//! Connections: the heads of requests, the limits, and the end of the server.

mod heads;
mod keep_alive;
mod limits;
mod shutdown;
