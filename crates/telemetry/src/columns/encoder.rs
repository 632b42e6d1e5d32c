//! Encodes row groups on a thread of its own while the parser reads on.
//!
//! A file that never fills a row group is written by the caller's thread: most recordings of other makers, and every
//! fuzz input, are too small for a thread to pay.

use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use parquet::errors::ParquetError;

use super::layout::{CLOCK_S, Clock, Kind};
use super::writer::{Columns, FileWriter, Group};
use super::{StreamFiles, WriteError};
use crate::model::StreamSpec;

/// Row groups that wait for the encoder, at most: one to keep it busy while the parser fills the next. A group of our own
/// inertial stream is 2 MB.
const WAITING_GROUPS_MAX: usize = 1;

enum Job {
    Open(Box<OpenFile>),
    Group { stream: usize, group: Group },
}

struct OpenFile {
    stream: String,
    writer: FileWriter,
}

/// Takes streams and their row groups in any order and writes each stream's file.
pub(crate) struct Encoder {
    state: State,
}

enum State {
    Inline(Files),
    Threaded {
        jobs: SyncSender<Job>,
        thread: JoinHandle<Files>,
    },
    /// Between the two, and after an error.
    Over,
}

impl Encoder {
    pub(crate) fn new() -> Self {
        Self {
            state: State::Inline(Files::default()),
        }
    }

    /// Opens a stream's file; streams are numbered in the order of these calls.
    pub(crate) fn open(&mut self, spec: &StreamSpec, files: &mut dyn StreamFiles) -> Result<(), WriteError> {
        let out = files.create(&spec.name).map_err(|source| WriteError::Create {
            stream: spec.name.clone(),
            source,
        })?;
        let columns: Vec<_> = spec
            .channels
            .iter()
            .map(|c| (c.name.as_str(), Kind::F32))
            .collect();
        let writer = FileWriter::create(out, CLOCK_S, &columns, spec.channels.clone()).map_err(|source| {
            WriteError::Write {
                stream: spec.name.clone(),
                source,
            }
        })?;
        self.send(Job::Open(Box::new(OpenFile {
            stream: spec.name.clone(),
            writer,
        })))
    }

    /// Hands over a full row group.
    pub(crate) fn group(&mut self, stream: usize, group: Group) -> Result<(), WriteError> {
        self.start_thread()?;
        self.send(Job::Group { stream, group })
    }

    /// Writes the last, partly filled row groups (one for each stream, in order) and every footer.
    pub(crate) fn finish(mut self, last: Vec<Group>, clock: Clock) -> Result<(), WriteError> {
        let mut files = match std::mem::replace(&mut self.state, State::Over) {
            State::Inline(files) => files,
            State::Threaded { jobs, thread } => {
                drop(jobs);
                thread.join().map_err(|_| WriteError::ThreadDied)?
            }
            State::Over => return Err(WriteError::ThreadDied),
        };
        for (stream, group) in last.into_iter().enumerate() {
            files.take(Job::Group { stream, group });
        }
        files.finish(clock)
    }

    fn start_thread(&mut self) -> Result<(), WriteError> {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Inline(mut files) => {
                let (jobs, incoming) = sync_channel(WAITING_GROUPS_MAX);
                let thread = thread::Builder::new()
                    .name("channel-files".to_owned())
                    .spawn(move || {
                        for job in incoming {
                            files.take(job);
                        }
                        files
                    })
                    .map_err(WriteError::Thread)?;
                self.state = State::Threaded { jobs, thread };
            }
            started @ (State::Threaded { .. } | State::Over) => self.state = started,
        }
        Ok(())
    }

    fn send(&mut self, job: Job) -> Result<(), WriteError> {
        match &mut self.state {
            State::Inline(files) => {
                files.take(job);
                Ok(())
            }
            State::Threaded { jobs, .. } => jobs.send(job).map_err(|_| WriteError::ThreadDied),
            State::Over => Err(WriteError::ThreadDied),
        }
    }
}

impl Drop for Encoder {
    /// An analysis that fails midway still owns its thread to the end.
    fn drop(&mut self) {
        if let State::Threaded { jobs, thread } = std::mem::replace(&mut self.state, State::Over) {
            drop(jobs);
            // The files are discarded with the analysis; there is nobody left to tell of a panic.
            let _ = thread.join();
        }
    }
}

/// The open files. After the first error the rest is taken and dropped, so that the parser never blocks on a dead reader.
#[derive(Default)]
struct Files {
    open: Vec<OpenFile>,
    failed: Option<WriteError>,
}

impl Files {
    fn take(&mut self, job: Job) {
        if self.failed.is_some() {
            return;
        }
        match job {
            Job::Open(file) => self.open.push(*file),
            Job::Group { stream, group } => {
                if let Some(file) = self.open.get_mut(stream)
                    && let Err(source) = file.write(&group)
                {
                    self.failed = Some(WriteError::Write {
                        stream: file.stream.clone(),
                        source,
                    });
                }
            }
        }
    }

    fn finish(self, clock: Clock) -> Result<(), WriteError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        for OpenFile { stream, writer } in self.open {
            writer
                .finish(clock)
                .map_err(|source| WriteError::Write { stream, source })?;
        }
        Ok(())
    }
}

impl OpenFile {
    fn write(&mut self, group: &Group) -> Result<(), ParquetError> {
        if group.rows() == 0 {
            return Ok(());
        }
        self.writer.write(
            &group.clock_s,
            group.values.iter().map(|v| Columns::F32(v.into())),
        )
    }
}
