//! Where a server keeps what it has: a folder for files, and a database in that folder or elsewhere.

use std::fmt;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;

use crate::store::Database;

/// Where the data lies unless somebody says otherwise: beside the program's working folder, seen at once.
pub const DATA_DIR_DEFAULT: &str = "./fieldpost-data";
/// The SQLite database's name in the data folder.
pub const DATABASE_FILE: &str = "fieldpost.sqlite";

#[derive(Debug, Clone, clap::Args)]
pub struct Place {
    /// Folder for raw recordings, derived files and, unless another is given, the database; made if it is not there.
    #[arg(long, env = "FIELDPOST_DATA_DIR", default_value = DATA_DIR_DEFAULT, value_name = "DIR")]
    pub data_dir: PathBuf,
    /// A PostgreSQL database instead of a file in the data folder: `postgres://user:password@host/name`. Its role may be
    /// neither a superuser nor bypass row-level security.
    #[arg(
        long,
        env = "FIELDPOST_DATABASE_URL",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub database_url: Option<DatabaseUrl>,
    /// A file that holds the database's URL.
    #[arg(
        long,
        env = "FIELDPOST_DATABASE_URL_FILE",
        conflicts_with = "database_url",
        value_name = "FILE",
        value_parser = url_in_file
    )]
    pub database_url_file: Option<DatabaseUrl>,
    /// The same database by the role that owns its tables and changes the schema; without one the role above does.
    #[arg(
        long,
        env = "FIELDPOST_MIGRATE_DATABASE_URL",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub migrate_database_url: Option<DatabaseUrl>,
}

impl Place {
    /// A folder with its own database.
    pub fn local(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            database_url: None,
            database_url_file: None,
            migrate_database_url: None,
        }
    }

    #[must_use]
    pub fn database(&self) -> Database {
        match self.database_url.as_ref().or(self.database_url_file.as_ref()) {
            None => Database::Sqlite(self.data_dir.join(DATABASE_FILE)),
            Some(program) => Database::Postgres {
                program: Box::new(program.0.clone()),
                migrator: self
                    .migrate_database_url
                    .as_ref()
                    .map(|url| Box::new(url.0.clone())),
            },
        }
    }

    /// Whether the database is one that was made before.
    #[must_use]
    pub fn has_database(&self) -> bool {
        match self.database() {
            Database::Sqlite(path) => path.is_file(),
            Database::Postgres { .. } => true,
        }
    }
}

/// Where a PostgreSQL database is and how to sign in there; its password is never shown.
#[derive(Clone)]
pub struct DatabaseUrl(PgConnectOptions);

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "postgres://{}@{}", self.0.get_username(), self.0.get_host())
    }
}

#[derive(Debug, thiserror::Error)]
pub enum DatabaseUrlError {
    /// The text is not repeated: it may hold a password.
    #[error("this is not the URL of a PostgreSQL database; write postgres://user:password@host:port/name")]
    NotPostgres,
    #[error("the file with the database's URL cannot be read: {0}")]
    File(#[from] io::Error),
}

impl FromStr for DatabaseUrl {
    type Err = DatabaseUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Err(DatabaseUrlError::NotPostgres);
        }
        text.parse()
            .map(Self)
            .map_err(|_: sqlx::Error| DatabaseUrlError::NotPostgres)
    }
}

fn url_in_file(path: &str) -> Result<DatabaseUrl, DatabaseUrlError> {
    fs::read_to_string(path)?.parse()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_url_shows_no_password_and_other_addresses_are_refused() {
        let url: DatabaseUrl = "postgres://fieldpost:hunter2@db.example.org/laps"
            .parse()
            .unwrap();
        assert_eq!(format!("{url:?}"), "postgres://fieldpost@db.example.org");
        for bad in ["mysql://a:hunter2@b/c", "hunter2", "postgres://:::hunter2"] {
            let error = bad.parse::<DatabaseUrl>().unwrap_err();
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
