//! The measured processes: gateways, Redis, and the baseline. Each has its own port and folder, and
//! ends when it is dropped.

pub(crate) mod admin;
mod child;
mod contestant;
mod gateway;
mod redis;
mod token;

pub(crate) use child::{ChildOutput, ChildProcess};
pub(crate) use contestant::{
    Contestant, RemoteGateway, RunningContestant, StartOptions, StoreKind, WriterPlace,
};
pub(crate) use gateway::GatewayServer;
pub(crate) use redis::RedisServer;
pub(crate) use token::{BenchRights, BenchToken};
