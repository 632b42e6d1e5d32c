//! Writes the API's document to standard output; `web/packages/api-client/openapi.json` is kept from it.

use std::io::{self, Write};

fn main() -> io::Result<()> {
    let document = server::openapi().to_pretty_json().map_err(io::Error::other)?;
    writeln!(io::stdout().lock(), "{document}")
}
