//! Mail to people, where a server for it is configured; without one nothing here runs.
//!
//! It sends and tries again for a while; who is written to, and what, is decided by its callers. Log lines name neither
//! the recipient nor the text, which can hold a link that lets somebody in.

use std::fmt;
use std::io;
use std::str::FromStr;
use std::time::Duration;

use axum::http::Uri;
use lettre::message::Mailbox;
use lettre::transport::smtp::Error as SmtpError;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

/// Before the second and the third try: a mail server that greylists wants some patience, a person has little.
const PAUSES: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(60)];

#[derive(Debug, Clone, Default, clap::Args)]
pub struct MailConfig {
    /// The server that sends mail: `smtps://user:password@mail.example.org`, or `smtp://…?tls=required` for STARTTLS.
    /// Without one nobody is written to.
    #[arg(
        long,
        env = "FIELDPOST_SMTP_URL",
        hide_env_values = true,
        requires = "mail_from",
        value_name = "URL"
    )]
    pub smtp_url: Option<SmtpUrl>,
    /// A file that holds the mail server's URL.
    #[arg(
        long,
        env = "FIELDPOST_SMTP_URL_FILE",
        conflicts_with = "smtp_url",
        requires = "mail_from",
        value_name = "FILE",
        value_parser = url_in_file
    )]
    pub smtp_url_file: Option<SmtpUrl>,
    /// Whom the mail is from: `Fieldpost <laps@example.org>`.
    #[arg(long, env = "FIELDPOST_MAIL_FROM", value_name = "ADDRESS")]
    pub mail_from: Option<Mailbox>,
}

impl MailConfig {
    /// `None` where no mail server is named.
    #[must_use]
    pub fn mailer(&self) -> Option<Mailer> {
        let url = self.smtp_url.as_ref().or(self.smtp_url_file.as_ref())?;
        Some(Mailer {
            transport: url.0.clone(),
            from: self.mail_from.clone()?,
        })
    }
}

/// Where mail goes and how to sign in there; its password is never shown.
#[derive(Clone)]
pub struct SmtpUrl(AsyncSmtpTransport<Tokio1Executor>);

impl fmt::Debug for SmtpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SmtpUrl(***)")
    }
}

#[derive(Debug, thiserror::Error)]
pub enum SmtpUrlError {
    /// The text is not repeated: it may hold a password.
    #[error(
        "this is not the URL of a mail server; write smtps://user:password@host or smtp://user:password@host?tls=required"
    )]
    NotSmtp,
    #[error(
        "smtp:// without `?tls=required` is for a mail server on this machine only; a password would travel in clear"
    )]
    InClear,
    #[error("the file with the mail server's URL cannot be read: {0}")]
    File(#[from] io::Error),
}

impl FromStr for SmtpUrl {
    type Err = SmtpUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let uri: Uri = text.parse().map_err(|_| SmtpUrlError::NotSmtp)?;
        let host = uri.host().ok_or(SmtpUrlError::NotSmtp)?;
        let is_encrypted = uri.scheme_str() == Some("smtps") || uri.query() == Some("tls=required");
        if !is_encrypted && !matches!(host, "localhost" | "127.0.0.1" | "[::1]") {
            return Err(SmtpUrlError::InClear);
        }
        let builder =
            AsyncSmtpTransport::<Tokio1Executor>::from_url(text).map_err(|_| SmtpUrlError::NotSmtp)?;
        Ok(Self(builder.build()))
    }
}

fn url_in_file(path: &str) -> Result<SmtpUrl, SmtpUrlError> {
    std::fs::read_to_string(path)?.parse()
}

/// Writes to people.
#[derive(Clone)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

/// Why a mail did not go.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    #[error("the mail cannot be written: {0}")]
    Message(#[from] lettre::error::Error),
    #[error("the address cannot be written to: {0}")]
    Address(#[from] lettre::address::AddressError),
    #[error("the mail server did not take it: {0}")]
    Smtp(#[from] SmtpError),
}

impl Mailer {
    /// Tries three times within about a minute, unless the mail server refuses for good.
    pub async fn send(&self, to: &str, subject: &str, text: String) -> Result<(), MailError> {
        let message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to.parse()?))
            .subject(subject)
            .body(text)?;
        for pause in PAUSES {
            match self.transport.send(message.clone()).await {
                Ok(_) => return Ok(()),
                Err(error) if error.is_permanent() => return Err(error.into()),
                Err(error) => {
                    tracing::warn!(%error, retry_s = pause.as_secs(), "a mail did not go; trying again");
                }
            }
            tokio::time::sleep(pause).await;
        }
        self.transport.send(message).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_server_in_the_clear_is_for_this_machine_only() {
        for good in [
            "smtps://club:hunter2@mail.example.org",
            "smtp://club:hunter2@mail.example.org?tls=required",
            "smtp://127.0.0.1:2525",
        ] {
            let url: SmtpUrl = good.parse().unwrap();
            assert!(!format!("{url:?}").contains("hunter2"));
        }
        for bad in [
            "smtp://club:hunter2@mail.example.org",
            "https://hunter2",
            "hunter2",
            "smtps://",
        ] {
            let error = bad.parse::<SmtpUrl>().unwrap_err();
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
