//! A rule with claims is the filter with their values in place of them.

use people_gateway::filter::{ClaimError, Rule};
use proptest::prelude::*;

use crate::rights::sample::rule;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_claim_is_a_value_and_never_text(rule in rule()) {
        let parsed = Rule::parse(&rule.text)
            .map_err(|error| TestCaseError::fail(format!("{error}: {}", rule.text)))?;
        let bound = parsed.bind(&rule.claims);
        prop_assert_eq!(bound.as_ref(), Ok(&rule.filter()), "{}", rule.text);
        for name in rule.claims.keys() {
            let mut fewer = rule.claims.clone();
            fewer.remove(name);
            let missing = ClaimError::Missing(name.as_str().into());
            prop_assert_eq!(parsed.bind(&fewer).err(), Some(missing.clone()));
            fewer.insert(name.clone(), serde_json::Value::Null);
            prop_assert_eq!(parsed.bind(&fewer).err(), Some(missing));
            fewer.insert(name.clone(), serde_json::json!({"a": 1}));
            let unfit = ClaimError::Unfit(name.as_str().into());
            prop_assert_eq!(parsed.bind(&fewer).err(), Some(unfit), "{}", rule.text);
        }
    }

    #[test]
    fn any_text_is_a_rule_or_an_error_with_a_place(
        text in "\\PC{0,60}|[a-z.()&|=<>!\"0-9 ]{0,80}",
    ) {
        if let Err(error) = Rule::parse(&text) {
            prop_assert!(error.offset + error.length <= text.chars().count());
        }
    }
}
