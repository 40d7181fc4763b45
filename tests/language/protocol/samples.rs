//! The sample values of the formats, the same in the tests and in docs/asyncapi.yaml.

use people_gateway::domain::{
    Change, Cursor, Epoch, FieldsJson, LogPosition, Partition, Person, PersonId, Position, Seq,
    Tag, Timestamp,
};
use people_gateway::filter::Verdict;
use people_gateway::protocol::message::{Composed, Message};
use people_gateway::protocol::problem::{Problem, ProblemKind};
use people_gateway::rights::Scope;

/// A client that sees everything.
pub(crate) const EVERYTHING: Scope = Scope::everything();

pub(crate) const ADA: &str = concat!(
    r#"{"firstName":"Ada","lastName":"Lovelace","age":36,"job":"Mathematician","#,
    r#""attributes":{"team":"engine"}}"#
);
pub(crate) const ADA_ID: &str = "0190f3e2-7c1b-7d9a-8f00-1234567890ab";
const GRACE: &str = r#"{"firstName":"Grace","lastName":"Hopper","age":85,"job":""}"#;
const GRACE_ID: &str = "0190f3e2-7c1b-7d9a-8f00-1234567890ac";

pub(crate) fn position(seq: u64, tag: u64) -> Position {
    Position {
        epoch: Epoch::new(0x5f3a_9c01),
        seq: Seq::new(seq).unwrap(),
        tag: Tag::new(tag),
    }
}

/// A change of Ada to which a view gives `verdict`.
pub(crate) fn change(verdict: Verdict) -> Change {
    let fields = || Some(FieldsJson::from_stored(ADA).unwrap());
    let (before, after) = match verdict {
        Verdict::Create => (None, fields()),
        Verdict::Delete => (fields(), None),
        _ => (fields(), fields()),
    };
    Change {
        at: LogPosition::new(Partition::new(0), position(42, 0xd1e5)),
        previous: Tag::new(0xc0de),
        id: ADA_ID.parse().unwrap(),
        time: Timestamp::from_millis(1_795_342_200_123),
        created_at: Timestamp::from_millis(1_795_342_140_000),
        before,
        after,
        trace: None,
    }
}

/// The cursor after [`change`], in a deployment of two partitions.
pub(crate) fn cursor() -> Cursor {
    Cursor::new([position(42, 0xd1e5), position(7, 0xbee)])
}

pub(crate) fn ada() -> Person {
    change(Verdict::Update).person().unwrap()
}

pub(crate) fn grace() -> Person {
    let moment = Timestamp::from_millis(1_795_342_140_000);
    Person {
        id: GRACE_ID.parse().unwrap(),
        fields: FieldsJson::from_stored(GRACE).unwrap(),
        revision: position(7, 0xbee),
        created_at: moment,
        updated_at: moment,
    }
}

/// A person in the view, and a person that left it.
pub(crate) fn composed() -> Vec<Composed> {
    let grace: PersonId = GRACE_ID.parse().unwrap();
    vec![
        Composed::Shown(Verdict::Enter, ada()),
        Composed::Gone(Verdict::Leave, grace, position(7, 0xbee)),
    ]
}

pub(crate) fn problem() -> Problem {
    let detail = "age is a number; compare it with a number, not with a text.";
    Problem::new(ProblemKind::Filter, detail)
        .with("offset", 7)
        .with("length", 3)
}

pub(crate) const VERDICTS: [(&str, Verdict); 5] = [
    ("create", Verdict::Create),
    ("enter", Verdict::Enter),
    ("update", Verdict::Update),
    ("leave", Verdict::Leave),
    ("delete", Verdict::Delete),
];

/// Calls `visit` with the name and value of each message that is neither a change nor a page. A
/// message with two forms has two names.
pub(crate) fn each_message(mut visit: impl FnMut(&str, &Message<'_>)) {
    let (cursor, changes, problem) = (cursor(), composed(), problem());
    let (reference, cursor) = (Some("f1"), &cursor);
    visit("live", &Message::Live(cursor));
    visit("position", &Message::Position(cursor));
    visit(
        "batch",
        &Message::Batch {
            cursor,
            changes: &changes,
        },
    );
    visit("reset", &Message::Reset("trimmed"));
    visit("stale", &Message::Stale { seconds: 5 });
    visit("fresh", &Message::Fresh);
    visit("expiring", &Message::Expiring { seconds: 90 });
    visit(
        "token",
        &Message::Token {
            reference,
            seconds: 3600,
        },
    );
    visit(
        "filtered",
        &Message::Filtered {
            reference,
            cursor: Some(cursor),
        },
    );
    visit(
        "filteredSnapshot",
        &Message::Filtered {
            reference: None,
            cursor: None,
        },
    );
    visit(
        "error",
        &Message::Error {
            reference,
            problem: &problem,
        },
    );
    visit(
        "pong",
        &Message::Pong {
            reference,
            cursor: Some(cursor),
        },
    );
    visit(
        "pongSnapshot",
        &Message::Pong {
            reference: None,
            cursor: None,
        },
    );
}
