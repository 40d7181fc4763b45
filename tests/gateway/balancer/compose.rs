//! What the containers of the Compose files may do, and what they are told.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use yaml_rust2::yaml::Hash;
use yaml_rust2::{Yaml, YamlLoader};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn yaml(path: &str) -> Yaml {
    let text = fs::read_to_string(format!("{ROOT}/{path}")).expect("the file is there");
    YamlLoader::load_from_str(&text).expect("YAML").remove(0)
}

/// The services by name, each with what it takes over from another (`<<`).
fn services() -> BTreeMap<String, Yaml> {
    services_of(&yaml("docker-compose.yml"))
}

fn services_of(compose: &Yaml) -> BTreeMap<String, Yaml> {
    let services = compose["services"].as_hash().expect("services");
    let services = services.iter();
    services
        .map(|(name, service)| (name.as_str().expect("a name").to_owned(), whole(service)))
        .collect()
}

/// A map with the members of the one that it is based on, where it has none of the same name.
fn whole(value: &Yaml) -> Yaml {
    let Some(map) = value.as_hash() else {
        return value.clone();
    };
    let based_on = Yaml::String("<<".to_owned());
    let mut merged = match map.get(&based_on).map(whole) {
        Some(Yaml::Hash(base)) => base,
        _ => Hash::new(),
    };
    for (key, value) in map.iter().filter(|(key, _)| **key != based_on) {
        merged.insert(key.clone(), whole(value));
    }
    Yaml::Hash(merged)
}

/// A text of a service.
fn text<'a>(service: &'a Yaml, key: &str) -> &'a str {
    let found = service[key].as_str();
    found.unwrap_or_else(|| panic!("{key} is missing in {service:?}"))
}

/// The texts of a list.
fn strings<'a>(service: &'a Yaml, key: &str) -> Vec<&'a str> {
    service[key]
        .as_vec()
        .into_iter()
        .flatten()
        .filter_map(Yaml::as_str)
        .collect()
}

/// The names of a list, or of the members of a map.
fn names<'a>(service: &'a Yaml, key: &str) -> Vec<&'a str> {
    match service[key].as_hash() {
        Some(map) => map.keys().filter_map(Yaml::as_str).collect(),
        None => strings(service, key),
    }
}

/// Checks that a service is pinned and confined, and uses networks and volumes of its file.
fn check_confined(compose: &Yaml, name: &str, service: &Yaml) {
    let image = text(service, "image");
    let pinned = image
        .split_once(':')
        .is_some_and(|(_, tag)| tag.contains(|c: char| c.is_ascii_digit()));
    assert!(pinned || !service["build"].is_badvalue(), "{name}: {image}");
    assert_eq!(service["read_only"].as_bool(), Some(true), "{name}");
    assert_eq!(strings(service, "cap_drop"), ["ALL"], "{name}");
    assert_eq!(
        strings(service, "security_opt"),
        ["no-new-privileges:true"],
        "{name}"
    );
    for network in names(service, "networks") {
        assert!(
            !compose["networks"][network].is_badvalue(),
            "{name} is on {network}"
        );
    }
    for volume in strings(service, "volumes") {
        let (source, _) = volume.split_once(':').expect("a source");
        match source.strip_prefix("./") {
            Some(path) => {
                let path = format!("{ROOT}/{path}");
                assert!(
                    fs::exists(&path).expect("readable") && volume.ends_with(":ro"),
                    "{name}: {volume}"
                );
            }
            None => assert!(
                !compose["volumes"][source].is_badvalue(),
                "{name}: {volume}"
            ),
        }
    }
    assert!(
        strings(service, "ports")
            .iter()
            .all(|port| port.starts_with("127.0.0.1:")),
        "{name}"
    );
    assert!(text(service, "mem_limit").ends_with(['m', 'g']), "{name}");
    assert!(
        service["pids_limit"]
            .as_i64()
            .is_some_and(|processes| processes > 0),
        "{name}"
    );
}

#[test]
fn containers_are_pinned_and_confined_and_without_authentication_they_stay_on_this_machine() {
    let compose = yaml("docker-compose.yml");
    for (name, service) in &services() {
        check_confined(&compose, name, service);
        let profile: &[&str] = match name.as_str() {
            "prometheus" | "grafana" => &["observability"],
            "gateway-auth" | "balancer-auth" => &["auth"],
            _ => &[],
        };
        assert_eq!(strings(service, "profiles"), profile, "{name}");
    }
}

/// The files that put several servers in place of the one Redis, and the scheme of each.
const TOPOLOGIES: [(&str, &str); 2] = [
    ("deploy/compose.sentinel.yml", "redis-sentinel://"),
    ("deploy/compose.cluster.yml", "redis-cluster://"),
];

#[test]
fn other_topologies_add_confined_servers_and_loosen_nothing() {
    let base = services();
    let harmless = [
        "command",
        "environment",
        "networks",
        "depends_on",
        "profiles",
    ];
    for (file, _) in TOPOLOGIES {
        let compose = yaml(file);
        let mut addresses = BTreeSet::new();
        for (name, service) in &services_of(&compose) {
            if base.contains_key(name) {
                for key in service.as_hash().expect("members").keys() {
                    let key = key.as_str().expect("a name");
                    assert!(harmless.contains(&key), "{file}: {name} has {key}");
                }
            } else {
                check_confined(&compose, name, service);
                assert!(service["ports"].is_badvalue(), "{file}: {name}");
            }
            let address = service["networks"]["data"]["ipv4_address"].as_str();
            let is_new = address.is_none_or(|address| addresses.insert(address.to_owned()));
            assert!(is_new, "{file}: {name} has the address of another");
        }
        assert_eq!(addresses.len(), 6, "{file}");
        assert_eq!(
            compose["networks"]["data"]["internal"].as_bool(),
            Some(true)
        );
    }
}

#[test]
fn gateways_of_other_topologies_are_told_servers_that_there_are() {
    for (file, scheme) in TOPOLOGIES {
        let services = services_of(&yaml(file));
        for name in ["gateway", "gateway-auth"] {
            let url = text(&services[name]["environment"], "PEOPLE_GATEWAY__STORE__URL");
            let hosts = url.strip_prefix(scheme).expect("the scheme");
            let hosts = hosts.split('/').next().expect("hosts").split(',');
            for host in hosts {
                assert!(services.contains_key(host), "{file}: {url}");
            }
        }
        let wanted = match scheme {
            "redis-sentinel://" => "--min-replicas-to-write 1 --min-replicas-max-lag 2",
            _ => "--cluster-require-full-coverage no",
        };
        let commands = services
            .values()
            .flat_map(|service| strings(service, "command"));
        let servers: Vec<&str> = commands
            .filter(|command| command.contains("--appendfsync"))
            .collect();
        assert!(!servers.is_empty(), "{file}");
        for server in servers {
            assert!(server.contains(wanted), "{file}: {server}");
            assert!(server.contains("--appendfsync always"), "{file}");
            assert!(server.contains("--maxmemory-policy noeviction"), "{file}");
        }
    }
}

#[test]
fn gateways_in_containers_are_given_time_to_stop_and_are_found_by_prometheus() {
    let services = services();
    let prometheus = yaml("deploy/prometheus/prometheus.yml");
    let scraped = &prometheus["scrape_configs"][0]["dns_sd_configs"][0];
    assert_eq!(scraped["port"].as_i64(), Some(9091));
    for (name, mode) in [("gateway", "none"), ("gateway-auth", "jwt")] {
        let gateway = &services[name];
        let setting = |key: &str| text(&gateway["environment"], key);
        assert_eq!(setting("PEOPLE_GATEWAY__AUTH__MODE"), mode);
        assert_eq!(setting("PEOPLE_GATEWAY__HTTP__HOSTS"), "localhost");
        let milliseconds = |key| setting(key).parse::<u64>().expect("a time");
        let stop = milliseconds("PEOPLE_GATEWAY__SHUTDOWN__NOTICE_MS")
            + milliseconds("PEOPLE_GATEWAY__SHUTDOWN__GRACE_MS");
        let patience = text(gateway, "stop_grace_period").trim_end_matches('s');
        let patience = patience.parse::<u64>().expect("seconds");
        assert!(stop < patience * 1000, "{stop} ms, {patience} s");
        assert!(setting("PEOPLE_GATEWAY__ADMIN__LISTEN").ends_with(":9091"));
        assert!(strings(scraped, "names").contains(&name), "{name}");
    }
}

#[test]
fn gateways_with_tokens_and_gateways_without_do_not_run_side_by_side() {
    let services = services();
    let open = strings(&services["balancer"], "ports");
    let guarded = strings(&services["balancer-auth"], "ports");
    assert!(!open.is_empty() && open.iter().all(|port| guarded.contains(port)));
    let found = text(&services["balancer-auth"]["environment"], "GATEWAY_HOST");
    assert_eq!(found, "gateway-auth");
}
