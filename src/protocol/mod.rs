//! What goes over the wire, apart from the wire: pure values, no sockets and no store.

pub mod problem;
