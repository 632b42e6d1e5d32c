//! The head of a request, as much as is used of it.

use httparse::{EMPTY_HEADER, Error, Status as Parsed};

use super::Status;

/// What browsers send in a head is a third of it.
pub const HEAD_BYTES_MAX: usize = 2048;
/// Everything that the form asks for, each byte written as three, is less.
pub const FORM_BYTES_MAX: usize = 1024;
const HEADERS_MAX: usize = 32;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Get,
    Head,
    Post,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Head<'a> {
    pub(super) verb: Verb,
    /// As it was sent, for what was signed with it.
    pub(super) target: &'a str,
    pub(super) path: &'a str,
    /// Without its port.
    pub(super) host: &'a str,
    pub(super) body_bytes: usize,
    pub(super) is_form: bool,
    pub(super) authorization: Option<&'a str>,
    pub(super) range: Option<&'a str>,
    pub(super) if_range: Option<&'a str>,
    pub(super) user_agent: &'a str,
    pub(super) keeps_connection: bool,
    /// Whether it knows bodies in chunks.
    pub(super) is_1_1: bool,
}

/// Whether the bytes so far end in the empty line that ends a head.
pub(super) fn is_whole(bytes: &[u8]) -> bool {
    bytes.ends_with(b"\n\r\n") || bytes.ends_with(b"\n\n")
}

/// Reads a whole head.
pub(super) fn parse(bytes: &[u8]) -> Result<Head<'_>, Status> {
    let mut headers = [EMPTY_HEADER; HEADERS_MAX];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(bytes) {
        Ok(Parsed::Complete(_)) => {}
        Ok(Parsed::Partial) => return Err(Status::BadRequest),
        Err(Error::TooManyHeaders) => return Err(Status::HeadTooLarge),
        Err(Error::Version) => return Err(Status::VersionNotSupported),
        Err(_) => return Err(Status::BadRequest),
    }
    let (Some(method), Some(target), Some(minor)) = (request.method, request.path, request.version) else {
        return Err(Status::BadRequest);
    };
    let fields = Fields(request.headers);
    if fields.one("transfer-encoding")?.is_some() {
        return Err(Status::NotImplemented);
    }
    let verb = match method {
        "GET" => Verb::Get,
        "HEAD" => Verb::Head,
        "POST" => Verb::Post,
        _ => return Err(Status::MethodNotAllowed),
    };
    let (host, path) = place(target, fields.one("host")?)?;
    let is_1_1 = minor == 1;
    let connection = fields.one("connection")?.unwrap_or_default();
    let keeps_connection = if is_1_1 {
        !connection.eq_ignore_ascii_case("close")
    } else {
        connection.eq_ignore_ascii_case("keep-alive")
    };
    let content_type = fields.one("content-type")?.unwrap_or_default();
    let media = content_type.split(';').next().unwrap_or_default().trim();
    Ok(Head {
        verb,
        target,
        path: path.split(['?', '#']).next().unwrap_or_default(),
        host,
        body_bytes: body_bytes(verb, fields.one("content-length")?)?,
        is_form: media.eq_ignore_ascii_case("application/x-www-form-urlencoded"),
        authorization: fields.one("authorization")?,
        range: fields.one("range")?,
        if_range: fields.one("if-range")?,
        user_agent: fields.one("user-agent")?.unwrap_or_default(),
        keeps_connection,
        is_1_1,
    })
}

/// Host and path, of which the target may name both.
fn place<'a>(target: &'a str, host: Option<&'a str>) -> Result<(&'a str, &'a str), Status> {
    let (authority, path) = match target.strip_prefix("http://") {
        Some(rest) => match rest.find('/') {
            Some(slash) => rest.split_at(slash),
            None => (rest, "/"),
        },
        None if target.starts_with('/') => (host.ok_or(Status::BadRequest)?, target),
        None => return Err(Status::BadRequest),
    };
    let name = authority.split(':').next().unwrap_or_default();
    if name.is_empty() {
        return Err(Status::BadRequest);
    }
    Ok((name, path))
}

fn body_bytes(verb: Verb, length: Option<&str>) -> Result<usize, Status> {
    let is_number = |text: &&str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match (verb, length) {
        (Verb::Get | Verb::Head, None | Some("0")) => Ok(0),
        (Verb::Get | Verb::Head, Some(_)) => Err(Status::BadRequest),
        (Verb::Post, None) => Err(Status::LengthRequired),
        (Verb::Post, Some(length)) => {
            let number = Some(length).filter(is_number).ok_or(Status::BadRequest)?;
            // A number that does not fit is too large as well.
            match number.parse() {
                Ok(bytes) if bytes <= FORM_BYTES_MAX => Ok(bytes),
                _ => Err(Status::BodyTooLarge),
            }
        }
    }
}

struct Fields<'h, 'a>(&'h [httparse::Header<'a>]);

impl<'a> Fields<'_, 'a> {
    /// The value of a field. Two of one name are two requests to two readers, and refused.
    fn one(&self, name: &str) -> Result<Option<&'a str>, Status> {
        let mut found = self
            .0
            .iter()
            .filter(|header| header.name.eq_ignore_ascii_case(name));
        let Some(header) = found.next() else {
            return Ok(None);
        };
        if found.next().is_some() {
            return Err(Status::BadRequest);
        }
        core::str::from_utf8(header.value)
            .map(|value| Some(value.trim()))
            .map_err(|_| Status::BadRequest)
    }
}
