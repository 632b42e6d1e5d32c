//! A computer with a card reader: `fatfs` reads and writes the card, `mkfs.fat` formats it, `fsck.fat` checks it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::process::Command;

use fatfs::{Dir, FileSystem, FsOptions};
use sim::card::Image;

const SECTOR: u64 = 512;

/// Paths and contents of all files; folders end in a slash.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// The volume of a card as a file.
pub(crate) struct Disk<'a> {
    image: &'a mut Image,
    start: u64,
    at: u64,
}

impl Disk<'_> {
    fn size_bytes(&self) -> u64 {
        u64::from(self.image.sectors()) * SECTOR - self.start
    }

    fn place(&self) -> (u32, usize) {
        let at = self.start + self.at;
        ((at / SECTOR) as u32, (at % SECTOR) as usize)
    }
}

impl Read for Disk<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.size_bytes() {
            return Ok(0);
        }
        let (lba, from) = self.place();
        let sector = self.image.read(lba);
        let bytes = into.len().min(sector.len() - from);
        into[..bytes].copy_from_slice(&sector[from..from + bytes]);
        self.at += bytes as u64;
        Ok(bytes)
    }
}

impl Write for Disk<'_> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let (lba, from) = self.place();
        let mut sector = self.image.read(lba);
        let bytes = data.len().min(sector.len() - from);
        sector[from..from + bytes].copy_from_slice(&data[..bytes]);
        self.image.write(lba, &sector);
        self.at += bytes as u64;
        Ok(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Disk<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::Current(by) => self.at.checked_add_signed(by).expect("in range"),
            SeekFrom::End(by) => self.size_bytes().checked_add_signed(by).expect("in range"),
        };
        Ok(self.at)
    }
}

/// Where the volume begins, by the partition table or without one.
pub(crate) fn volume_start(image: &Image) -> u32 {
    let first = image.read(0);
    if first[0] == 0xEB {
        return 0;
    }
    u32::from_le_bytes(first[454..458].try_into().unwrap())
}

/// Does something to the card by `fatfs` and takes it out properly.
pub(crate) fn with_fatfs(image: &mut Image, work: impl FnOnce(&Dir<'_, &mut Disk<'_>>)) {
    let start = u64::from(volume_start(image)) * SECTOR;
    let mut disk = Disk { image, start, at: 0 };
    let system = FileSystem::new(&mut disk, FsOptions::new()).expect("fatfs mounts what we mount");
    work(&system.root_dir());
    system.unmount().unwrap();
}

/// Everything on the card as `fatfs` reads it.
pub(crate) fn files(image: &Image) -> Files {
    let mut found = Files::new();
    with_fatfs(&mut image.clone(), |root| collect(root, "", &mut found));
    found
}

fn collect(folder: &Dir<'_, &mut Disk<'_>>, path: &str, found: &mut Files) {
    for entry in folder.iter() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        if name == "." || name == ".." {
            continue;
        }
        let path = format!("{path}/{name}");
        if entry.is_dir() {
            found.insert(format!("{path}/"), Vec::new());
            collect(&entry.to_dir(), &path, found);
        } else {
            let mut bytes = Vec::new();
            entry.to_file().read_to_end(&mut bytes).unwrap();
            assert_eq!(bytes.len() as u64, entry.len(), "{path} is as long as it says");
            found.insert(path, bytes);
        }
    }
}

/// The program's path. Where it is absent, the test says so, loudly, and fails only where all tools have to be there.
pub(crate) fn tool(name: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&folders)
        .chain([PathBuf::from("/usr/sbin"), PathBuf::from("/sbin")])
        .map(|folder| folder.join(name))
        .find(|file| file.is_file());
    if found.is_none() {
        eprintln!(
            "!!! {name} is not on this machine: what it would have checked is NOT checked (cargo xtask test installs it)"
        );
    }
    found
}

/// An empty volume by `mkfs.fat`, and only what it wrote held.
pub(crate) fn mkfs(sectors: u32, args: &[&str]) -> Option<Image> {
    let mkfs = tool("mkfs.fat")?;
    let file = tempfile::NamedTempFile::new().unwrap();
    file.as_file().set_len(u64::from(sectors) * SECTOR).unwrap();
    let output = Command::new(mkfs).args(args).arg(file.path()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    // Reserved sectors, both tables and the first cluster of any of these volumes.
    Some(Image::load(file.reopen().unwrap(), 64 << 20).unwrap())
}

/// The card's volume as a file, for tools.
pub(crate) fn export(image: &Image) -> tempfile::NamedTempFile {
    let start = volume_start(image);
    let mut volume = Image::blank(image.sectors() - start);
    for (lba, sector) in image.held().filter(|(lba, _)| *lba >= start) {
        volume.write(lba - start, sector);
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    let out: &File = file.as_file();
    out.set_len(u64::from(volume.sectors()) * SECTOR).unwrap();
    volume.save(out).unwrap();
    file
}

/// What `fsck.fat` has to say beyond its name and a count; `None` where there is no such tool.
pub(crate) fn complaints(image: &Image) -> Option<String> {
    let fsck = tool("fsck.fat")?;
    let file = export(image);
    let output = Command::new(fsck).arg("-n").arg(file.path()).output().unwrap();
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let is_silent = output.status.success() && text.lines().count() == 2;
    Some(if is_silent { String::new() } else { text })
}

/// Panics where `fsck.fat` finds anything.
pub(crate) fn assert_clean(image: &Image, when: &str) {
    if let Some(text) = complaints(image) {
        assert_eq!(text, "", "fsck.fat complains {when}");
    }
}

/// Where the volume has its tables and its first cluster: `[table, sectors of a table, data, sectors of a cluster]`.
pub(crate) fn layout(image: &Image) -> [u32; 4] {
    let start = volume_start(image);
    let boot = image.read(start);
    let table = start + u32::from(u16::from_le_bytes([boot[14], boot[15]]));
    let sectors = u32::from_le_bytes(boot[36..40].try_into().unwrap());
    [table, sectors, table + 2 * sectors, u32::from(boot[13])]
}

/// Linux with the card in its reader, by `mtools`.
pub(crate) struct Linux {
    card: tempfile::NamedTempFile,
    folder: tempfile::TempDir,
}

impl Linux {
    /// `None` where there are no such tools.
    pub(crate) fn with(image: &Image) -> Option<Self> {
        tool("mcopy").map(|_| Self {
            card: export(image),
            folder: tempfile::tempdir().unwrap(),
        })
    }

    pub(crate) fn run(&self, program: &str, args: &[&str]) {
        let mut command = Command::new(tool(program).unwrap());
        command.arg("-i").arg(self.card.path()).args(args);
        let output = command.current_dir(self.folder.path()).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }

    /// Copies a file into a folder of the card.
    pub(crate) fn put(&self, folder: &str, name: &str, content: &[u8]) {
        std::fs::write(self.folder.path().join(name), content).unwrap();
        self.run("mcopy", &[name, folder]);
    }

    pub(crate) fn image(self) -> Image {
        Image::load(self.card.reopen().unwrap(), u64::MAX).unwrap()
    }
}
