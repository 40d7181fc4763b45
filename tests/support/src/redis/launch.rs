//! What a server is started with, and its process.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::authority::TlsFiles;
use crate::port::free_port;

/// The settings of a server, without its port and folder.
#[derive(Clone, Debug, Default)]
pub(crate) struct Launch {
    /// A configuration file in the folder of the server, which the server may write again.
    pub(crate) configuration: Option<String>,
    /// Options of the command line.
    pub(crate) options: Vec<String>,
    /// The password of the default user.
    pub(crate) password: Option<String>,
    /// A second port, for TLS.
    pub(crate) tls_port: Option<u16>,
}

impl Launch {
    /// Only options of the command line, with the password of `--requirepass`.
    pub(crate) fn with_options<'a>(options: impl IntoIterator<Item = &'a str>) -> Self {
        let options: Vec<String> = options.into_iter().map(str::to_owned).collect();
        let password = options
            .iter()
            .position(|o| o == "--requirepass")
            .map(|at| options[at + 1].clone());
        Self {
            options,
            password,
            ..Self::default()
        }
    }

    /// Adds a port for TLS, if there is a certificate.
    pub(crate) fn behind_tls(mut self, files: Option<&TlsFiles>) -> Self {
        if let Some(files) = files {
            let port = free_port();
            self.options.extend(files.options(port));
            self.tls_port = Some(port);
        }
        self
    }

    /// Starts a process. The first one in a folder writes the configuration file.
    pub(super) fn spawn(&self, folder: &Path, port: u16) -> Child {
        let program = program();
        let mut command = Command::new(&program);
        if let Some(configuration) = &self.configuration {
            let file = folder.join("redis.conf");
            if !file.exists() {
                std::fs::write(&file, configuration).expect("the folder is writable");
            }
            command.arg(file);
        }
        command
            .args(["--bind", "127.0.0.1", "--save", "", "--loglevel", "warning"])
            .arg("--port")
            .arg(port.to_string())
            .arg("--dir")
            .arg(folder)
            .args(&self.options)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| {
                panic!(
                    "{} does not start: {error} (Debian: apt-get install redis-server)",
                    program.display()
                )
            })
    }
}

/// The program of all servers, nodes and sentinels: the one that `TEST_REDIS_SERVER` names, else
/// `redis-server` of the path.
pub(super) fn program() -> OsString {
    std::env::var_os("TEST_REDIS_SERVER").unwrap_or_else(|| "redis-server".into())
}
