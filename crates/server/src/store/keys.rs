//! The server's keys for receipts and the epoch of its storage: rows, so that backups have them and every process on one
//! database shares them. They are no team's.

use jiff::Timestamp;
use uuid::Uuid;
use wire::receipt::{PublicKey, ServerKey, SignedStatement};

use super::sql::{Row, Rows, query};
use super::{Store, StoreError, bad_row};

/// Keys that are loaded and published, the newest of them. Who missed more rotations has to be set up anew.
pub const KEYS_MAX: i64 = 64;

/// 32 secret bytes on their way to a row; they do not print.
#[derive(Clone)]
pub struct Seed(pub [u8; 32]);

/// One key as kept.
#[derive(Debug, Clone)]
pub struct StoredKey {
    /// From 1.
    pub number: i64,
    pub public: PublicKey,
    /// The newest key's alone.
    pub secret: Option<ServerKey>,
    pub made_at: Timestamp,
    /// Signed by the key before; the first has none.
    pub statement: Option<SignedStatement>,
}

/// What a server is known by.
#[derive(Debug, Clone)]
pub struct Identity {
    pub storage_epoch: Uuid,
    /// Newest first, at least one.
    pub keys: Vec<StoredKey>,
}

/// The server's identity; `None` before its first start.
pub async fn load(store: &Store) -> Result<Option<Identity>, StoreError> {
    load_from(&mut store.read_across().await?).await
}

async fn load_from(rows: &mut Rows) -> Result<Option<Identity>, StoreError> {
    let epoch = query("SELECT epoch FROM storage_epochs ORDER BY number DESC LIMIT 1")
        .fetch_optional(rows)
        .await?;
    let Some(epoch) = epoch else { return Ok(None) };
    let keys = query(
        "SELECT number, public_key, seed, made_at, statement FROM server_keys ORDER BY number DESC LIMIT $1",
    )
    .bind(KEYS_MAX)
    .fetch_all(rows)
    .await?;
    Ok(Some(Identity {
        storage_epoch: epoch.get("epoch")?,
        keys: keys.iter().map(from_row).collect::<Result<_, _>>()?,
    }))
}

/// Gives a new database its first key and epoch. Where there are some they stay: another process may have been quicker.
pub async fn found(store: &Store, seed: Seed) -> Result<(), StoreError> {
    let (epoch, now) = (store.new_id(), store.now());
    store
        .write_across(move |rows| {
            Box::pin(async move {
                if load_from(rows).await?.is_some() {
                    return Ok(());
                }
                insert_key(rows, 1, &seed, now, None).await?;
                let begun = query("INSERT INTO storage_epochs (number, epoch, began_at) VALUES (1, $1, $2)");
                begun.bind(epoch).bind(now).execute(rows).await?;
                Ok(())
            })
        })
        .await
}

/// Puts a new key in the place of the newest, which signs for it and then loses its secret.
pub async fn rotate(store: &Store, seed: Seed) -> Result<PublicKey, StoreError> {
    let now = store.now();
    store
        .write_across(move |rows| {
            Box::pin(async move {
                let identity = load_from(rows).await?;
                let newest = identity.and_then(|identity| identity.keys.into_iter().next());
                let (number, secret) = newest
                    .and_then(|key| key.secret.map(|secret| (key.number, secret)))
                    .ok_or_else(|| bad_row("server_keys has no key to sign with".to_owned()))?;
                let next = ServerKey::from_seed(&seed.0).public();
                let statement = SignedStatement::sign(&secret, next, now.as_microsecond())
                    .map_err(|error| bad_row(error.to_string()))?;
                insert_key(rows, number + 1, &seed, now, Some(&statement)).await?;
                let retired = query("UPDATE server_keys SET seed = NULL WHERE number <= $1");
                retired.bind(number).execute(rows).await?;
                Ok(next)
            })
        })
        .await
}

/// Begins another life of the storage: what was confirmed in the one before may not be there any more.
pub async fn begin_epoch(store: &Store) -> Result<Uuid, StoreError> {
    let (epoch, now) = (store.new_id(), store.now());
    store
        .write_across(move |rows| {
            Box::pin(async move {
                let begun = query(
                    "INSERT INTO storage_epochs (number, epoch, began_at) \
                     SELECT COALESCE(MAX(number), 0) + 1, $1, $2 FROM storage_epochs",
                );
                begun.bind(epoch).bind(now).execute(rows).await?;
                Ok(epoch)
            })
        })
        .await
}

async fn insert_key(
    rows: &mut Rows,
    number: i64,
    seed: &Seed,
    now: Timestamp,
    statement: Option<&SignedStatement>,
) -> Result<(), StoreError> {
    let public = ServerKey::from_seed(&seed.0).public();
    query(
        "INSERT INTO server_keys (number, public_key, seed, made_at, statement) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(number)
    .bind(&public.as_bytes()[..])
    .bind(&seed.0[..])
    .bind(now)
    .bind(statement.map(ToString::to_string))
    .execute(rows)
    .await?;
    Ok(())
}

fn from_row(row: &Row) -> Result<StoredKey, StoreError> {
    let number: i64 = row.get("number")?;
    let wrong = |what: &str| {
        bad_row(format!(
            "server_keys: the {what} of key {number} is not as it was written"
        ))
    };
    let bytes = |column: Vec<u8>, what| <[u8; 32]>::try_from(column).map_err(|_| wrong(what));
    let public = PublicKey::from_bytes(bytes(row.get("public_key")?, "public key")?)
        .map_err(|_| wrong("public key"))?;
    let secret = match row.get::<Option<Vec<u8>>>("seed")? {
        None => None,
        Some(seed) => Some(ServerKey::from_seed(&bytes(seed, "seed")?)),
    };
    if secret.as_ref().is_some_and(|secret| secret.public() != public) {
        return Err(wrong("seed"));
    }
    let statement = row
        .get::<Option<String>>("statement")?
        .map(|text| SignedStatement::from_text(&text).map_err(|_| wrong("statement")))
        .transpose()?;
    Ok(StoredKey {
        number,
        public,
        secret,
        made_at: row.get("made_at")?,
        statement,
    })
}
