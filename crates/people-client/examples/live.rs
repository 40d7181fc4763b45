//! A view held by the client of this repository (docs/clients.md):
//! `cargo run -p people-client --example live`.

use std::io::{Write as _, stdout};

use people_client::{Kinds, LiveClient, PeopleView, StartPoint};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut live = LiveClient::builder("ws://127.0.0.1:8080/updates".parse()?)
        .condition(r#"attributes.city == "Oslo" && age >= 90"#)
        .from(StartPoint::Snapshot)
        .build();
    let mut view = PeopleView::new(Kinds::All);
    loop {
        let event = live.next().await?;
        view.apply(&event)?;
        if let (Some(people), Some(cursor)) = (view.exact(), live.cursor()) {
            writeln!(stdout(), "{} people at {cursor}", people.len())?;
        }
    }
}
