//! Two clients that others wrote upload a file over connections that break, and go on where they were.
//!
//! Watched on the way to the server, not believed from what the clients say: no request begins at byte 0 once one has got
//! further, and little more goes over the line than the file has.

mod breaking;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use self::breaking::{Breaking, Watched};
use super::client::{Client, Who};
use super::receipts::{self, Sent};
use super::server::{Build, Device, Server};
use super::tus::Tus;
use crate::process::{output, run_to_end, say};
use crate::python;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Millions of bytes that each client uploads.
    #[arg(long, default_value_t = 50)]
    mb: usize,
    /// The same seed gives the same file and the same lives of connections.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Default for Args {
    fn default() -> Self {
        Self { mb: 50, seed: 1 }
    }
}

impl Args {
    pub(crate) fn short() -> Self {
        Self { mb: 4, seed: 1 }
    }
}

/// Pinned, so that a new release cannot turn a green tree red.
const TUS_JS: &str = "tus-js-client@4.3.1";
const TUSPY: &str = "tuspy==1.1.0";
/// A file takes about as many connections; the least that is looked for is half of it.
const CONNECTIONS: u64 = 10;
/// What may go over the line beside the file, as a part of it: heads, and what lay in the buffers of the two ends at a cut, which a
/// server that is slower than its senders does not get to read. One that began again half-way would need more.
const WASTE_PART: u64 = 4;
/// The same for one cut: some tens of KiB on a busy machine.
const WASTE_OF_CUT_BYTES: u64 = 256 * 1024;

/// A client of others and how it is called; address, authorization, file and bytes of a piece follow.
pub(crate) struct Peer {
    name: &'static str,
    command: Vec<PathBuf>,
}

/// Installs both clients where they are not yet.
pub(crate) fn prepare(root: &Path) -> Result<Vec<Peer>> {
    let folder = root.join("target/soak/tus-peers");
    let here = root.join("xtask/src/soak/tus_peers");
    let programs = python::environment(&folder, &[TUSPY])?;
    Ok(vec![
        Peer {
            name: TUS_JS,
            command: vec!["node".into(), install_js(&folder.join("js"), &here)?],
        },
        Peer {
            name: TUSPY,
            command: vec![programs.join("python"), here.join("tuspy_upload.py")],
        },
    ])
}

/// The script beside the packages that it imports.
fn install_js(folder: &Path, here: &Path) -> Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    let complete = folder.join("complete");
    if !complete.exists() {
        say(format_args!(
            "installing {TUS_JS} from npm into {}",
            folder.display()
        ));
        std::fs::write(folder.join("package.json"), "{\"private\": true}\n")?;
        let install = ["install", "--no-audit", "--no-fund", "--silent", TUS_JS];
        run_to_end(Command::new("npm").current_dir(folder).args(install))
            .context("the package could not be installed from npm")?;
        std::fs::write(&complete, "")?;
    }
    let script = folder.join("tus_js.mjs");
    std::fs::copy(here.join("tus_js.mjs"), &script)?;
    Ok(script)
}

pub(crate) fn run(root: &Path, args: &Args) -> Result<()> {
    let peers = prepare(root)?;
    let mut server = Server::fresh(root, "tus-peers", Build::Debug)?;
    let device = server.add_people()?;
    server.start()?;
    for (peer, seed) in peers.iter().zip(args.seed..) {
        let mut bytes = vec![0; args.mb * 1_000_000];
        ChaCha8Rng::seed_from_u64(seed).fill_bytes(&mut bytes);
        upload(&server, &device, peer, &bytes, seed).with_context(|| peer.name)?;
    }
    server.discard()
}

fn upload(server: &Server, device: &Device, peer: &Peer, bytes: &[u8], seed: u64) -> Result<()> {
    let path = server.folder().join("recording.bin");
    std::fs::write(&path, bytes)?;
    let size = bytes.len() as u64;
    let way = Breaking::start(server.addr(), size / CONNECTIONS, seed)?;
    let (program, args) = peer.command.split_first().context("a peer has a program")?;
    let said = output(
        Command::new(program)
            .args(args)
            .arg(format!("http://{}/api/v1/uploads", way.addr))
            .arg(format!("Bearer {}", device.token))
            .arg(&path)
            // Some connections break within a piece, some between two.
            .arg((size / CONNECTIONS).to_string()),
    )?;
    let watched = way.watched();
    went_on(&watched, size)?;
    let id = said.trim().rsplit('/').next().context("no address was said")?;
    stored(
        server,
        device,
        &format!("{}/api/v1/uploads/{id}", server.base()),
        bytes,
    )?;
    say(format_args!(
        "{}: {size} bytes in {} pieces, {} connections cut; begun at 0 once, {} bytes more than the file went over the line; \
         stored whole, the receipt verifies",
        peer.name,
        watched.offsets.len(),
        watched.cuts,
        watched.sent_bytes.saturating_sub(size),
    ));
    Ok(())
}

/// Nothing was begun again, and little was sent twice.
fn went_on(watched: &Watched, size: u64) -> Result<()> {
    let Watched {
        offsets,
        cuts,
        sent_bytes,
    } = watched;
    ensure!(*cuts >= CONNECTIONS / 2, "only {cuts} connections were cut");
    ensure!(
        offsets.first() == Some(&0) && offsets.iter().any(|&offset| offset > 0),
        "the pieces began at {offsets:?}"
    );
    let mut progress = 0;
    for &offset in offsets {
        ensure!(
            offset >= progress,
            "a piece began at {offset} after one at {progress}"
        );
        progress = offset;
    }
    let most = size + (size / WASTE_PART).min(cuts * WASTE_OF_CUT_BYTES);
    ensure!(
        *sent_bytes <= most,
        "{sent_bytes} bytes went over the line for {size}; {most} at most were expected"
    );
    Ok(())
}

/// The server has these bytes and has signed for them.
fn stored(server: &Server, device: &Device, place: &str, bytes: &[u8]) -> Result<()> {
    let client = Client::new(server.base());
    let standing = Tus::new(&client, &Who::device(&device.token)).head(place)?;
    let stored = standing.stored.context("the upload is not complete")?;
    ensure!(
        standing.offset == bytes.len(),
        "the upload is at {}",
        standing.offset
    );
    let sent = Sent::new(Some(&device.id), "recording.bin", bytes);
    receipts::verify(&client.keys()?, &stored.receipt, &sent)?;
    let found = client.raw_sha256(&client.sign_in()?, &stored.recording_id)?;
    ensure!(found == sent.sha256_hex(), "other bytes were stored");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watched(offsets: &[u64], sent_bytes: u64) -> Watched {
        Watched {
            offsets: offsets.to_vec(),
            cuts: 5,
            sent_bytes,
        }
    }

    #[test]
    fn an_upload_that_begins_again_is_found() {
        assert!(went_on(&watched(&[0, 0, 400_000, 400_000, 900_000], 1_000_000), 1_000_000).is_ok());
        for (again, sent_bytes) in [
            (vec![0, 400_000, 0], 1_000_000),
            (vec![0, 400_000, 300_000], 1_000_000),
            (vec![400_000, 900_000], 1_000_000),
            (vec![0, 400_000], 2_000_000),
            (vec![0, 0], 1_000_000),
        ] {
            assert!(
                went_on(&watched(&again, sent_bytes), 1_000_000).is_err(),
                "{again:?}"
            );
        }
    }
}
