//! Connections: how requests are read, how long peers are waited for, and how the server ends.

mod heads;
mod keep_alive;
mod limits;
mod shutdown;
