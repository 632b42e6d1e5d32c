//! Other programs to compare with, from their registries, each in a folder of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::process::{output, run_to_end, say};
use crate::python::environment;
use crate::soak::server::on_core;

/// The interpreter that has polars, pandas and pyarrow; made on the first run.
pub(super) fn python(folder: &Path) -> Result<PathBuf> {
    let programs = environment(folder, &["polars", "pandas", "pyarrow"])?;
    Ok(programs.join("python"))
}

/// Pinned, so that a new release does not look like a change of ours.
const TUS: [&str; 2] = ["@tus/server@2.4.5", "@tus/file-store@2.1.1"];
const FLASK: [&str; 2] = ["flask==3.1.3", "waitress==3.0.2"];
const TUS_SERVER: &str = include_str!("tus_server.mjs");
const FLASK_APP: &str = include_str!("flask_app.py");
/// One process without a master, nothing logged, the temporary file beside the place so that a rename is enough.
const NGINX_CONF: &str = "daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr crit;
events {}
http {
    access_log off; client_max_body_size 0; client_body_temp_path {folder}/temp;
    proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server { listen {addr}; root {folder}/files; location / { dav_methods PUT; } }
}
";

/// A peer, or the reason why it is not here, said aloud.
pub(super) fn unless_missing<T>(name: &str, prepared: Result<T>) -> Option<T> {
    match prepared {
        Ok(peer) => Some(peer),
        Err(error) => {
            say(format_args!("without {name}: {error:#}"));
            None
        }
    }
}

/// `@tus/server` with its file store.
pub(super) struct Tus {
    script: PathBuf,
    pub(super) name: String,
}

impl Tus {
    pub(super) fn prepare(folder: &Path) -> Result<Self> {
        let home = folder.join("tus");
        std::fs::create_dir_all(&home)?;
        let node = output(Command::new("node").arg("--version")).context("Node is needed")?;
        let complete = home.join("complete");
        if std::fs::read_to_string(&complete).ok() != Some(TUS.join(" ")) {
            say(format_args!(
                "installing {} from npm into {}",
                TUS.join(" "),
                home.display()
            ));
            std::fs::write(home.join("package.json"), "{\"private\": true}\n")?;
            let install = ["install", "--no-audit", "--no-fund", "--silent"];
            run_to_end(Command::new("npm").current_dir(&home).args(install).args(TUS))
                .context("the packages could not be installed from npm")?;
            std::fs::write(&complete, TUS.join(" "))?;
        }
        let script = home.join("tus_server.mjs");
        std::fs::write(&script, TUS_SERVER)?;
        Ok(Self {
            script,
            name: format!("{}, {}, Node {}, no fsync", TUS[0], TUS[1], node.trim()),
        })
    }

    pub(super) fn command(&self, core: Option<usize>, addr: SocketAddr, files: &Path) -> Command {
        let mut command = on_core(core, Path::new("node"));
        command.arg(&self.script).arg(addr.port().to_string()).arg(files);
        command
    }
}

/// nginx that takes PUT; Debian's package unpacked, so that nothing of the system's is started or changed.
pub(super) struct Nginx {
    program: PathBuf,
    pub(super) name: String,
}

impl Nginx {
    pub(super) fn prepare(folder: &Path) -> Result<Self> {
        let home = folder.join("nginx");
        let program = home.join("usr/sbin/nginx");
        if !program.exists() {
            say(format_args!("unpacking nginx from apt into {}", home.display()));
            std::fs::create_dir_all(&home)?;
            run_to_end(
                Command::new("apt-get")
                    .current_dir(&home)
                    .args(["download", "-qq", "nginx"]),
            )?;
            let package = std::fs::read_dir(&home)?
                .flatten()
                .map(|entry| entry.path())
                .find(|path| path.extension().is_some_and(|extension| extension == "deb"));
            let package = package.context("apt-get left no package")?;
            run_to_end(Command::new("dpkg-deb").arg("-x").arg(package).arg(&home))?;
        }
        let said = Command::new(&program).arg("-v").output()?;
        let said = String::from_utf8_lossy(&said.stderr).into_owned();
        let version = said.trim().rsplit(": ").next().unwrap_or_default();
        Ok(Self {
            program,
            name: format!("{version}, WebDAV PUT, no fsync (for interest)"),
        })
    }

    pub(super) fn command(&self, core: Option<usize>, addr: SocketAddr, place: &Path) -> Result<Command> {
        std::fs::create_dir_all(place.join("files"))?;
        let conf = NGINX_CONF
            .replace("{folder}", &place.to_string_lossy())
            .replace("{addr}", &addr.to_string());
        let path = place.join("nginx.conf");
        std::fs::write(&path, conf)?;
        let mut command = on_core(core, &self.program);
        command
            .args(["-e", "stderr", "-p"])
            .arg(place)
            .arg("-c")
            .arg(path);
        Ok(command)
    }
}

/// A plain Flask application with SQLite.
pub(super) struct Flask {
    python: PathBuf,
    pub(super) name: String,
}

impl Flask {
    pub(super) fn prepare(folder: &Path) -> Result<Self> {
        let python = environment(&folder.join("flask"), &FLASK)?.join("python");
        let version = output(Command::new(&python).arg("--version"))?;
        Ok(Self {
            python,
            name: format!(
                "{}, {}, {}, SQLite WAL + synchronous=FULL",
                FLASK[0],
                FLASK[1],
                version.trim()
            ),
        })
    }

    pub(super) fn command(
        &self,
        core: Option<usize>,
        addr: SocketAddr,
        database: &Path,
        tokens: &Path,
    ) -> Command {
        let mut command = on_core(core, &self.python);
        command.args(["-c", FLASK_APP, &addr.port().to_string()]);
        command.arg(database).arg(tokens);
        command
    }
}
