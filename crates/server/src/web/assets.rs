//! The files of `web/app/build`, compiled in when they were there at build time (`build.rs` looks).

use std::borrow::Cow;

/// Path, content and media type of every embedded file.
#[cfg(web_app)]
pub(super) fn all() -> Vec<(String, Cow<'static, [u8]>, String)> {
    use rust_embed::RustEmbed;

    #[derive(RustEmbed)]
    #[folder = "../../web/app/build"]
    struct Build;

    Build::iter()
        .filter_map(|path| {
            let file = Build::get(&path)?;
            Some((path.into_owned(), file.data, file.metadata.mimetype().to_owned()))
        })
        .collect()
}

#[cfg(not(web_app))]
pub(super) fn all() -> Vec<(String, Cow<'static, [u8]>, String)> {
    Vec::new()
}
