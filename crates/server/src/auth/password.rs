//! Passwords: argon2id with its default cost, off the async threads, a few at a time.

use std::sync::Arc;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;
use tokio::task::JoinError;

use super::secret::Password;

/// Short enough to remember, long enough for a rate-limited login (NIST SP 800-63B asks for eight).
pub const PASSWORD_CHARS_MIN: usize = 8;
/// Hashing time grows with length; nobody types more.
pub const PASSWORD_BYTES_MAX: usize = 1024;
/// One hash takes 19 MiB and some 30 ms: two at a time bound the memory that a flood of logins can take.
const HASHES_AT_ONCE: usize = 2;

#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    #[error("a password needs at least {PASSWORD_CHARS_MIN} characters")]
    TooShort,
    #[error("a password has at most {PASSWORD_BYTES_MAX} bytes")]
    TooLong,
    #[error("the stored password hash cannot be used")]
    Hash(#[from] argon2::password_hash::Error),
    #[error("the password hash was not finished")]
    Cancelled(#[from] JoinError),
}

/// A PHC string: algorithm, cost, salt and hash.
#[derive(Clone)]
pub struct PasswordPhc(pub(crate) String);

#[derive(Clone)]
pub struct Passwords {
    permits: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self {
            permits: Arc::new(Semaphore::new(HASHES_AT_ONCE)),
        }
    }
}

impl Passwords {
    pub async fn hash(&self, password: Password) -> Result<PasswordPhc, PasswordError> {
        check(&password)?;
        self.on_blocking_thread(move || {
            let phc: PasswordHash = Argon2::default().hash_password(password.expose().as_bytes())?;
            Ok(PasswordPhc(phc.to_string()))
        })
        .await
    }

    /// Whether the password fits. Without a stored hash (an unknown address) the same work is done, so that the time an
    /// answer takes does not tell which addresses exist.
    pub async fn verify(
        &self,
        password: Password,
        stored: Option<PasswordPhc>,
    ) -> Result<bool, PasswordError> {
        if password.expose().len() > PASSWORD_BYTES_MAX {
            return Ok(false);
        }
        self.on_blocking_thread(move || match stored {
            Some(PasswordPhc(phc)) => {
                let verdict = Argon2::default().verify_password(password.expose().as_bytes(), phc.as_str());
                match verdict {
                    Ok(()) => Ok(true),
                    Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
                    Err(error) => Err(error.into()),
                }
            }
            None => {
                let _: PasswordHash = Argon2::default().hash_password(password.expose().as_bytes())?;
                Ok(false)
            }
        })
        .await
    }

    async fn on_blocking_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        // The semaphore is never closed; were it, hashing unbounded is the lesser harm.
        let permit = self.permits.clone().acquire_owned().await.ok();
        tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work()
        })
        .await?
    }
}

fn check(password: &Password) -> Result<(), PasswordError> {
    if password.expose().len() > PASSWORD_BYTES_MAX {
        return Err(PasswordError::TooLong);
    }
    if password.expose().chars().count() < PASSWORD_CHARS_MIN {
        return Err(PasswordError::TooShort);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_fits_and_the_hash_is_argon2id() {
        let passwords = Passwords::default();
        let phc = passwords.hash(Password::new("paddock-17")).await.unwrap();
        assert!(phc.0.starts_with("$argon2id$v=19$"));
        assert!(
            passwords
                .verify(Password::new("paddock-17"), Some(phc.clone()))
                .await
                .unwrap()
        );
        assert!(
            !passwords
                .verify(Password::new("paddock-18"), Some(phc))
                .await
                .unwrap()
        );
        assert!(!passwords.verify(Password::new("paddock-17"), None).await.unwrap());
    }

    #[tokio::test]
    async fn short_and_endless_passwords_are_refused() {
        let passwords = Passwords::default();
        assert!(matches!(
            passwords.hash(Password::new("seven77")).await,
            Err(PasswordError::TooShort)
        ));
        assert!(matches!(
            passwords.hash(Password::new("x".repeat(1025))).await,
            Err(PasswordError::TooLong)
        ));
    }
}
