//! Web pages that are none of ours.

use std::net::IpAddr;

use hyper::header::ORIGIN;
use hyper::{HeaderMap, Uri};

/// Whether a page from elsewhere makes the browser send this.
///
/// Without authentication only this machine can reach us, and a browser on it can: any page that
/// is open in it may post to a local port, and the order would be placed even though the page
/// never sees the answer. A browser names the page's origin in every such request, a page can't
/// suppress that, and programs do not send the header.
pub(super) fn is_foreign_page(headers: &HeaderMap) -> bool {
    headers.get_all(ORIGIN).iter().any(|origin| {
        let origin = origin.to_str().ok().and_then(|text| text.parse::<Uri>().ok());
        !origin.as_ref().and_then(Uri::host).is_some_and(is_this_machine)
    })
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
