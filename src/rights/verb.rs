//! The verbs that rights are granted for.

/// A kind of call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// One person, a list, an export.
    Read,
    /// A live stream, with its snapshot.
    Watch,
    /// A new person.
    Create,
    /// A change of a person.
    Update,
    /// The end of a person.
    Delete,
    /// An import; each line needs `create` or `update` as well.
    Import,
}

impl Verb {
    /// All verbs.
    pub const ALL: [Self; 6] = [
        Self::Read,
        Self::Watch,
        Self::Create,
        Self::Update,
        Self::Delete,
        Self::Import,
    ];

    /// The name in policies, claims and answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Watch => "watch",
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Import => "import",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A set of verbs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VerbSet(u8);

impl VerbSet {
    /// No verb.
    pub const NONE: Self = Self(0);
    /// All verbs.
    pub const ALL: Self = Self((1 << Verb::ALL.len()) - 1);

    /// The set of these verbs.
    pub const fn of(verbs: &[Verb]) -> Self {
        let (mut bits, mut at) = (0, 0);
        while at < verbs.len() {
            bits |= verbs[at].bit();
            at += 1;
        }
        Self(bits)
    }

    /// The verbs that a policy or a claim calls so: a verb, or `save`, which is to create and to
    /// update.
    pub fn named(name: &str) -> Option<Self> {
        if name == "save" {
            return Some(Self::of(&[Verb::Create, Verb::Update]));
        }
        let verb = Verb::ALL.into_iter().find(|verb| verb.name() == name)?;
        Some(Self::of(&[verb]))
    }

    /// The verbs of both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The verbs of either.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether it contains a verb.
    pub const fn contains(self, verb: Verb) -> bool {
        self.0 & verb.bit() != 0
    }

    /// Its verbs, in the order of [`Verb::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Verb> {
        Verb::ALL
            .into_iter()
            .filter(move |verb| self.contains(*verb))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_contains_its_verbs_and_no_others() {
        for verb in Verb::ALL {
            let set = VerbSet::of(&[verb]);
            assert!(set.iter().eq([verb]));
            assert!(VerbSet::ALL.contains(verb) && !VerbSet::NONE.contains(verb));
        }
        assert!(VerbSet::ALL.iter().eq(Verb::ALL));
        assert_eq!(VerbSet::of(&Verb::ALL), VerbSet::ALL);
    }
}
