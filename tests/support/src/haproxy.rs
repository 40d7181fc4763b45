//! An HAProxy process with a configuration file.

use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A running HAProxy.
pub struct Haproxy(Child);

impl Haproxy {
    /// Starts HAProxy in the foreground. It may not listen yet.
    pub fn start(configuration: &Path, environment: &[(&str, &str)]) -> Self {
        // Debian installs HAProxy outside the path of ordinary users.
        let path = std::env::var("PATH").unwrap_or_default();
        let process = Command::new("haproxy")
            .arg("-db")
            .arg("-f")
            .arg(configuration)
            .envs(environment.iter().copied())
            .env("PATH", format!("{path}:/usr/sbin:/sbin"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("haproxy is installed (Debian: apt-get install haproxy)");
        Self(process)
    }
}

impl Drop for Haproxy {
    fn drop(&mut self) {
        // Fails if the process has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
