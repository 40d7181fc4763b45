//! A search touches the views whose method fits the text. A new method does not compile without a
//! filter here: its constraints are a decision of `plan`.

use super::{assert_touched, person, shared};
use crate::filter::Method;

#[test]
fn each_method_is_found_by_its_argument() {
    let person = person(30, r#"{"code":"k0.-k0-.k0"}"#);
    for method in Method::ALL {
        assert_touched(&person, 0, |number| {
            let own = shared(number);
            let condition = match method {
                Method::StartsWith => format!("attributes.code.startsWith('k{own}.')"),
                Method::EndsWith => format!("attributes.code.endsWith('.k{own}')"),
                Method::Contains => format!("attributes.code.contains('-k{own}-')"),
                Method::Matches => format!("attributes.code.matches('[a-z]{own}-[.]')"),
                Method::Size => format!("attributes.code.size() == {}", 10 + own),
            };
            // This condition makes the ten filters differ, and is no constraint of the index.
            format!("{condition} && !(job == 'x{number}')")
        });
    }
}
