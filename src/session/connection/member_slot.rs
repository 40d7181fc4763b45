//! Where a view is in its subscription group.

/// A group's number and the slot of a member in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberSlot(u64);

impl MemberSlot {
    /// The bits of no slot.
    const NONE: u64 = u64::MAX;

    /// The member in this slot of the group with this number.
    pub fn new(group: usize, slot: usize) -> Self {
        let half = |n: usize| {
            let n = u32::try_from(n);
            u64::from(n.expect("sessions are counted in 32 bits: each has a file descriptor"))
        };
        Self(half(group) << 32 | half(slot))
    }

    /// The number of the group.
    pub const fn group(self) -> usize {
        (self.0 >> 32) as usize
    }

    /// The slot in the group.
    pub const fn slot(self) -> usize {
        (self.0 & 0xffff_ffff) as usize
    }

    /// A slot, or none, as bits.
    pub(super) fn to_bits(slot: Option<Self>) -> u64 {
        slot.map_or(Self::NONE, |slot| slot.0)
    }

    /// A slot, or none, from bits.
    pub(super) fn from_bits(bits: u64) -> Option<Self> {
        (bits != Self::NONE).then_some(Self(bits))
    }
}
