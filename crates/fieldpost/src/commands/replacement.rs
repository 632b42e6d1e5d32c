//! A file that is written beside its target and takes its place when it is whole.
//!
//! A command that fails half way leaves an existing target as it was, and no command writes over the file that it reads.

use std::fs::{self, Permissions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use tempfile::NamedTempFile;

pub(crate) struct Replacement {
    target: PathBuf,
    file: NamedTempFile,
    permissions: Option<Permissions>,
}

impl Replacement {
    /// Refuses a target that is `source` itself, under whatever name.
    pub(crate) fn of(target: &Path, source: &Path) -> anyhow::Result<Self> {
        refuse_source(target, source)?;
        // A link keeps pointing where it did.
        let target = fs::canonicalize(target).unwrap_or_else(|_| target.to_owned());
        if target.is_dir() {
            bail!("{} is a folder; give the name of a file", target.display());
        }
        let folder = match target.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            Some(_) | None => Path::new("."),
        };
        let mut beside = tempfile::Builder::new();
        beside.prefix(".fieldpost-");
        new_file(&mut beside);
        let file = beside
            .tempfile_in(folder)
            .with_context(|| format!("{} cannot be written; check the folder", target.display()))?;
        let permissions = fs::metadata(&target).ok().map(|found| found.permissions());
        Ok(Self {
            target,
            file,
            permissions,
        })
    }

    pub(crate) fn write(self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> anyhow::Result<()> {
        let shown = self.target.display();
        let mut out = BufWriter::new(self.file.as_file());
        write(&mut out)
            .and_then(|()| out.flush())
            .with_context(|| format!("{shown} cannot be written; is the disk full?"))?;
        drop(out);
        if let Some(permissions) = self.permissions {
            self.file
                .as_file()
                .set_permissions(permissions)
                .with_context(|| format!("the permissions of {shown} cannot be kept"))?;
        }
        self.file
            .persist(&self.target)
            .with_context(|| format!("{shown} cannot be replaced; check the folder"))?;
        Ok(())
    }
}

/// Fails if the target is the source: the same path, a link to it, or another name of the same file.
pub(crate) fn refuse_source(target: &Path, source: &Path) -> anyhow::Result<()> {
    if is_same_file(target, source) {
        bail!(
            "{} is the recording itself, which would be lost; give another name",
            target.display()
        );
    }
    Ok(())
}

#[cfg(unix)]
fn is_same_file(a: &Path, b: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (fs::metadata(a), fs::metadata(b)) {
        (Ok(a), Ok(b)) => (a.dev(), a.ino()) == (b.dev(), b.ino()),
        (Ok(_) | Err(_), Ok(_) | Err(_)) => false,
    }
}

#[cfg(not(unix))]
fn is_same_file(a: &Path, b: &Path) -> bool {
    match (fs::canonicalize(a), fs::canonicalize(b)) {
        (Ok(a), Ok(b)) => a == b,
        (Ok(_) | Err(_), Ok(_) | Err(_)) => false,
    }
}

/// What any new file gets, less the umask; temporary files are for their owner alone otherwise.
fn new_file(builder: &mut tempfile::Builder<'_, '_>) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(Permissions::from_mode(0o666));
    }
    #[cfg(not(unix))]
    let _ = builder;
}
