//! What `fieldpost user`, `device` and `ingest-key` do, on an opened store, beside a running server or without one.

use super::password::{PasswordError, Passwords};
use super::secret::{Password, Token};
use crate::store::accounts::{self, AccountError, Email, Member, Role, UserRow};
use crate::store::accounts_devices::{self, DeviceRow};
use crate::store::accounts_entry;
use crate::store::audit::Actor;
use crate::store::ids::IngestKeyId;
use crate::store::ingest_keys::{self, For, IngestKey};
use crate::store::{DeviceId, Store, StoreError, UserId};

#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    #[error(transparent)]
    Account(#[from] AccountError),
    #[error(transparent)]
    Password(#[from] PasswordError),
}

impl From<StoreError> for AdminError {
    fn from(error: StoreError) -> Self {
        Self::Account(error.into())
    }
}

/// Adds a user with a password to the team of `team_of`; without it an owner gets a team of their own, and others join
/// the only team.
pub async fn create_user(
    store: &Store,
    email: &str,
    password: Password,
    role: Role,
    team_of: Option<&str>,
) -> Result<UserId, AdminError> {
    let email: Email = email.parse()?;
    let team_of = team_of.map(str::parse).transpose()?;
    let phc = Passwords::default().hash(password).await?;
    Ok(accounts::add_user(store, email, phc, role, team_of).await?)
}

/// Sets a new password and ends every sign-in of the user.
pub async fn reset_password(store: &Store, email: &str, password: Password) -> Result<(), AdminError> {
    let email: Email = email.parse()?;
    let phc = Passwords::default().hash(password).await?;
    Ok(accounts::reset_password(store, email, phc).await?)
}

pub async fn list_users(store: &Store) -> Result<Vec<UserRow>, StoreError> {
    accounts::list_users(store).await
}

/// A token that signs `email` in once within the hour, as `<base>/link#<token>`.
pub async fn create_sign_in_link(store: &Store, email: &str) -> Result<Token, AdminError> {
    let member = existing(store, email).await?;
    let token = Token::generate();
    accounts_entry::add_sign_in_link(store, member.user, token.digest()).await?;
    Ok(token)
}

/// Adds a device to the team of `email`. The token is returned this once; only its digest is kept.
pub async fn create_device(
    store: &Store,
    email: &str,
    name: &str,
    id: Option<DeviceId>,
) -> Result<(DeviceId, Token), AdminError> {
    let member = existing(store, email).await?;
    let token = Token::generate();
    let device =
        accounts_devices::add_device(store, &member, Actor::Operator, name, id, token.digest()).await?;
    Ok((device, token))
}

pub async fn list_devices(store: &Store) -> Result<Vec<DeviceRow>, StoreError> {
    accounts_devices::list_devices(store).await
}

/// Ends every token and ingest key of the device; what it recorded stays.
pub async fn revoke_device(store: &Store, device: DeviceId) -> Result<(), AdminError> {
    Ok(accounts_devices::revoke_device(store, device).await?)
}

/// Makes an ingest key in the team of `email`. The key is returned this once; only its digest is kept.
pub async fn create_ingest_key(
    store: &Store,
    email: &str,
    whose: For,
) -> Result<(IngestKey, Token), AdminError> {
    let member = existing(store, email).await?;
    let key = Token::generate_ingest();
    let made = ingest_keys::add(store, &member, Actor::Operator, whose, key.digest()).await?;
    Ok((made, key))
}

pub async fn list_ingest_keys(store: &Store) -> Result<Vec<IngestKey>, StoreError> {
    ingest_keys::list_all(store).await
}

/// Ends a key, whosever it is.
pub async fn revoke_ingest_key(store: &Store, id: IngestKeyId) -> Result<(), AdminError> {
    Ok(ingest_keys::revoke_any(store, id).await?)
}

async fn existing(store: &Store, email: &str) -> Result<Member, AdminError> {
    let email: Email = email.parse()?;
    let member = accounts::find_member(store, &email).await?;
    Ok(member.ok_or(AccountError::NoSuchUser(email))?)
}
