//! The description of REST against the gateway: it names every path and method, and real answers are as it says.

mod answers;
mod description;
mod pages;
mod program;
mod routes;
mod shapes;
