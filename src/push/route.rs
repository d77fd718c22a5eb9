//! Which request means what.

use hyper::Method;

use crate::dispatch::IntentKind;

/// What a request asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Route<'a> {
    /// A Pub/Sub push.
    Push,
    /// An intent with its parameters in the body.
    Post(&'a str),
    /// A read-only intent with its parameters in the query.
    Get(&'a str),
    /// Is the process up?
    Health,
    /// Can it do its work?
    Ready,
    /// Nothing is there.
    UnknownPath,
    /// Something is there, for these methods.
    WrongMethod { allow: &'static str },
}

const POST: &str = "POST";
const GET: &str = "GET, HEAD";
const GET_POST: &str = "GET, POST";

impl<'a> Route<'a> {
    /// `path` is the path as it came: names of intents need no percent-encoding.
    pub(super) fn of(
        method: &Method,
        path: &'a str,
        kind_of: fn(&str) -> Option<IntentKind>,
    ) -> Self {
        let (posts, gets) = (method == Method::POST, method == Method::GET);
        let reads = gets || method == Method::HEAD;
        match path {
            "/" | "/push" if posts => Self::Push,
            "/" | "/push" => Self::WrongMethod { allow: POST },
            "/healthz" if reads => Self::Health,
            "/readyz" if reads => Self::Ready,
            "/healthz" | "/readyz" => Self::WrongMethod { allow: GET },
            _ => {
                let Some(name) = path.strip_prefix('/') else { return Self::UnknownPath };
                match kind_of(name) {
                    None => Self::UnknownPath,
                    Some(_) if posts => Self::Post(name),
                    Some(IntentKind::ReadOnly) if gets => Self::Get(name),
                    Some(IntentKind::ReadOnly) => Self::WrongMethod { allow: GET_POST },
                    Some(IntentKind::Acting) => Self::WrongMethod { allow: POST },
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind_of(name: &str) -> Option<IntentKind> {
        match name {
            "summary" => Some(IntentKind::ReadOnly),
            "allocation" => Some(IntentKind::Acting),
            _ => None,
        }
    }

    fn of(method: Method, path: &str) -> Route<'_> {
        Route::of(&method, path, kind_of)
    }

    #[test]
    fn only_what_changes_nothing_can_be_got() {
        assert_eq!(of(Method::GET, "/summary"), Route::Get("summary"));
        assert_eq!(of(Method::POST, "/summary"), Route::Post("summary"));
        assert_eq!(of(Method::POST, "/allocation"), Route::Post("allocation"));
        for method in [Method::GET, Method::HEAD, Method::PUT, Method::OPTIONS] {
            assert_eq!(of(method, "/allocation"), Route::WrongMethod { allow: "POST" });
        }
        assert_eq!(of(Method::HEAD, "/summary"), Route::WrongMethod { allow: "GET, POST" });
    }

    #[test]
    fn a_name_is_the_whole_path() {
        for path in ["/summary/", "//summary", "/summary/x", "/SUMMARY", "/%73ummary", "*", "/x"] {
            assert_eq!(of(Method::POST, path), Route::UnknownPath, "{path}");
        }
        assert_eq!(of(Method::POST, "/push/"), Route::UnknownPath);
    }
}
