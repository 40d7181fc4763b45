//! A server of a group, and whether it serves.

use super::RedisServer;

/// A server that can be killed, frozen, and brought back.
pub(crate) struct Member {
    pub(crate) server: RedisServer,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Up,
    Frozen,
    Killed,
}

impl Member {
    pub(crate) fn new(server: RedisServer) -> Self {
        Self {
            server,
            state: State::Up,
        }
    }

    /// Whether it is expected to answer.
    pub(crate) fn is_up(&self) -> bool {
        self.state == State::Up
    }

    pub(crate) fn kill9(&mut self) {
        assert_ne!(self.state, State::Killed, "the server is killed already");
        self.server.kill9();
        self.state = State::Killed;
    }

    pub(crate) fn freeze(&mut self) {
        assert_eq!(self.state, State::Up, "only a server that is up freezes");
        self.server.freeze();
        self.state = State::Frozen;
    }

    pub(crate) fn thaw(&mut self) {
        assert_eq!(self.state, State::Frozen, "the server is not frozen");
        self.server.thaw();
        self.state = State::Up;
    }

    /// Starts a killed server again, on the same port and folder.
    pub(crate) async fn restart(&mut self) {
        assert_eq!(self.state, State::Killed, "the server is not killed");
        self.server.restart().await;
        self.state = State::Up;
    }
}
