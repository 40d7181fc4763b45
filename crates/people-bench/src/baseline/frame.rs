//! The prepared frame: what the gateway sends when a person is created.

use anyhow::Context as _;
use people_bench::person::{SEQUENCE_DIGITS, id};
use people_gateway::domain::{
    Change, Epoch, FieldsJson, LogPosition, Partition, Position, Seq, Tag, Timestamp,
};
use people_gateway::filter::Verdict;
use people_gateway::protocol::format::WireFormat;
use people_gateway::rights::Scope;

use crate::load::plan::{ClientFormat, Topics};
use crate::load::rest::body;

/// A frame of the gateway, with a place for the sequence number of a change.
pub(super) struct PreparedFrame {
    bytes: Vec<u8>,
    /// The offset of the sequence number's digits.
    sequence: usize,
}

impl PreparedFrame {
    /// The frame for the creation of a person, of a topic with a number of average length.
    pub(super) fn new(format: ClientFormat, topics: Topics) -> anyhow::Result<Self> {
        let topic = match topics {
            Topics::Everything => None,
            Topics::Filters { count, .. } => Some(count / 2),
        };
        let (epoch, tag) = (
            Epoch::new(0x9e37_79b9_7f4a_7c15),
            Tag::new(0xc2b2_ae3d_27d4_eb4f),
        );
        let position = Position {
            epoch,
            seq: Seq::new(10_000).context("small")?,
            tag,
        };
        let time = Timestamp::from_millis(1_795_342_200_123);
        let change = Change {
            at: LogPosition::new(Partition::new(0), position),
            previous: tag,
            id: id(0).parse()?,
            time,
            created_at: time,
            before: None,
            after: Some(FieldsJson::from_stored(&body(topic))?),
            trace: None,
        };
        let wire = match format {
            ClientFormat::Text => WireFormat::Text,
            ClientFormat::Json => WireFormat::Json,
        };
        let bytes = wire
            .change(Verdict::Create, &change, None, &Scope::everything())
            .context("each format has a frame for a creation")?
            .to_vec();
        let hash = bytes
            .iter()
            .rposition(|byte| *byte == b'#')
            .context("the frame has the person's job")?;
        Ok(Self {
            bytes,
            sequence: hash + 1,
        })
    }

    /// The frame with this sequence number.
    pub(super) fn with_sequence(&mut self, sequence: &[u8; SEQUENCE_DIGITS]) -> &[u8] {
        self.bytes[self.sequence..][..SEQUENCE_DIGITS].copy_from_slice(sequence);
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::plan::FilterKind;

    #[test]
    fn the_frame_is_as_long_as_the_gateways_and_takes_a_sequence_number() {
        for (format, topics) in [
            (ClientFormat::Text, Topics::Everything),
            (
                ClientFormat::Json,
                Topics::Filters {
                    kind: FilterKind::Equal,
                    count: 100,
                },
            ),
        ] {
            let mut frame = PreparedFrame::new(format, topics).unwrap();
            assert_eq!(
                &frame.bytes[frame.sequence - 1..][..=SEQUENCE_DIGITS],
                b"#0000000000"
            );
            let at = frame.sequence;
            assert_eq!(
                &frame.with_sequence(b"0123456789")[at..][..SEQUENCE_DIGITS],
                b"0123456789"
            );
        }
        let frame = PreparedFrame::new(ClientFormat::Text, Topics::Everything).unwrap();
        assert_eq!(frame.bytes.len(), 4 + 186);
    }
}
