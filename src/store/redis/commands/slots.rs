//! The hash slots of a cluster, and the hash tags that put partitions into them.
//!
//! A key's slot is the CRC-16 (XMODEM) of its hash tag modulo 16384
//! (<https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/>). CRC-16 is
//! linear, so tags that differ in a digit clump: of 12 tags `PREFIX.pN`, one of three even masters
//! would own six. The tags of partitions are therefore searched, so that partition n of P lies in
//! the n-th of P equal ranges of slots, and masters with even ranges own even numbers of
//! partitions.

use crc::{CRC_16_XMODEM, Crc};

use crate::domain::{Partition, Partitions};

/// The number of slots of a cluster.
pub(in crate::store::redis) const SLOTS: u16 = 16_384;

const CRC16: Crc<u16> = Crc::<u16>::new(&CRC_16_XMODEM);

/// How the partitions of a deployment got their hash tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store::redis) enum Tags {
    /// `PREFIX.pN`: deployments that are older than the search.
    Plain,
    /// Searched, as this module says.
    Spread,
}

impl Tags {
    /// The name, as the layout records it.
    pub(in crate::store::redis) const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Spread => "spread",
        }
    }

    /// The tags with this name.
    pub(in crate::store::redis) fn named(name: &str) -> Option<Self> {
        [Self::Plain, Self::Spread]
            .into_iter()
            .find(|tags| tags.name() == name)
    }

    /// The tag of a partition, without its braces.
    pub(in crate::store::redis) fn tag(
        self,
        prefix: &str,
        partition: Partition,
        of: Partitions,
    ) -> String {
        let plain = format!("{prefix}.p{partition}");
        if self == Self::Plain {
            return plain;
        }
        let range = range(partition, of);
        let is_there = |tag: &str| range.contains(&u32::from(slot(tag)));
        if is_there(&plain) {
            return plain;
        }
        let more = (1_u32..).map(|number| format!("{plain}-{number}"));
        let found = more.into_iter().find(|tag| is_there(tag));
        found.expect("tags reach every slot")
    }
}

/// The hash tag of a partition in a new deployment.
pub fn hash_tag(prefix: &str, partition: Partition, of: Partitions) -> String {
    Tags::Spread.tag(prefix, partition, of)
}

/// The slot of a key or a channel.
pub(in crate::store::redis) fn slot(key: &str) -> u16 {
    let tag = key
        .split_once('{')
        .and_then(|(_, rest)| rest.split_once('}'));
    let hashed = match tag {
        Some((tag, _)) if !tag.is_empty() => tag,
        _ => key,
    };
    CRC16.checksum(hashed.as_bytes()) % SLOTS
}

fn range(partition: Partition, of: Partitions) -> std::ops::Range<u32> {
    let (n, of) = (u32::from(partition.get()), u32::from(of.get()));
    let bound = |n: u32| (n * u32::from(SLOTS)).div_ceil(of);
    bound(n)..bound(n + 1)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;

    use super::*;

    /// The partitions on each of `masters` masters with even ranges of slots.
    fn owned(tags: Tags, prefix: &str, partitions: u16, masters: u16) -> Vec<usize> {
        let of = Partitions::new(NonZeroU16::new(partitions).expect("not zero"));
        let mut owned = vec![0; usize::from(masters)];
        for partition in of.iter() {
            let slot = slot(&format!("{{{}}}:meta", tags.tag(prefix, partition, of)));
            owned[usize::from(slot) * usize::from(masters) / usize::from(SLOTS)] += 1;
        }
        owned
    }

    #[test]
    fn slots_are_those_of_the_specification() {
        assert_eq!(
            CRC16.checksum(b"123456789"),
            0x31C3,
            "the example of the specification"
        );
        assert_eq!(slot("foo"), 12_182, "CLUSTER KEYSLOT foo");
        assert_eq!(slot("{user1000}.following"), slot("{user1000}.followers"));
        assert_eq!(
            slot("foo{}{bar}"),
            CRC16.checksum(b"foo{}{bar}") % SLOTS,
            "an empty tag"
        );
        assert_eq!(slot("foo{{bar}}zap"), slot("{bar"));
        assert_eq!(slot("foo{bar}{zap}"), slot("bar"));
    }

    #[test]
    fn searched_tags_are_even_on_even_masters_where_plain_ones_clump() {
        assert_eq!(owned(Tags::Plain, "people", 12, 3), [3, 6, 3]);
        for masters in [3, 4, 6, 12] {
            let even = vec![usize::from(12 / masters); usize::from(masters)];
            assert_eq!(owned(Tags::Spread, "people", 12, masters), even);
            assert_eq!(owned(Tags::Spread, "prod.people", 12, masters), even);
        }
        assert_eq!(owned(Tags::Spread, "people", 24, 8), [3; 8]);
        assert_eq!(owned(Tags::Spread, "people", 1024, 4), [256; 4]);
    }

    #[test]
    fn one_partition_has_the_plain_tag() {
        let first = Partition::new(0);
        assert_eq!(
            Tags::Spread.tag("people", first, Partitions::ONE),
            "people.p0"
        );
    }
}
