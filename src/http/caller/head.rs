//! The head of a request, and the address that it comes from.

use std::net::Ipv4Addr;

use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, Method, Request, Uri};

use crate::http::access::caller_address;
use crate::http::{ConnectionPermit, HttpState};
use crate::limits::AddressBlock;

/// The head of a request.
#[derive(Clone, Copy)]
pub(in crate::http) struct CallHead<'r> {
    pub(super) method: &'r Method,
    pub(super) uri: &'r Uri,
    pub(super) headers: &'r HeaderMap,
    pub(super) extensions: &'r Extensions,
}

impl<'r> CallHead<'r> {
    /// The head of a whole request.
    pub(in crate::http) fn of<B>(request: &'r Request<B>) -> Self {
        Self {
            method: request.method(),
            uri: request.uri(),
            headers: request.headers(),
            extensions: request.extensions(),
        }
    }

    /// The head alone.
    pub(super) fn of_parts(parts: &'r Parts) -> Self {
        Self {
            method: &parts.method,
            uri: &parts.uri,
            headers: &parts.headers,
            extensions: &parts.extensions,
        }
    }

    /// The address that it comes from.
    pub(super) fn address(&self, state: &HttpState) -> AddressBlock {
        let peer = self.extensions.get::<ConnectionPermit>();
        let peer = peer.map_or(Ipv4Addr::UNSPECIFIED.into(), |permit| permit.peer().ip());
        caller_address(&state.options.proxies, peer, self.headers).into()
    }
}
