//! The two listeners: the public one, whose requests are waited for at the end, and the operators',
//! which answers until the very end.

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;

use axum::Router;
use rustix::io::Errno;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::welcome::Addresses;
use super::{AppError, open_files};
use crate::config::{Listen, Settings};
use crate::http::{Server, ServerOptions};
use crate::telemetry::Metrics;

/// Connections of the admin listener: a balancer, a scraper, somebody with curl.
const ADMIN_CONNECTIONS: NonZeroUsize = NonZeroUsize::new(64).expect("not zero");

/// Bound, not yet accepting.
pub(super) struct Listeners {
    public: Server,
    admin: Server,
    /// Where they really listen.
    pub(super) addresses: Addresses,
}

/// Accepting. Dropping it closes the admin listener.
pub(super) struct Running {
    stop: CancellationToken,
    connections: TaskTracker,
    _admin: DropGuard,
}

impl Listeners {
    /// Raises the limit of open files, and binds both. Must be called inside the runtime.
    pub(super) fn bind(settings: &Settings, metrics: &Metrics) -> Result<Self, AppError> {
        let fitting = open_files::connections_max(open_files::raise());
        let options = settings.server_options(settings.http.connections_max.unwrap_or(fitting));
        let admin_options = ServerOptions {
            connections_max: ADMIN_CONNECTIONS,
            ..options
        };
        let (public, public_addresses) = bind(&settings.listen, "--listen", options, metrics)?;
        // Connections of operators are not counted among the public's.
        let uncounted = Metrics::default();
        let (admin, admin_addresses) = bind(
            &settings.admin.listen,
            "--admin-listen",
            admin_options,
            &uncounted,
        )?;
        Ok(Self {
            public,
            admin,
            addresses: Addresses {
                public: public_addresses,
                admin: admin_addresses,
            },
        })
    }

    /// Starts accepting.
    pub(super) fn serve(self, public: Router, admin: Router) -> Running {
        let (stop, stop_admin) = (CancellationToken::new(), CancellationToken::new());
        let connections = TaskTracker::new();
        connections.spawn(self.public.serve(public, stop.clone(), connections.clone()));
        tokio::spawn(
            self.admin
                .serve(admin, stop_admin.clone(), TaskTracker::new()),
        );
        Running {
            stop,
            connections,
            _admin: stop_admin.drop_guard(),
        }
    }
}

impl Running {
    /// Accepts nothing more from the public, and waits until every request and session has ended.
    pub(super) async fn drain(&self) {
        self.stop.cancel();
        self.connections.close();
        self.connections.wait().await;
    }
}

/// Binds all addresses, which have one port. A name may have addresses that this machine has not
/// (IPv6, switched off): one that works is enough.
fn bind(
    listen: &Listen,
    flag: &'static str,
    options: ServerOptions,
    metrics: &Metrics,
) -> Result<(Server, Vec<SocketAddr>), AppError> {
    let (mut bound, mut addresses, mut missing) = (None::<Server>, Vec::<SocketAddr>::new(), None);
    for address in listen.addresses() {
        let port = addresses.first().map_or(address.port(), SocketAddr::port);
        let address = SocketAddr::new(address.ip(), port);
        let refused = |source| AppError::listen(address, flag, source);
        match Server::bind(address, options, Arc::new(metrics.clone())) {
            Ok(server) => {
                addresses.push(server.local_addr().map_err(refused)?);
                bound = Some(match bound {
                    Some(others) => others.and(server),
                    None => server,
                });
            }
            Err(source) if is_not_here(&source) => missing = Some(refused(source)),
            Err(source) => return Err(refused(source)),
        }
    }
    match (bound, missing) {
        (Some(server), None) => Ok((server, addresses)),
        (Some(server), Some(missing)) => {
            tracing::warn!(
                %missing,
                "an address of the name is not there; the others are listened on"
            );
            Ok((server, addresses))
        }
        (None, missing) => Err(missing.expect("there is at least one address to listen on")),
    }
}

/// The machine has no such address, or nothing of its family.
fn is_not_here(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::AddrNotAvailable
        || error.raw_os_error() == Some(Errno::AFNOSUPPORT.raw_os_error())
}
