//! Web pages that are none of ours.

use std::net::IpAddr;

use hyper::header::{HOST, ORIGIN};
use hyper::{HeaderMap, Uri};

/// What a browser says of where a request comes from (<https://www.w3.org/TR/fetch-metadata/>).
const FETCH_SITE: &str = "sec-fetch-site";

/// Whether a page from elsewhere makes the browser send this.
///
/// Without authentication only this machine can reach us, and a browser on it can: any page that
/// is open in it may send requests to a local port, and an order would be placed even though the
/// page never sees the answer. A browser names the page's origin when it posts, says of every
/// request whether another site asks for it, and a page can suppress neither; programs send
/// neither. A page whose own name was made to lead here is told by the `Host` it asks for.
pub(super) fn is_foreign_page(headers: &HeaderMap) -> bool {
    let origin_is_foreign = headers.get_all(ORIGIN).iter().any(|origin| {
        let origin = origin.to_str().ok().and_then(|text| text.parse::<Uri>().ok());
        !origin.as_ref().and_then(Uri::host).is_some_and(is_this_machine)
    });
    let host_is_foreign = headers.get_all(HOST).iter().any(|host| {
        let host = host.to_str().ok().and_then(|text| text.parse::<Uri>().ok());
        !host.as_ref().and_then(Uri::host).is_some_and(is_this_machine)
    });
    let site_is_foreign =
        headers.get_all(FETCH_SITE).iter().any(|site| site == "cross-site" || site == "same-site");
    origin_is_foreign || host_is_foreign || site_is_foreign
}

fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn foreign(origin: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(ORIGIN, origin.parse().unwrap());
        is_foreign_page(&headers)
    }

    #[test]
    fn a_name_that_was_made_to_lead_here_is_foreign() {
        let named = |name: &'static str, value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            is_foreign_page(&headers)
        };
        for host in ["localhost:8080", "127.0.0.1:8080", "127.0.0.1", "[::1]:8080"] {
            assert!(!named("host", host), "{host}");
        }
        assert!(named("host", "evil.example:8080"));
        assert!(named("host", "127.0.0.1.evil.example"));
        assert!(named("sec-fetch-site", "cross-site"));
        assert!(!named("sec-fetch-site", "same-origin"));
        assert!(!named("sec-fetch-site", "none"));
    }

    #[test]
    fn only_pages_of_this_machine_are_ours() {
        assert!(!is_foreign_page(&HeaderMap::new()));
        for origin in ["http://localhost:3000", "http://127.0.0.1:8080", "http://[::1]:8080"] {
            assert!(!foreign(origin), "{origin}");
        }
        for origin in [
            "https://example.com",
            "http://localhost.example.com:8080",
            "http://127.0.0.1.example.com",
            "http://192.168.1.2",
            // A file, or a frame in a sandbox.
            "null",
            "",
        ] {
            assert!(foreign(origin), "{origin}");
        }
    }
}
