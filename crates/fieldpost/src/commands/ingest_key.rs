//! `fieldpost ingest-key`: keys that stand in a path, on the data folder itself; the server may run meanwhile.

use std::process::ExitCode;

use server::auth::admin;
use server::store::ids::IngestKeyId;
use server::store::ingest_keys::For;

use crate::data_dir::{DataDir, block_on};
use crate::output;

#[derive(Debug, clap::Args)]
pub(crate) struct IngestKey {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Make a key, shown this once: of a new device, unless --device or --fleet says otherwise.
    Add {
        /// E-mail of a user of the team.
        #[arg(long, value_name = "EMAIL")]
        user: String,
        /// Name or id of the device that it is for; where the team has none of that name, a new one gets it.
        #[arg(long, value_name = "NAME", conflicts_with = "fleet")]
        device: Option<String>,
        /// For the team: whoever sends with it says which device it is, and unknown ones appear unassigned.
        #[arg(long)]
        fleet: bool,
        #[command(flatten)]
        data_dir: DataDir,
        /// Print {"key", "id", "fleet", "device_uuid", "device_name"} as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Every key, without secrets.
    List {
        #[command(flatten)]
        data_dir: DataDir,
        #[arg(long)]
        json: bool,
    },
    /// End a key; its device stays.
    Revoke {
        /// Its id, as `ingest-key list` shows it.
        id: IngestKeyId,
        #[command(flatten)]
        data_dir: DataDir,
    },
}

impl IngestKey {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        match self.action {
            Action::Add {
                user,
                device,
                fleet,
                data_dir,
                json,
            } => {
                let whose = match (fleet, device) {
                    (true, _) => For::Team,
                    (false, Some(name)) => For::Named(name),
                    (false, None) => For::NewDevice(None),
                };
                add(&user, whose, &data_dir, json)?;
            }
            Action::List { data_dir, json } => list(&data_dir, json)?,
            Action::Revoke { id, data_dir } => revoke(id, &data_dir)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn add(user: &str, whose: For, data_dir: &DataDir, json: bool) -> anyhow::Result<()> {
    let (made, key) = block_on(async {
        let store = data_dir.store().await?;
        Ok(admin::create_ingest_key(&store, user, whose).await?)
    })?;
    let key = key.expose();
    if json {
        return output::answer_json(&serde_json::json!({
            "key": key,
            "id": made.id,
            "fleet": made.device_id.is_none(),
            "device_uuid": made.device_id,
            "device_name": made.device_name,
        }));
    }
    let whose = match (made.device_id, made.device_name) {
        (Some(id), Some(name)) => format!("device_uuid  {id}\ndevice       {name}"),
        _ => "for          the fleet: each request names its device".to_owned(),
    };
    output::answer(&format!(
        "key          {key}\n{whose}\nThe device sends to <server>/i/{key}/… The key is not shown again; put it into the \
         device's settings now."
    ))
}

fn list(data_dir: &DataDir, json: bool) -> anyhow::Result<()> {
    let keys = block_on(async { Ok(admin::list_ingest_keys(&data_dir.store().await?).await?) })?;
    if json {
        return output::answer_json(&keys);
    }
    let mut rows = vec![
        ["id", "device_uuid", "device", "since"]
            .map(str::to_owned)
            .to_vec(),
    ];
    rows.extend(keys.into_iter().map(|key| {
        vec![
            key.id.to_string(),
            key.device_id.map_or("fleet".to_owned(), |id| id.to_string()),
            key.device_name.unwrap_or_default(),
            key.created_at.to_string(),
        ]
    }));
    output::answer(&output::table(&rows))
}

fn revoke(id: IngestKeyId, data_dir: &DataDir) -> anyhow::Result<()> {
    block_on(async { Ok(admin::revoke_ingest_key(&data_dir.store().await?, id).await?) })?;
    output::answer(&format!(
        "nothing comes in by the key {id} any more; its device stays"
    ))
}
