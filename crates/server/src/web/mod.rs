//! The portal's files, embedded in the binary, and the headers that go with pages.
//!
//! Every path that is not the API's leads here: a file if there is one, else the app's page, which routes by itself.
//! Without a built app there is one page that says how to build it. The content security policy is made at start from
//! the embedded pages: it names the hash of each inline script in them and allows no other.

mod assets;
mod csp;

use std::borrow::Cow;
use std::collections::HashMap;

use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

/// Names under it carry a hash of their content, so a browser never has to ask again.
const HASHED: &str = "_app/immutable/";
const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");
const BUILD_IT: &str = include_str!("build_it.html");

/// A file as it is served.
struct Asset {
    body: Cow<'static, [u8]>,
    media_type: HeaderValue,
    etag: HeaderValue,
    cache: HeaderValue,
    /// The same made smaller by the web build (`.gz`, `.br` beside it) with its content coding, smallest first.
    packed: Vec<(&'static str, Cow<'static, [u8]>)>,
}

/// The embedded portal, looked through once at start.
pub(crate) struct Site {
    assets: HashMap<String, Asset>,
    policy: HeaderValue,
}

impl Site {
    /// The portal that this binary was built with.
    pub(crate) fn embedded() -> Self {
        Self::of(assets::all())
    }

    /// A portal of these files; an empty list gives the page that says how to build one.
    fn of(files: Vec<(String, Cow<'static, [u8]>, String)>) -> Self {
        let mut files = files;
        if files.is_empty() {
            files.push((
                "index.html".to_owned(),
                Cow::Borrowed(BUILD_IT.as_bytes()),
                "text/html".to_owned(),
            ));
        }
        let policy = csp::policy(
            files
                .iter()
                .filter(|(path, ..)| path.ends_with(".html"))
                .map(|(_, body, _)| &**body),
        );
        let (packed, plain): (Vec<_>, Vec<_>) = files
            .into_iter()
            .partition(|(path, ..)| coding_of(path).is_some());
        let mut assets: HashMap<String, Asset> = plain
            .into_iter()
            .map(|(path, body, media_type)| (path.clone(), Asset::new(&path, body, &media_type)))
            .collect();
        for (path, body, _) in packed {
            let of =
                coding_of(&path).and_then(|(original, coding)| Some((assets.get_mut(original)?, coding)));
            if let Some((asset, coding)) = of {
                asset.packed.push((coding, body));
                asset.packed.sort_by_key(|(_, body)| body.len());
            }
        }
        Self { assets, policy }
    }

    /// `Content-Security-Policy` for every page.
    pub(crate) fn policy(&self) -> HeaderValue {
        self.policy.clone()
    }

    /// Answers a request for a page or a file of the portal.
    pub(crate) fn serve(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Response {
        if !matches!(*method, Method::GET | Method::HEAD) {
            return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET, HEAD")]).into_response();
        }
        let path = uri.path().trim_matches('/');
        match self.find(path) {
            Some(asset) => asset.response(headers),
            None => (StatusCode::NOT_FOUND, "There is no such file.\n").into_response(),
        }
    }

    fn find(&self, path: &str) -> Option<&Asset> {
        let page = || {
            self.assets
                .get("200.html")
                .or_else(|| self.assets.get("index.html"))
        };
        if path.is_empty() {
            return self.assets.get("index.html").or_else(page);
        }
        if let Some(exact) = self
            .assets
            .get(path)
            .or_else(|| self.assets.get(&format!("{path}.html")))
        {
            return Some(exact);
        }
        // A missing script must be a 404: a page in its place is a syntax error with no cause in sight.
        let is_file =
            path.starts_with("_app/") || path.rsplit('/').next().is_some_and(|name| name.contains('.'));
        if is_file { None } else { page() }
    }
}

impl Asset {
    fn new(path: &str, body: Cow<'static, [u8]>, media_type: &str) -> Self {
        let text = matches!(
            media_type,
            "text/html" | "text/css" | "text/javascript" | "text/plain"
        );
        let media_type = if text {
            format!("{media_type}; charset=utf-8")
        } else {
            media_type.to_owned()
        };
        let octets = HeaderValue::from_static("application/octet-stream");
        Self {
            media_type: HeaderValue::from_str(&media_type).unwrap_or(octets),
            etag: csp::etag(&body),
            cache: if path.starts_with(HASHED) {
                FOREVER
            } else {
                ASK_AGAIN
            },
            packed: Vec::new(),
            body,
        }
    }

    fn response(&self, request: &HeaderMap) -> Response {
        let mut headers = HeaderMap::new();
        headers.insert(header::ETAG, self.etag.clone());
        headers.insert(header::CACHE_CONTROL, self.cache.clone());
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        if request.get(header::IF_NONE_MATCH) == Some(&self.etag) {
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        headers.insert(header::CONTENT_TYPE, self.media_type.clone());
        let body = match self.packed.iter().find(|(coding, _)| takes(request, coding)) {
            Some((coding, body)) => {
                headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
                body
            }
            None => &self.body,
        };
        (headers, body.clone()).into_response()
    }
}

/// The file that a packed one is made of, and its content coding.
fn coding_of(path: &str) -> Option<(&str, &'static str)> {
    let gzip = path.strip_suffix(".gz").map(|original| (original, "gzip"));
    gzip.or_else(|| path.strip_suffix(".br").map(|original| (original, "br")))
}

fn takes(request: &HeaderMap, coding: &str) -> bool {
    let listed = request
        .get(header::ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("");
    listed.split(',').any(|item| {
        let (name, weight) = item.split_once(';').unwrap_or((item, ""));
        let refused = matches!(weight.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000");
        name.trim().eq_ignore_ascii_case(coding) && !refused
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site() -> Site {
        let file = |path: &str, body: &'static str, media_type: &str| {
            (
                path.to_owned(),
                Cow::Borrowed(body.as_bytes()),
                media_type.to_owned(),
            )
        };
        Site::of(vec![
            file("index.html", "<script>let a = 1</script>", "text/html"),
            file("_app/immutable/entry/start.abc.js", "start()", "text/javascript"),
            file(
                "_app/immutable/entry/start.abc.js.gz",
                "small",
                "application/gzip",
            ),
            file("favicon.svg", "<svg/>", "image/svg+xml"),
        ])
    }

    fn get(path: &'static str, headers: &[(header::HeaderName, &'static str)]) -> Response {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.clone(), HeaderValue::from_static(value)))
            .collect();
        site().serve(&Method::GET, &Uri::from_static(path), &headers)
    }

    #[test]
    fn a_path_of_the_app_gives_its_page_and_a_missing_file_does_not() {
        assert_eq!(
            get("/sessions/42", &[]).headers()[header::CONTENT_TYPE],
            "text/html; charset=utf-8"
        );
        assert_eq!(get("/", &[]).status(), StatusCode::OK);
        assert_eq!(
            get("/_app/immutable/gone.js", &[]).status(),
            StatusCode::NOT_FOUND
        );
        assert_eq!(get("/robots.txt", &[]).status(), StatusCode::NOT_FOUND);
    }

    #[test]
    fn hashed_files_are_kept_for_ever_and_others_are_asked_for_again() {
        let hashed = get("/_app/immutable/entry/start.abc.js", &[]);
        assert!(
            hashed.headers()[header::CACHE_CONTROL]
                .to_str()
                .unwrap()
                .contains("immutable")
        );
        let icon = get("/favicon.svg", &[]);
        assert_eq!(icon.headers()[header::CACHE_CONTROL], "no-cache");
        let etag = icon.headers()[header::ETAG].to_str().unwrap().to_owned().leak();
        assert_eq!(
            get("/favicon.svg", &[(header::IF_NONE_MATCH, etag)]).status(),
            StatusCode::NOT_MODIFIED
        );
    }

    #[test]
    fn the_small_form_goes_to_those_who_take_it() {
        let path = "/_app/immutable/entry/start.abc.js";
        let small = get(path, &[(header::ACCEPT_ENCODING, "br;q=1.0, gzip")]);
        assert_eq!(small.headers()[header::CONTENT_ENCODING], "gzip");
        assert_eq!(
            small.headers()[header::CONTENT_TYPE],
            "text/javascript; charset=utf-8"
        );
        for plain in ["identity", "gzip;q=0"] {
            assert!(
                get(path, &[(header::ACCEPT_ENCODING, plain)])
                    .headers()
                    .get(header::CONTENT_ENCODING)
                    .is_none()
            );
        }
    }

    #[test]
    fn only_reading_is_possible() {
        let refused = site().serve(&Method::POST, &Uri::from_static("/sessions"), &HeaderMap::new());
        assert_eq!(refused.status(), StatusCode::METHOD_NOT_ALLOWED);
    }

    #[test]
    fn without_a_build_there_is_a_page_that_says_how_to_make_one() {
        let bare = Site::of(Vec::new());
        let page = bare.find("sessions").unwrap();
        assert!(String::from_utf8_lossy(&page.body).contains("npm run build"));
    }
}
