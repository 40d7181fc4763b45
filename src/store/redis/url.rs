//! The syntax of `store.url`: that of a url, but with several hosts.

use url::Url;

/// Replaces the password in every printed address.
pub const REDACTED: &str = "***";

/// A url, taken apart.
pub struct UrlParts<'a> {
    /// The text before `://`.
    pub scheme: &'a str,
    /// User and password with their `@`, or nothing.
    pub account: &'a str,
    /// The hosts with their ports, as they are written.
    pub hosts: Vec<&'a str>,
    /// The text after the slash, or nothing.
    pub path: &'a str,
    /// Query and fragment with their `?` and `#`, or nothing.
    pub parameters: &'a str,
}

impl<'a> UrlParts<'a> {
    /// Takes a url apart; none without a scheme.
    pub fn of(url: &'a str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let (rest, parameters) = rest.split_at(rest.find(['?', '#']).unwrap_or(rest.len()));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (account, hosts) = authority.split_at(authority.rfind('@').map_or(0, |at| at + 1));
        Some(Self {
            scheme,
            account,
            hosts: hosts.split(',').collect(),
            path,
            parameters,
        })
    }

    /// The path as that of sentinels: the name that they have for the master, and the database.
    pub fn master_and_database(&self) -> (&'a str, &'a str) {
        self.path.split_once('/').unwrap_or((self.path, ""))
    }

    /// The url of each host alone, without a path; none where one is no host.
    pub fn each(&self) -> Option<Vec<Url>> {
        let alone = self.hosts.iter().map(|host| {
            let url = format!("{}://{}{host}", self.scheme, self.account);
            let url = Url::parse(&url).ok()?;
            url.host_str()
                .is_some_and(|host| !host.is_empty())
                .then_some(url)
        });
        alone.collect()
    }

    fn redacted(&self) -> Option<String> {
        let urls = self.each()?;
        let first = urls.first()?;
        let account = match first.password() {
            None => self.account.to_owned(),
            Some(_) => format!("{}:{REDACTED}@", first.username()),
        };
        let slash = if self.path.is_empty() { "" } else { "/" };
        let (scheme, hosts, path) = (self.scheme, self.hosts.join(","), self.path);
        Some(format!("{scheme}://{account}{hosts}{slash}{path}"))
    }
}

/// The url with `***` in place of its password, for logs, errors and the effective configuration.
/// Query and fragment are left out. A text that does not parse is not shown at all: it may have a
/// secret anywhere.
pub fn redacted(url: &str) -> String {
    UrlParts::of(url)
        .and_then(|parts| parts.redacted())
        .unwrap_or_else(|| "a text that is not a url".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        for (url, shown) in [
            (
                "rediss://ada:s3cret@db.example:6380/2?protocol=resp3#s3cret",
                "rediss://ada:***@db.example:6380/2",
            ),
            ("redis://:s3cret@db", "redis://:***@db"),
            ("redis://db:6379/1", "redis://db:6379/1"),
            (
                "redis-sentinel://ada:s3cret@a:1,b,[::1]:2/people/3",
                "redis-sentinel://ada:***@a:1,b,[::1]:2/people/3",
            ),
            ("rediss-cluster://a:1,b:2", "rediss-cluster://a:1,b:2"),
        ] {
            assert_eq!(redacted(url), shown);
        }
        for malformed in [
            "redis-cluster://:s3cret@a,b:s3 cret@c",
            "redis-cluster://:a,s3cret@a:x,b",
            "redis://:s3cret@db:port",
            "s3cret",
            "redis://:s3cret@",
        ] {
            assert!(!redacted(malformed).contains("s3cret"), "{malformed}");
        }
    }
}
