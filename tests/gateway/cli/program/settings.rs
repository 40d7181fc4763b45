//! Settings from flags, environment and file: errors name the key, no output has a password, and
//! every default is documented.

use std::ffi::OsStr;

use crate::cli::process::{gateway, run};

#[tokio::test]
async fn all_faults_of_all_sources_are_reported_at_once_by_key() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gateway.toml");
    std::fs::write(
        &file,
        "[store]\npartitions = 2000\nlog_maxx = 7\n[live]\nring_bytes = \"big\"\n",
    )
    .unwrap();
    let mut command = gateway(&[
        OsStr::new("--listen"),
        OsStr::new("nowhere"),
        OsStr::new("--config"),
        file.as_ref(),
    ]);
    command
        .env("PEOPLE_GATEWAY__STORE__LOG_MAX", "-1")
        .env("PEOPLE_GATEWAY__HTTP__ORIGIN", "https://a.example");
    command.env("PEOPLE_GATEWAY_SERVICE_HOST", "10.0.0.1");
    let (code, out, err) = run(command).await;
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("6 faults"), "{err}");
    let file = file.to_str().unwrap();
    for (key, origin) in [
        ("listen", "--listen"),
        ("store.partitions", file),
        ("store.log_maxx", file),
        ("live.ring_bytes", file),
        ("store.log_max", "PEOPLE_GATEWAY__STORE__LOG_MAX"),
        ("http.origin", "PEOPLE_GATEWAY__HTTP__ORIGIN"),
    ] {
        let is_reported = |line: &str| {
            line.trim_start().starts_with(&format!("{key}: ")) && line.contains(origin)
        };
        assert!(err.lines().any(is_reported), "{key} in\n{err}");
    }
}

#[tokio::test]
async fn a_password_is_never_printed() {
    let secret = "redis://:hunter2@127.0.0.1:1/0";
    let (code, out, _) = run(gateway(&["config", "--store", secret])).await;
    assert_eq!(code, 0);
    assert!(
        out.contains("redis://:***@127.0.0.1:1/0") && !out.contains("hunter2"),
        "{out}"
    );
    for command in [
        gateway(&["migrate", "--store", secret]),
        gateway(&["migrate", "--store", "redis://:hunter2@127.0.0.1:1/people"]),
        gateway(&["--store", "redis-cluster://:hunter2@h,i/1"]),
        gateway(&["--listen", secret]),
    ] {
        let (code, out, err) = run(command).await;
        assert_eq!(code, 1);
        assert!(
            !err.is_empty() && !err.contains("hunter2") && !out.contains("hunter2"),
            "{out}{err}"
        );
    }
}

#[tokio::test]
async fn config_reads_the_file_that_it_prints() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = gateway(&[
        "config",
        "--store",
        "redis://me@redis.example/3",
        "--no-migrate",
    ]);
    command.env(
        "PEOPLE_GATEWAY__HTTP__ORIGINS",
        "https://a.example,http://localhost:3000",
    );
    command
        .env("PEOPLE_GATEWAY__LISTEN", "0.0.0.0:80")
        .env("PEOPLE_GATEWAY__AUTH__MODE", "none");
    let (code, printed, _) = run(command).await;
    let table: toml::Table = printed.parse().unwrap();
    assert_eq!(
        (code, table["store"]["migrate"].as_bool()),
        (0, Some(false))
    );
    let origins: Vec<_> = table["http"]["origins"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|o| o.as_str())
        .collect();
    assert_eq!(origins, ["https://a.example", "http://localhost:3000"]);
    let file = folder.path().join("gateway.toml");
    std::fs::write(&file, &printed).unwrap();
    let again = run(gateway(&[
        OsStr::new("config"),
        OsStr::new("--config"),
        file.as_ref(),
    ]))
    .await;
    assert_eq!(again, (0, printed, String::new()));
}

const WITHOUT_DEFAULT: [&str; 14] = [
    "auth.mode",
    "auth.keys",
    "auth.policy",
    "auth.jwks",
    "auth.issuer",
    "auth.audience",
    "limits.sessions",
    "store.url_file",
    "store.password_file",
    "store.partitions",
    "store.retry_limit_ms",
    "store.sentinel.username",
    "store.sentinel.password",
    "trace.endpoint",
];

#[test]
fn the_operators_table_has_every_setting_with_its_default() {
    let documented: Vec<(&str, &str)> = include_str!("../../../../docs/operations.md")
        .lines()
        .skip_while(|line| !line.starts_with("| key |"))
        .skip(2)
        .map_while(|line| line.strip_prefix("| `"))
        .map(|line| {
            let mut cells = line.split('|');
            let key = cells.next().expect("a key").trim().trim_end_matches('`');
            (
                key,
                cells.next().expect("a default").trim().trim_matches('`'),
            )
        })
        .filter(|(key, _)| !WITHOUT_DEFAULT.contains(key))
        .collect();
    let mut settings = Vec::new();
    flatten(
        &mut settings,
        "",
        &people_gateway::config::DEFAULTS
            .parse()
            .expect("defaults are TOML"),
    );
    let settings: Vec<(&str, &str)> = settings
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    for setting in &settings {
        assert!(
            documented.contains(setting),
            "{setting:?} is not in docs/operations.md"
        );
    }
    for row in &documented {
        assert!(settings.contains(row), "{row:?} is not a setting");
    }
}

fn flatten(settings: &mut Vec<(String, String)>, prefix: &str, table: &toml::Table) {
    for (key, value) in table {
        match value {
            toml::Value::Table(inner) => flatten(settings, &format!("{prefix}{key}."), inner),
            toml::Value::String(text) => settings.push((format!("{prefix}{key}"), text.clone())),
            other => settings.push((format!("{prefix}{key}"), other.to_string())),
        }
    }
}
