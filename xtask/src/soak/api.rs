//! Requests made up from the API's document by schemathesis: every answer is one that the document names.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::client::Client;
use super::server::{Build, Server};
use crate::process::{run_to_end, say};
use crate::python;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Made-up requests for each operation and phase.
    #[arg(long, default_value_t = 100)]
    examples: u32,
}

impl Default for Args {
    fn default() -> Self {
        Self { examples: 100 }
    }
}

impl Args {
    pub(crate) fn short() -> Self {
        Self { examples: 5 }
    }
}

/// Pinned, so that a new release cannot turn a green tree red.
const SCHEMATHESIS: &str = "schemathesis==4.32.5";
/// What an answer must be. That every request which fits its schema is taken is not among them: an e-mail address or a
/// link that nobody made fits, and is refused.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_schema_conformance,response_headers_conformance,unsupported_method";

/// Installs schemathesis where it is not yet; gives the folder of its program.
pub(crate) fn prepare(root: &Path) -> Result<PathBuf> {
    python::environment(&root.join("target/soak/api"), &[SCHEMATHESIS])
}

pub(crate) fn run(root: &Path, args: &Args) -> Result<()> {
    let programs = prepare(root)?;
    let mut server = Server::fresh(root, "api", Build::Debug)?;
    let device = server.add_people()?;
    server.start()?;
    let cookie = Client::new(server.base()).sign_in()?;
    let senders = [
        // A wrong cookie beside a right token is no wrong sign-in: that check would complain of it.
        ("a device", format!("Authorization: Bearer {}", device.token), ""),
        // Last: it may remove the device.
        ("a person", format!("Cookie: {cookie}"), ",ignored_auth"),
    ];
    for (who, header, more) in senders {
        say(format_args!("as {who}"));
        run_to_end(
            Command::new(programs.join("schemathesis"))
                .current_dir(server.folder())
                .env("SCHEMATHESIS_HOOKS", root.join("xtask/src/soak/api_hooks.py"))
                .arg("run")
                .arg(format!("{}/api/v1/openapi.json", server.base()))
                .args([
                    "--header",
                    &header,
                    "--checks",
                    &format!("{CHECKS}{more}"),
                    "--seed",
                    "1",
                ])
                .args(["--max-examples", &args.examples.to_string()])
                // Ends the sign-in that all others are made with.
                .args(["--exclude-path", "/api/v1/session-cookie/logout"]),
        )?;
    }
    server.discard()
}
