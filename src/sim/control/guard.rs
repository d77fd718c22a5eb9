//! Who may ask: programs of this machine, not pages in its browser.

use std::net::IpAddr;

use hyper::header::{HOST, ORIGIN};
use hyper::{HeaderMap, Uri};

/// Whether every `Host` and `Origin` that a request names is this machine, and it names a host.
///
/// A web page can send requests to a local port. If its own name was made to lead here (DNS
/// rebinding), the browser asks for that name; otherwise it names the page's origin when it
/// posts. Programs name the address that they connected to, and no origin.
pub fn is_welcome(headers: &HeaderMap) -> bool {
    let ours = |name| {
        headers.get_all(name).iter().all(|value| {
            let uri = value.to_str().ok().and_then(|text| text.parse::<Uri>().ok());
            uri.as_ref().and_then(Uri::host).is_some_and(is_this_machine)
        })
    };
    headers.contains_key(HOST) && ours(HOST) && ours(ORIGIN)
}

fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn welcome(headers: &[(&'static str, &str)]) -> bool {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        is_welcome(&map)
    }

    #[test]
    fn programs_of_this_machine_are_welcome() {
        for host in ["127.0.0.1:4003", "localhost:4003", "[::1]:4003"] {
            assert!(welcome(&[("host", host)]), "{host}");
        }
        assert!(welcome(&[("host", "localhost:4003"), ("origin", "http://localhost:8080")]));
    }

    #[test]
    fn pages_from_elsewhere_are_not() {
        assert!(!welcome(&[]));
        for host in ["evil.example:4003", "127.0.0.1.evil.example", "192.168.1.2:4003", ""] {
            assert!(!welcome(&[("host", host)]), "{host}");
        }
        assert!(!welcome(&[("host", "127.0.0.1:4003"), ("origin", "https://evil.example")]));
        assert!(!welcome(&[("host", "127.0.0.1:4003"), ("origin", "null")]));
    }
}
