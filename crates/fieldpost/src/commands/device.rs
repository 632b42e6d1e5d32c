//! `fieldpost device`: loggers and cameras, on the data folder itself; the server may run meanwhile.

use std::process::ExitCode;

use server::auth::admin;
use server::store::DeviceId;

use crate::data_dir::{DataDir, block_on};
use crate::output;

#[derive(Debug, clap::Args)]
pub(crate) struct Device {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Add a device to a user's team; its id and token are shown this once.
    Add {
        /// What people call it.
        name: String,
        /// E-mail of the user whose team it joins.
        #[arg(long, value_name = "EMAIL")]
        user: String,
        /// The id that the device has already; without it, it gets one.
        #[arg(long)]
        uuid: Option<DeviceId>,
        #[command(flatten)]
        data_dir: DataDir,
        /// Print {"device_uuid", "token"} as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Every device, without secrets.
    List {
        #[command(flatten)]
        data_dir: DataDir,
        #[arg(long)]
        json: bool,
    },
    /// End a device's token; what it recorded stays.
    Revoke {
        /// Its id, as `device list` shows it.
        uuid: DeviceId,
        #[command(flatten)]
        data_dir: DataDir,
    },
}

impl Device {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        match self.action {
            Action::Add {
                name,
                user,
                uuid,
                data_dir,
                json,
            } => add(&name, &user, uuid, &data_dir, json)?,
            Action::List { data_dir, json } => list(&data_dir, json)?,
            Action::Revoke { uuid, data_dir } => revoke(uuid, &data_dir)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn add(name: &str, user: &str, uuid: Option<DeviceId>, data_dir: &DataDir, json: bool) -> anyhow::Result<()> {
    let (id, token) = block_on(async {
        let store = data_dir.store().await?;
        Ok(admin::create_device(&store, user, name, uuid).await?)
    })?;
    if json {
        return output::answer_json(&serde_json::json!({ "device_uuid": id, "token": token.expose() }));
    }
    output::answer(&format!(
        "device_uuid  {id}\ntoken        {}\nThe token is not shown again; put it into the device's settings now.",
        token.expose()
    ))
}

fn list(data_dir: &DataDir, json: bool) -> anyhow::Result<()> {
    let devices = block_on(async { Ok(admin::list_devices(&data_dir.store().await?).await?) })?;
    if json {
        return output::answer_json(&devices);
    }
    let mut rows = vec![
        ["device_uuid", "name", "since", "state"]
            .map(str::to_owned)
            .to_vec(),
    ];
    rows.extend(devices.iter().map(|device| {
        let state = device
            .revoked_at
            .map_or("active".to_owned(), |at| format!("revoked {at}"));
        vec![
            device.id.to_string(),
            device.name.clone(),
            device.created_at.to_string(),
            state,
        ]
    }));
    output::answer(&output::table(&rows))
}

fn revoke(uuid: DeviceId, data_dir: &DataDir) -> anyhow::Result<()> {
    block_on(async { Ok(admin::revoke_device(&data_dir.store().await?, uuid).await?) })?;
    output::answer(&format!(
        "{uuid} may send nothing any more; what it recorded stays"
    ))
}
