//! `fieldpost user`: people, on the data folder itself; the server may run meanwhile.

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use anyhow::{Context, ensure};
use clap::ValueEnum;
use server::auth::admin;
use server::auth::secret::Password;
use server::store::accounts::Role;

use crate::data_dir::{DataDir, block_on};
use crate::output;

#[derive(Debug, clap::Args)]
pub(crate) struct User {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Add a user; the password is read from stdin.
    Add {
        email: String,
        /// What the user may do.
        #[arg(long, value_enum, default_value = "member")]
        role: RoleName,
        /// Join the team of this user; without it an owner makes a new team, and others join the only one there is.
        #[arg(long, value_name = "EMAIL")]
        team_of: Option<String>,
        #[command(flatten)]
        data_dir: DataDir,
        /// Print the new user's id as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Every user, without secrets.
    List {
        #[command(flatten)]
        data_dir: DataDir,
        #[arg(long)]
        json: bool,
    },
    /// Set a new password, read from stdin, and sign the user out everywhere.
    Reset {
        email: String,
        #[command(flatten)]
        data_dir: DataDir,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum RoleName {
    Owner,
    Member,
    Viewer,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Owner => Self::Owner,
            RoleName::Member => Self::Member,
            RoleName::Viewer => Self::Viewer,
        }
    }
}

impl User {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        match self.action {
            Action::Add {
                email,
                role,
                team_of,
                data_dir,
                json,
            } => add(&email, role, team_of.as_deref(), &data_dir, json)?,
            Action::List { data_dir, json } => list(&data_dir, json)?,
            Action::Reset { email, data_dir } => reset(&email, &data_dir)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn add(
    email: &str,
    role: RoleName,
    team_of: Option<&str>,
    data_dir: &DataDir,
    json: bool,
) -> anyhow::Result<()> {
    let password = password_from_stdin()?;
    let id = block_on(async {
        let store = data_dir.store_or_new().await?;
        Ok(admin::create_user(&store, email, password, role.into(), team_of).await?)
    })?;
    if json {
        output::answer_json(&serde_json::json!({ "user_id": id }))
    } else {
        output::answer(&format!("added {email}"))
    }
}

fn list(data_dir: &DataDir, json: bool) -> anyhow::Result<()> {
    let users = block_on(async { Ok(admin::list_users(&data_dir.store().await?).await?) })?;
    if json {
        return output::answer_json(&users);
    }
    let mut rows = vec![["e-mail", "role", "since"].map(str::to_owned).to_vec()];
    rows.extend(users.iter().map(|user| {
        vec![
            user.email.clone(),
            user.role.as_str().to_owned(),
            user.created_at.to_string(),
        ]
    }));
    output::answer(&output::table(&rows))
}

fn reset(email: &str, data_dir: &DataDir) -> anyhow::Result<()> {
    let password = password_from_stdin()?;
    block_on(async { Ok(admin::reset_password(&data_dir.store().await?, email, password).await?) })?;
    output::answer(&format!(
        "{email} has a new password and is signed out everywhere"
    ))
}

/// One line; asked for without echo on a terminal.
fn password_from_stdin() -> anyhow::Result<Password> {
    let line = if io::stdin().is_terminal() {
        output::note("New password (it is not shown):");
        console::Term::stderr()
            .read_secure_line()
            .context("the password cannot be read")?
    } else {
        let mut line = String::new();
        io::stdin()
            .read_line(&mut line)
            .context("the password cannot be read from stdin")?;
        line
    };
    let password = line.trim_end_matches(['\r', '\n']);
    ensure!(
        !password.is_empty(),
        "no password on stdin; write it as one line, as in `printf %s \"$PASSWORD\" | fieldpost user …`"
    );
    Ok(Password::new(password))
}
