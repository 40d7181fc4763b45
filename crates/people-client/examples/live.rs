//! A view held by the client of this repository (docs/clients.md):
//! `cargo run -p people-client --example live`.

use std::io::{Write as _, stdout};

use people_client::Kinds;
use people_client::{Live, Start, View};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut live = Live::builder("ws://127.0.0.1:8080/updates".parse()?)
        .condition(r#"attributes.city == "Oslo" && age >= 90"#)
        .from(Start::Snapshot)
        .build();
    let mut view = View::new(Kinds::All);
    loop {
        let event = live.next().await?;
        view.apply(&event)?;
        if let (Some(people), Some(cursor)) = (view.exact(), live.cursor()) {
            writeln!(stdout(), "{} people at {cursor}", people.len())?;
        }
    }
}
