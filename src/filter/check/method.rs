//! The methods and functions of the language: their names, their arguments, and what makes
//! conditions of them.
//!
//! A new method is a line in the list and an arm in [`Method::signature`]. The compiler then names
//! every other place that needs an arm; docs/filters.md is compared with the list by a test.

use crate::filter::predicate::{Pattern, TextTest};

/// An enum of names in the language. `ALL` is made of the same list, so it has every value.
macro_rules! names {
    ($(
        $(#[$doc:meta])*
        $type:ident {
            $( $(#[$value_doc:meta])* $value:ident = $name:literal, )*
        }
    )*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $type { $( $(#[$value_doc])* $value, )* }

        impl $type {
            /// All values, in the order in which messages list them.
            pub const ALL: &'static [Self] = &[$( Self::$value, )*];

            /// The name in a filter.
            pub const fn name(self) -> &'static str {
                match self { $( Self::$value => $name, )* }
            }

            pub(in crate::filter) fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.name() == name)
            }
        }
    )* };
}

names! {
    /// A method of a path, as in `job.startsWith("Eng")`.
    Method {
        /// The text begins with the argument.
        StartsWith = "startsWith",
        /// The text ends with the argument.
        EndsWith = "endsWith",
        /// The argument is a part of the text.
        Contains = "contains",
        /// The argument is a regular expression that matches somewhere in the text.
        Matches = "matches",
        /// The number of code points, elements or keys.
        Size = "size",
    }

    /// A function of a path, as in `has(attributes.left)`.
    Function {
        /// The number of code points, elements or keys.
        Size = "size",
        /// The attribute is present.
        Has = "has",
    }
}

/// The arguments of a method, and what it makes of them.
pub(in crate::filter) enum Signature {
    /// `PATH.method()`: a size, to be compared with an integer.
    Size,
    /// `PATH.method("...")`: a test of the text at the path.
    Text(fn(Box<str>) -> Result<TextTest, regex::Error>),
}

impl Method {
    pub(in crate::filter) const fn signature(self) -> Signature {
        match self {
            Self::StartsWith => Signature::Text(|text| Ok(TextTest::StartsWith(text))),
            Self::EndsWith => Signature::Text(|text| Ok(TextTest::EndsWith(text))),
            Self::Contains => Signature::Text(|text| Ok(TextTest::Contains(text))),
            Self::Matches => Signature::Text(|text| Pattern::new(&text).map(TextTest::Matches)),
            Self::Size => Signature::Size,
        }
    }

    /// The number of arguments in its parentheses.
    pub const fn arity(self) -> usize {
        match self.signature() {
            Signature::Size => 0,
            Signature::Text(_) => 1,
        }
    }
}
