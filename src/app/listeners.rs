//! The two listeners. A shutdown waits for the requests of the public one; the admin listener
//! answers until the very end.

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;

use axum::Router;
use rustix::io::Errno;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::AppError;
use super::process::open_files;
use super::welcome::Addresses;
use crate::config::{ListenAddress, Settings};
use crate::http::{HttpServer, Metrics, ServerOptions};
use crate::limits::Limits;

/// Connections of the admin listener: balancers, scrapers, operators.
const ADMIN_CONNECTIONS: NonZeroUsize = NonZeroUsize::new(64).expect("not zero");

/// Both listeners, bound but not accepting yet.
pub(super) struct BoundListeners {
    public: HttpServer,
    admin: HttpServer,
    /// The addresses that were bound.
    pub(super) addresses: Addresses,
}

/// Both listeners while they accept. A drop closes the admin listener.
pub(super) struct ActiveListeners {
    stop: CancellationToken,
    connections: TaskTracker,
    _admin: DropGuard,
}

impl BoundListeners {
    /// Raises the limit of open files, and binds both listeners. Must be called inside the runtime.
    pub(super) fn bind(settings: &Settings, metrics: &Metrics) -> Result<Self, AppError> {
        let derived = open_files::connections_max(open_files::raise());
        let options = settings.server_options(settings.http.connections_max.unwrap_or(derived));
        let admin_options = ServerOptions {
            connections_max: ADMIN_CONNECTIONS,
            ..options
        };
        let (public, public_addresses) = bind(&settings.listen, "--listen", options, metrics)?;
        // The metrics of connections are those of the public listener only.
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
    pub(super) fn serve(
        self,
        public: Router,
        admin: Router,
        limits: Arc<Limits>,
    ) -> ActiveListeners {
        let (stop, stop_admin) = (CancellationToken::new(), CancellationToken::new());
        let connections = TaskTracker::new();
        let server = self.public.limited(limits);
        connections.spawn(server.serve(public, stop.clone(), connections.clone()));
        tokio::spawn(
            self.admin
                .serve(admin, stop_admin.clone(), TaskTracker::new()),
        );
        ActiveListeners {
            stop,
            connections,
            _admin: stop_admin.drop_guard(),
        }
    }
}

impl ActiveListeners {
    /// Closes the public listener, and waits until every request and session has ended.
    pub(super) async fn drain(&self) {
        self.stop.cancel();
        self.connections.close();
        self.connections.wait().await;
    }
}

/// Binds all addresses of a name, with one port. The machine may lack some of them (IPv6, for
/// instance): one that works is enough.
fn bind(
    listen: &ListenAddress,
    flag: &'static str,
    options: ServerOptions,
    metrics: &Metrics,
) -> Result<(HttpServer, Vec<SocketAddr>), AppError> {
    let (mut bound, mut addresses, mut missing) =
        (None::<HttpServer>, Vec::<SocketAddr>::new(), None);
    for address in listen.addresses() {
        let port = addresses.first().map_or(address.port(), SocketAddr::port);
        let address = SocketAddr::new(address.ip(), port);
        let failed = |source| AppError::listen(address, flag, source);
        match HttpServer::bind(address, options, Arc::new(metrics.clone())) {
            Ok(server) => {
                addresses.push(server.local_addr().map_err(failed)?);
                bound = Some(match bound {
                    Some(others) => others.and(server),
                    None => server,
                });
            }
            Err(source) if is_not_here(&source) => missing = Some(failed(source)),
            Err(source) => return Err(failed(source)),
        }
    }
    match (bound, missing) {
        (Some(server), None) => Ok((server, addresses)),
        (Some(server), Some(missing)) => {
            tracing::warn!(
                %missing,
                "this machine lacks an address of the name; the gateway listens at the others"
            );
            Ok((server, addresses))
        }
        (None, missing) => Err(missing.expect("a listen address has at least one address")),
    }
}

/// Whether the machine lacks the address, or its whole family.
fn is_not_here(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::AddrNotAvailable
        || error.raw_os_error() == Some(Errno::AFNOSUPPORT.raw_os_error())
}
