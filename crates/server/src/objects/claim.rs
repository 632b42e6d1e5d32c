//! Notes of objects that no row refers to yet.
//!
//! Between an object's name and its row lies a moment in which the process can die. A note in staging says beforehand
//! which object it will be; it goes when the row is committed. What notes are left at the next start name the only
//! objects that may have been orphaned, and only those are looked at: an object without a row and without a note was
//! not left by an upload (a database may have been put back from a backup), and is nobody's to remove.

use std::fmt;
use std::io;

use uuid::Uuid;

use super::{Digest, Objects};
use crate::store::TenantId;

const PREFIX: &str = "claim-";

/// An object that waits for its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    pub tenant: TenantId,
    pub digest: Digest,
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}-{}", self.tenant.0.simple(), self.digest)
    }
}

impl Claim {
    /// A name in staging as a note; `None` for other names.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let (tenant, digest) = name.strip_prefix(PREFIX)?.split_once('-')?;
        Some(Self {
            tenant: TenantId(Uuid::try_parse(tenant).ok()?),
            digest: digest.parse().ok()?,
        })
    }
}

impl Objects {
    /// Uploads of the same bytes share a note: whichever of them is stored first gives the object its row.
    pub(super) fn note(&self, claim: Claim) -> io::Result<()> {
        match self.fs.create(&self.staging(&claim.to_string())) {
            Ok(_file) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The object has a row now.
    pub fn settle(&self, claim: Claim) -> io::Result<()> {
        match self.fs.remove_file(&self.staging(&claim.to_string())) {
            // Another upload of the same bytes was first.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            done => done,
        }
    }

    /// Takes away an object that turned out to have no row.
    pub fn abandon(&self, claim: Claim) -> io::Result<()> {
        match self.fs.remove_file(&self.raw_path(claim.tenant, claim.digest)) {
            // The process died before the object had its name.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            done => done?,
        }
        self.settle(claim)
    }

    /// The notes that an earlier process left. Only for the process that holds the [`super::FolderLock`].
    pub fn unsettled(&self) -> io::Result<Vec<Claim>> {
        let entries = self.fs.list(&self.root.join("staging"))?;
        Ok(entries
            .iter()
            .filter_map(|entry| Claim::parse(&entry.name))
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_as_it_was_written_and_other_names_are_none() {
        let claim = Claim {
            tenant: TenantId(Uuid::from_u128(7)),
            digest: Digest([0xAB; 32]),
        };
        assert_eq!(Claim::parse(&claim.to_string()), Some(claim));
        let name = claim.to_string();
        for other in ["claim-", "claim-1-2", &name[1..], &name[..name.len() - 1]] {
            assert_eq!(Claim::parse(other), None, "{other}");
        }
    }
}
