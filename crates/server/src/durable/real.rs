//! The operating system's file system.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::{Durable, DurableFile, Entry, SyncPoint};

/// Nothing but `std::fs`; on Linux `sync_all` is `fsync`, for folders too.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealFs;

struct RealFile(File);

impl Write for RealFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl DurableFile for RealFile {
    fn sync(&mut self, _: SyncPoint) -> io::Result<()> {
        self.0.sync_all()
    }
}

impl Durable for RealFs {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DurableFile>> {
        Ok(Box::new(RealFile(File::create_new(path)?)))
    }

    fn append_from(&self, path: &Path, offset_bytes: u64) -> io::Result<Box<dyn DurableFile>> {
        let mut file = File::options().write(true).open(path)?;
        let length = file.metadata()?.len();
        if length < offset_bytes {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if length > offset_bytes {
            file.set_len(offset_bytes)?;
        }
        file.seek(SeekFrom::Start(offset_bytes))?;
        Ok(Box::new(RealFile(file)))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(File::open(path)?))
    }

    fn length_bytes(&self, path: &Path) -> io::Result<u64> {
        Ok(fs::metadata(path)?.len())
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to).map_err(|error| {
            // What Linux says of a file system without second names (FAT, exFAT): link(2), EPERM.
            if error.kind() == io::ErrorKind::PermissionDenied {
                io::Error::new(io::ErrorKind::Unsupported, error)
            } else {
                error
            }
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        let mut folder = fs::DirBuilder::new();
        // Where people drove is nobody else's business on a shared machine; what lies in a folder is behind it.
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
        folder.create(path)
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            let name = entry.file_name().into_string().map_err(|name| {
                let text = format!("{} in {} is not valid text", name.display(), path.display());
                io::Error::new(io::ErrorKind::InvalidData, text)
            })?;
            entries.push(Entry {
                name,
                is_folder: entry.file_type()?.is_dir(),
            });
        }
        entries.sort();
        Ok(entries)
    }

    fn sync_folder(&self, path: &Path, _: SyncPoint) -> io::Result<()> {
        File::open(path)?.sync_all()
    }
}
