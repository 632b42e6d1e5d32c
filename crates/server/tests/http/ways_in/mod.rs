//! Ways in beside the password, with a mail server and an OpenID Connect provider of the tests' own.

mod provider;
mod reset;
mod smtp;
mod sso;
