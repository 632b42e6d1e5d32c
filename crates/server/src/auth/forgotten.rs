//! A password that was forgotten: a link by mail, asked for by anybody, sent only to an account's own address.
//!
//! Whoever asks learns nothing: the answer is given before anybody looks whether there is such an account.

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::secret::Token;
use crate::config::PublicUrl;
use crate::mail::Mailer;
use crate::store::accounts::Email;
use crate::store::{Store, ways_in};

/// Wishes that wait for the mail server; more than that come from no people.
const WAITING_MAX: usize = 64;
/// One address whose mail server wants patience keeps no other waiting.
const AT_ONCE: usize = 4;
const SUBJECT: &str = "A new password for Fieldpost";

/// Takes wishes for a link.
pub struct Forgotten(mpsc::Sender<Email>);

/// So many wishes wait that this one is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Busy;

impl Forgotten {
    /// Writes to people from now on. Needs a Tokio runtime; ends when the server lets go of this; who asked just then asks again.
    pub fn start(store: Store, mailer: Mailer, public_url: PublicUrl) -> Self {
        let (sender, mut waiting) = mpsc::channel(WAITING_MAX);
        tokio::spawn(async move {
            let mut sending = JoinSet::new();
            while let Some(email) = waiting.recv().await {
                if sending.len() >= AT_ONCE {
                    sending.join_next().await;
                }
                let (store, mailer, public_url) = (store.clone(), mailer.clone(), public_url.clone());
                sending.spawn(async move { write_to(&store, &mailer, &public_url, email).await });
            }
        });
        Self(sender)
    }

    pub fn wish(&self, email: Email) -> Result<(), Busy> {
        self.0.try_send(email).map_err(|_| Busy)
    }
}

async fn write_to(store: &Store, mailer: &Mailer, public_url: &PublicUrl, email: Email) {
    let token = Token::generate();
    let address = email.as_str().to_owned();
    match ways_in::add_reset(store, email, token.digest()).await {
        Ok(true) => {}
        Ok(false) => {
            tracing::info!("a new password was asked for an address that has no account");
            return;
        }
        Err(error) => {
            tracing::error!(%error, "a link for a new password could not be made");
            return;
        }
    }
    let text = format!(
        "Somebody, probably you, wants a new password for this address at {public_url}.\r\n\r\n\
         Open this link within an hour to choose one. It works once.\r\n\r\n\
         {public_url}/reset#{token}\r\n\r\n\
         If it was not you, do nothing; your password stays as it is.\r\n",
        token = token.expose(),
    );
    match mailer.send(&address, SUBJECT, text).await {
        Ok(()) => tracing::info!("a link for a new password was mailed"),
        Err(error) => tracing::error!(%error, "a link for a new password could not be mailed"),
    }
}
