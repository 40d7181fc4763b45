//! Promises of the settings: precedence, all faults at once, no secrets in messages, and output
//! that can be read again.

mod limits;

use std::io::Write as _;
use std::num::NonZeroU32;

use super::*;
use crate::http::Exposure;

fn load(
    environment: &[(&str, &str)],
    file: Option<(&str, &str)>,
) -> Result<Settings, ConfigFaults> {
    let mut held = None;
    let file = file.map(|(ending, text)| {
        let mut file = tempfile::Builder::new().suffix(ending).tempfile().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        held.insert(file).path().to_owned()
    });
    let environment = environment
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    Settings::load(&Sources {
        file,
        environment: Some(environment),
        flags: Vec::new(),
    })
}

fn keys(result: Result<Settings, ConfigFaults>) -> Vec<String> {
    result
        .unwrap_err()
        .0
        .into_iter()
        .map(|fault| fault.key)
        .collect()
}

#[test]
fn every_default_is_read_and_shown_under_its_own_key() {
    let mut shown: toml::Table = load(&[], None).unwrap().to_toml().parse().unwrap();
    // It depends on the kind of store.
    let store = shown["store"].as_table_mut().expect("a section");
    assert_eq!(store.remove("retry_limit_ms"), Some(5000.into()));
    let mut defaults: toml::Table = DEFAULTS.parse().unwrap();
    defaults.retain(|_, value| value.as_table().is_none_or(|table| !table.is_empty()));
    assert_eq!(shown, defaults);
}

#[test]
fn where_another_server_may_take_over_calls_are_repeated_for_longer() {
    for (url, limit) in [
        ("redis://db", 5),
        ("redis-cluster://a,b", 15),
        ("rediss-sentinel://a/people", 15),
    ] {
        let settings = load(&[("PEOPLE_GATEWAY__STORE__URL", url)], None).expect(url);
        assert_eq!(settings.store.retry_limit.as_secs(), limit, "{url}");
    }
    let set = [
        ("PEOPLE_GATEWAY__STORE__URL", "redis-cluster://a"),
        ("PEOPLE_GATEWAY__STORE__RETRY_LIMIT_MS", "700"),
        ("PEOPLE_GATEWAY__STORE__DURABILITY", "replicas:2"),
        ("PEOPLE_GATEWAY__STORE__SENTINEL__PASSWORD", "s3cret"),
    ];
    let settings = load(&set, None).expect("settings");
    assert_eq!(settings.store.retry_limit.as_millis(), 700);
    assert_eq!(
        settings.store.durable_replicas.map(NonZeroU32::get),
        Some(2)
    );
    let shown = settings.to_toml();
    assert!(shown.contains("durability = \"replicas:2\""), "{shown}");
    assert!(!shown.contains("s3cret"), "{shown}");
    for (key, value) in [
        ("PEOPLE_GATEWAY__STORE__DURABILITY", "replicas:0"),
        ("PEOPLE_GATEWAY__STORE__DURABILITY", "all"),
        ("PEOPLE_GATEWAY__STORE__PUBSUB", "none"),
        ("PEOPLE_GATEWAY__STORE__EVICTION", "lru"),
        ("PEOPLE_GATEWAY__STORE__PARTITIONS", "1025"),
        ("PEOPLE_GATEWAY__STORE__SENTINEL__TLS", "perhaps"),
    ] {
        assert_eq!(load(&[(key, value)], None).expect_err(value).0.len(), 1);
    }
}

#[test]
fn later_sources_win_over_earlier_ones() {
    let file = Some((
        ".toml",
        "[store]\nlog_max = 7\nbatch = 8\n[live]\nqueue_changes = 9\n",
    ));
    let environment = [
        ("PEOPLE_GATEWAY__STORE__LOG_MAX", "70"),
        ("PEOPLE_GATEWAY__STORE__BATCH", "80"),
    ];
    let sources = Sources {
        flags: vec![("store.batch", "800".into(), "--batch")],
        ..Sources::default()
    };
    let settings = load(&environment, file).unwrap();
    assert_eq!(
        (settings.store.log_max.get(), settings.store.batch.get()),
        (70, 80)
    );
    assert_eq!(
        (
            settings.live.queue_changes.get(),
            settings.store.pool_size.get()
        ),
        (9, 16)
    );
    let environment = environment
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .to_vec();
    let settings = Settings::load(&Sources {
        environment: Some(environment),
        ..sources
    })
    .unwrap();
    assert_eq!(settings.store.batch.get(), 800);
}

#[test]
fn all_faults_are_reported_at_once_each_by_its_key() {
    let file = "listen = 5\nlisten_ = 1\n[auth]\nmode = \"ldap\"\n[store]\npartitions = 0\n\
                migrate = \"maybe\"\nprefix = \"{x}\"\n[sttore]\n[http]\n\
                origins = [\"https://a.example/path\"]\nhosts = [\"a.example:80\"]\n\
                keep_alive_ms = 0\n[shutdown]\nnotice_ms = -1\n[log]\nlevel = \"loud\"\n";
    let environment = [
        ("PEOPLE_GATEWAY__LIVE__PING_INTERVAL_MS", "30000"),
        ("PEOPLE_GATEWAY__STORE__URLL", "redis://h"),
        ("PEOPLE_GATEWAY__STORE", "redis://h"),
        ("PEOPLE_GATEWAY_PORT", "tcp://10.0.0.1:80"),
    ];
    let mut faults = keys(load(&environment, Some((".toml", file))));
    faults.sort();
    assert_eq!(
        faults,
        [
            "auth.mode",
            "http.hosts",
            "http.keep_alive_ms",
            "http.origins",
            "listen",
            "listen_",
            "live.ping_interval_ms",
            "log.level",
            "shutdown.notice_ms",
            "store",
            "store.migrate",
            "store.partitions",
            "store.prefix",
            "store.urll",
            "sttore"
        ]
    );
}

#[test]
fn an_address_beyond_loopback_needs_an_explicit_auth_mode() {
    let open = ("PEOPLE_GATEWAY__LISTEN", "0.0.0.0:8080");
    let admin = ("PEOPLE_GATEWAY__ADMIN__LISTEN", "[::]:9091");
    assert_eq!(keys(load(&[open, admin], None)), ["listen", "admin.listen"]);
    assert!(load(&[("PEOPLE_GATEWAY__LISTEN", "localhost:8080")], None).is_ok());
    let same = [
        ("PEOPLE_GATEWAY__LISTEN", "localhost:8080"),
        ("PEOPLE_GATEWAY__ADMIN__LISTEN", "127.0.0.1:8080"),
    ];
    assert_eq!(keys(load(&same, None)), ["admin.listen"]);
    let decided = ("PEOPLE_GATEWAY__AUTH__MODE", "none");
    assert_eq!(
        load(&[open, admin, decided], None).unwrap().auth.mode,
        Some(AuthMode::None)
    );
}

#[test]
fn the_exposure_of_a_listener_follows_from_its_address() {
    let decided = ("PEOPLE_GATEWAY__AUTH__MODE", "none");
    for (listen, exposure) in [
        ("127.0.0.1:8181", Exposure::Local),
        ("127.9.9.9:8181", Exposure::Local),
        ("[::1]:8181", Exposure::Local),
        ("[::ffff:127.0.0.1]:8181", Exposure::Local),
        ("0.0.0.0:8181", Exposure::Network),
        ("[::]:8181", Exposure::Network),
        ("192.168.1.7:8181", Exposure::Network),
    ] {
        for key in ["PEOPLE_GATEWAY__LISTEN", "PEOPLE_GATEWAY__ADMIN__LISTEN"] {
            let hosts = ("PEOPLE_GATEWAY__HTTP__HOSTS", "People.Example., localhost");
            let settings = load(&[(key, listen), decided, hosts], None).unwrap();
            let (public, admin) = (settings.http_options(), settings.admin_options());
            let (here, there) = if key.contains("ADMIN") {
                (admin.exposure, public.exposure)
            } else {
                (public.exposure, admin.exposure)
            };
            assert_eq!((here, there), (exposure, Exposure::Local), "{key} {listen}");
            assert_eq!(public.hosts.len(), 2);
            assert_eq!(
                admin.hosts.is_empty(),
                admin.exposure == Exposure::Network,
                "scrapers use the network's names"
            );
        }
    }
}

#[test]
fn a_notice_may_be_zero() {
    assert!(load(&[], None).unwrap().shutdown_notice.is_zero());
    for (text, milliseconds) in [("0", 0), (" 0 ", 0), ("3000", 3000)] {
        let settings = load(&[("PEOPLE_GATEWAY__SHUTDOWN__NOTICE_MS", text)], None).unwrap();
        assert_eq!(settings.shutdown_notice.as_millis(), milliseconds);
    }
    for wrong in ["-1", "x", "604800001"] {
        assert_eq!(
            keys(load(
                &[("PEOPLE_GATEWAY__SHUTDOWN__NOTICE_MS", wrong)],
                None
            )),
            ["shutdown.notice_ms"]
        );
    }
}

#[test]
fn a_fault_never_shows_a_value_not_even_of_a_broken_file() {
    let secret = "redis://:hunter2@h";
    for (ending, text) in [
        (".toml", "[store]\nurl = \"redis://:hunter2@h\n"),
        (
            ".toml",
            "[store]\nurl = \"redis://:hunter2@h/x\"\nprefix = \"redis://:hunter2@h\"\n\
             \"redis\" = \"hunter2\"",
        ),
        (".toml", "redis://:hunter2@h"),
        (".toml", "a = hunter2"),
        (".yaml", "store:\n  url: redis://:hunter2@h\n"),
    ] {
        let shown = load(&[("PEOPLE_GATEWAY__LISTEN", secret)], Some((ending, text)))
            .unwrap_err()
            .to_string();
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(
            shown.contains("--config: ") || shown.contains("store.prefix: "),
            "{shown}"
        );
        assert!(shown.contains("listen: "), "{shown}");
    }
    let shown = load(&[("PEOPLE_GATEWAY__STORE__URL", secret)], None).unwrap();
    assert!(!shown.to_toml().contains("hunter2") && !format!("{shown:?}").contains("hunter2"));
}

#[test]
fn a_file_of_another_format_is_refused_with_the_right_one() {
    for ending in [".yaml", ".yml", ".json", ".TOML", ""] {
        let report = load(&[], Some((ending, ""))).unwrap_err().to_string();
        assert!(
            report.contains("has to end in .toml") && report.contains("people-gateway config"),
            "{report}"
        );
    }
}

#[test]
fn keys_come_from_one_source_and_those_of_a_url_need_issuer_and_audience() {
    let mode = ("PEOPLE_GATEWAY__AUTH__MODE", "jwt");
    let url = (
        "PEOPLE_GATEWAY__AUTH__JWKS",
        "https://issuer.example/keys?code=hunter2",
    );
    let issuer = ("PEOPLE_GATEWAY__AUTH__ISSUER", "https://issuer.example");
    let audience = ("PEOPLE_GATEWAY__AUTH__AUDIENCE", "people");
    let redis = ("PEOPLE_GATEWAY__STORE__URL", "redis://h");
    let settings = load(&[mode, url, issuer, audience, redis], None).unwrap();
    let options = settings.fetch_options().expect("keys are fetched");
    assert_eq!(options.refresh.as_secs(), 300);
    assert!(!settings.makes_keys());
    let shown = settings.to_toml();
    assert!(
        shown.contains("jwks = \"https://issuer.example/keys\"\n"),
        "{shown}"
    );
    assert!(!shown.contains("hunter2") && !format!("{settings:?}").contains("hunter2"));
    let report = load(&[mode, url, issuer], None).unwrap_err().to_string();
    assert!(
        report.contains("auth.jwks: needs auth.audience:") && !report.contains("hunter2"),
        "{report}"
    );
    let file = ("PEOPLE_GATEWAY__AUTH__KEYS", "/nowhere/keys");
    let refresh = ("PEOPLE_GATEWAY__AUTH__JWKS_REFRESH_MS", "86400000");
    assert_eq!(
        keys(load(&[mode, url, file, refresh], None)),
        [
            "auth.keys",
            "auth.jwks",
            "auth.jwks",
            "auth.jwks_refresh_ms"
        ]
    );
    for plain in ["http://issuer.example/hunter2", "hunter2"] {
        let url = ("PEOPLE_GATEWAY__AUTH__JWKS", plain);
        let report = load(&[mode, url, issuer, audience], None).unwrap_err();
        let report = report.to_string();
        assert!(
            report.contains("auth.jwks: has to") && !report.contains("hunter2"),
            "{report}"
        );
    }
}

#[test]
fn an_address_is_read_from_a_file_and_no_fault_shows_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("url");
    let file = path.to_str().unwrap();
    let written = |text: &[u8], more: &[(&str, &str)]| {
        std::fs::write(&path, text).unwrap();
        load(
            &[&[("PEOPLE_GATEWAY__STORE__URL_FILE", file)], more].concat(),
            None,
        )
    };
    for end in ["", "\n", "\r\n"] {
        let settings = written(format!("redis://:hunter2@h:7000/3{end}").as_bytes(), &[]).unwrap();
        let StoreUrl::Redis(url) = &settings.store.url else {
            panic!("not Redis")
        };
        assert_eq!(url.expose(), "redis://:hunter2@h:7000/3");
        let shown = settings.to_toml();
        assert!(
            !shown.contains("hunter2") && !shown.contains("\nurl =") && shown.contains(file),
            "{shown}"
        );
        assert!(!format!("{settings:?}").contains("hunter2"));
    }
    let url = ("PEOPLE_GATEWAY__STORE__URL", "redis://h");
    let report = written(b"redis://:hunter2@h", &[url])
        .unwrap_err()
        .to_string();
    assert!(
        report.contains("excludes store.url") && !report.contains("hunter2"),
        "{report}"
    );
    for (text, fault) in [
        (&b"\n"[..], "is empty"),
        (b"hunter2", "has to be embedded:DIR"),
        (b"redis://:hunter2@h/x", "the database"),
        (b"redis://:hunter2\xff@h", "cannot be read"),
    ] {
        let report = written(text, &[]).unwrap_err().to_string();
        assert!(
            report.contains(fault)
                && report.contains("store.url_file")
                && !report.contains("hunter2"),
            "{report}"
        );
    }
    std::fs::remove_file(&path).unwrap();
    let report = load(&[("PEOPLE_GATEWAY__STORE__URL_FILE", file)], None)
        .unwrap_err()
        .to_string();
    assert!(
        report.contains("cannot be read") && report.contains(file),
        "{report}"
    );
}
