//! Accounts: who may come in and how they prove it.
//!
//! `secret` and `password` are the types that do not print, `limits` says how often somebody may guess, `admin` is what
//! the command line does on an opened data folder, `forgotten` mails links for a new password, `sso` lets another service vouch. The rows are in `store::accounts`; what a request carries (cookie,
//! bearer token) is read in `http::identity`. Why sign-ins are our own rows: `docs/decisions/0005-sign-ins-are-rows.md`.

pub mod admin;
pub mod forgotten;
pub mod limits;
pub mod password;
pub mod rates;
pub mod secret;
pub mod sso;
