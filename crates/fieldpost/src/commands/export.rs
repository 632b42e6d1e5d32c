//! `fieldpost export`: a recording, from a file or from a data folder, in another format.
//!
//! The raw bytes are analysed again with what the server knew about them; so an export never shows other laps than the
//! page, and needs nothing but the recording.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, bail};
use bytes::Bytes;
use clap::ValueEnum;
use server::store::RecordingId;
use server::stored;
use telemetry::columns::{StreamFiles, StreamReader};
use telemetry::{Options, export};

use super::analyze::READ_BYTES;
use super::gates::Gates;
use super::replacement::{Replacement, refuse_source};
use crate::data_dir::{DataDir, block_on};
use crate::output;

#[derive(Debug, clap::Args)]
pub(crate) struct Export {
    /// A file, or the id of a recording (or of its session) in the data folder.
    #[arg(value_name = "FILE|RECORDING-ID")]
    source: String,
    #[arg(long, value_enum)]
    format: Format,
    /// Where to write: a file, for parquet a folder that gets a file for each stream. Text goes to stdout without it.
    #[arg(long, short, value_name = "PATH")]
    output: Option<PathBuf>,
    #[command(flatten)]
    gates: Gates,
    #[command(flatten)]
    data_dir: DataDir,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Vbo,
    Gpx,
    Kml,
    Csv,
    Parquet,
}

/// The recording's bytes and what is known beside them.
struct Source {
    shown: String,
    raw: PathBuf,
    options: Options,
}

impl Export {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let source = self.find()?;
        match (self.format, self.output.as_deref()) {
            (Format::Parquet, Some(folder)) => to_parquet(&source, folder)?,
            (Format::Parquet, None) => {
                bail!("parquet is several files; give a folder for them with --output")
            }
            (Format::Vbo, output) => to_text(&source, self.format, export::vbo, output)?,
            (Format::Gpx, output) => to_text(&source, self.format, export::gpx, output)?,
            (Format::Kml, output) => to_text(&source, self.format, export::kml, output)?,
            (Format::Csv, output) => to_text(&source, self.format, export::csv, output)?,
        }
        Ok(ExitCode::SUCCESS)
    }

    /// A file goes before an id: nobody names a file like one by accident.
    fn find(&self) -> anyhow::Result<Source> {
        let path = Path::new(&self.source);
        let mut source = if path.is_file() {
            Source {
                shown: self.source.clone(),
                raw: path.to_owned(),
                options: Options::default(),
            }
        } else {
            let Ok(id) = self.source.parse() else {
                bail!(
                    "{} is neither a file nor a recording's id; check the name",
                    self.source
                );
            };
            block_on(self.find_stored(id))?
        };
        if self.gates.gate.is_some() {
            source.options.gate = self.gates.gate;
            source.options.finish = None;
        }
        if self.gates.finish.is_some() {
            source.options.finish = self.gates.finish;
        }
        Ok(source)
    }

    async fn find_stored(&self, id: RecordingId) -> anyhow::Result<Source> {
        let store = self.data_dir.store().await?;
        let folder = &self.data_dir.existing()?.data_dir;
        let Some(found) = stored::find(folder, &store, id).await? else {
            bail!(
                "there is no recording {id} in {}; --data-dir takes another folder",
                folder.display()
            );
        };
        Ok(Source {
            shown: found.file_name,
            raw: found.raw,
            options: found.options,
        })
    }
}

impl Source {
    fn analyze(&self, files: &mut dyn StreamFiles) -> anyhow::Result<telemetry::Analysis> {
        let shown = &self.shown;
        let file = File::open(&self.raw)
            .with_context(|| format!("{shown} cannot be opened; check that you may read it"))?;
        let mut input = BufReader::with_capacity(READ_BYTES, file);
        telemetry::analyze(&mut input, &self.options, files)
            .with_context(|| format!("{shown} cannot be analysed"))
    }
}

type Writer = fn(&export::Session, &mut dyn Write) -> io::Result<()>;

fn to_text(source: &Source, format: Format, write: Writer, output: Option<&Path>) -> anyhow::Result<()> {
    let mut files = GpsInMemory::default();
    let analysis = source.analyze(&mut files)?;
    let gps = StreamReader::open(files.into_bytes()).context("the channels just written cannot be read")?;
    let session =
        export::Session::read(&analysis.report, &gps).context("the channels just written cannot be read")?;
    if format == Format::Gpx && !session.has_date() {
        bail!(
            "the date of {} is unknown, and without one this format has no times and so no laps; export it as csv",
            source.shown
        );
    }
    match output {
        Some(path) => Replacement::of(path, &source.raw)?.write(|out| write(&session, out)),
        None => output::answer_with(|out| write(&session, out)),
    }
}

fn to_parquet(source: &Source, folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("the folder {} cannot be made", folder.display()))?;
    // The files get their names when all are whole.
    let unnamed = tempfile::Builder::new()
        .prefix(".fieldpost-")
        .tempdir_in(folder)
        .with_context(|| format!("{} cannot be written; check the folder", folder.display()))?;
    source.analyze(&mut InFolder(unnamed.path()))?;
    for entry in fs::read_dir(unnamed.path())? {
        let entry = entry?;
        let target = folder.join(entry.file_name());
        refuse_source(&target, &source.raw)?;
        fs::rename(entry.path(), &target)
            .with_context(|| format!("{} cannot be written; check the folder", target.display()))?;
    }
    Ok(())
}

struct InFolder<'f>(&'f Path);

impl StreamFiles for InFolder<'_> {
    fn create(&mut self, stream: &str) -> io::Result<Box<dyn Write + Send>> {
        let file = File::create(self.0.join(format!("{stream}.parquet")))?;
        Ok(Box::new(BufWriter::new(file)))
    }
}

/// Keeps the stream of fixes, some 50 bytes each, and drops every other: text formats carry only fixes.
#[derive(Default)]
struct GpsInMemory(Shared);

/// The writer of a channel file may live on another thread.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl GpsInMemory {
    fn into_bytes(self) -> Bytes {
        let mut bytes = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *bytes).into()
    }
}

impl StreamFiles for GpsInMemory {
    fn create(&mut self, stream: &str) -> io::Result<Box<dyn Write + Send>> {
        Ok(if stream == "gps" {
            Box::new(self.0.clone())
        } else {
            Box::new(io::sink())
        })
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut all = self
            .0
            .lock()
            .map_err(|_| io::Error::other("a writer of these channels panicked"))?;
        all.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
