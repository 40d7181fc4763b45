//! What a client of the tutorial's service sees.

use crate::process::{Gateway, person};
use crate::socket::End;

#[tokio::test]
async fn saves_and_deletes_arrive_as_the_tutorials_sentences() {
    let gateway = Gateway::ready(&[]).await;
    let mut listener = gateway.listen("").await;
    let id = gateway.create(&person("Ada")).await;
    let saved =
        format!("Saved person [{id}] Person(id={id}, firstName=Ada, lastName=Lovelace, age=36, job=Mathematician)");
    assert_eq!(listener.sentence().await, saved);
    gateway.put(&id, &person("Grace"), false).await;
    assert_eq!(listener.sentence().await, saved.replace("Ada", "Grace"));
    gateway.delete(&id).await;
    assert_eq!(listener.sentence().await, format!("Deleted person [{id}]"));
}

#[tokio::test]
async fn the_words_saves_deletes_and_stop_are_obeyed() {
    let gateway = Gateway::ready(&[]).await;
    let mut listener = gateway.listen("").await;
    listener.say("stop").await;
    assert_eq!(listener.end().await, End::Closed(1000, String::new()));
}
