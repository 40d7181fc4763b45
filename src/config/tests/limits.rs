//! The settings `limits.*` and `http.proxies`.

use super::load;

#[test]
fn sessions_have_a_limit_where_callers_have_tokens_or_the_operator_sets_one() {
    let sessions = |env: &[(&str, &str)]| {
        let settings = load(env, None).unwrap();
        let shown = settings.to_toml().contains("\nsessions = ");
        let sessions = settings.limit_options().sessions;
        (sessions.map(std::num::NonZeroU32::get), shown)
    };
    let mode = ("PEOPLE_GATEWAY__AUTH__MODE", "jwt");
    let none = ("PEOPLE_GATEWAY__AUTH__MODE", "none");
    let limit = |value| ("PEOPLE_GATEWAY__LIMITS__SESSIONS", value);
    assert_eq!(sessions(&[]), (None, false));
    assert_eq!(sessions(&[none]), (None, false));
    assert_eq!(sessions(&[limit("7")]), (Some(7), true));
    assert_eq!(sessions(&[mode]), (Some(256), true));
    assert_eq!(sessions(&[mode, limit("7")]), (Some(7), true));
    assert_eq!(sessions(&[mode, limit("0")]), (None, true));
}

#[test]
fn limits_and_proxies_are_checked_and_shown_as_they_can_be_read_again() {
    let settings = load(&[], None).unwrap();
    assert_eq!(settings.limits.bad_tokens_per_minute, 60);
    assert!(settings.http.proxies.is_empty());
    let proxies = "10.0.0.0/8,::ffff:192.0.2.1,fd00::/8";
    let env = [
        ("PEOPLE_GATEWAY__HTTP__PROXIES", proxies),
        ("PEOPLE_GATEWAY__LIMITS__WRITES_PER_SECOND", "10"),
    ];
    let shown = load(&env, None).unwrap().to_toml();
    let list = r#"proxies = ["10.0.0.0/8", "192.0.2.1", "fd00::/8"]"#;
    assert!(
        shown.contains(list) && shown.contains("writes_per_second = 10"),
        "{shown}"
    );
    for (key, value, detail) in [
        (
            "HTTP__PROXIES",
            "proxy.example",
            "http.proxies: proxy.example is no address",
        ),
        ("HTTP__PROXIES", "10.0.0.1/8", "the network is 10.0.0.0/8"),
        (
            "LIMITS__CALLERS",
            "15",
            "limits.callers: has to be a whole number from 16",
        ),
        (
            "LIMITS__SESSIONS",
            "-1",
            "limits.sessions: has to be a whole number from 1",
        ),
        (
            "LIMITS__REQUESTS_PER_SECOND",
            "1000001",
            "to 1000000, or 0 for no limit",
        ),
    ] {
        let key = format!("PEOPLE_GATEWAY__{key}");
        let report = load(&[(&key, value)], None).unwrap_err().to_string();
        assert!(report.contains(detail), "{report}");
    }
}
