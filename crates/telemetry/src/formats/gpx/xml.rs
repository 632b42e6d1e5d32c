//! GPX as a flat list of openings, texts and closings, with line numbers and bounds that quick-xml lacks.

use std::io::{BufRead, Error, ErrorKind, Read, Result as IoResult};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// The longest real element seen is a `gpx` start tag of 0.8 kB.
const MAX_ELEMENT_BYTES: usize = 64 * 1024;
/// Real files nest seven deep (a speed in a point's extension).
const MAX_DEPTH: usize = 64;

pub(super) enum Node<'a> {
    Open {
        name: &'a str,
        lat: Option<String>,
        lon: Option<String>,
        creator: Option<String>,
    },
    /// Text directly within the element `of`.
    Text {
        of: &'a str,
        text: &'a str,
    },
    Close {
        name: &'a str,
        line: u64,
    },
    /// The end of the file within an element.
    BreaksOff {
        line: u64,
    },
}

pub(super) struct Nodes<'a> {
    reader: Reader<Ascii<'a>>,
    event: Vec<u8>,
    text: String,
    name: String,
    /// Local names of the elements that are open.
    path: Vec<String>,
    /// An empty element is an opening and a closing.
    close_next: bool,
    ended: bool,
}

impl<'a> Nodes<'a> {
    pub(super) fn new(input: &'a mut dyn BufRead) -> Self {
        let mut reader = Reader::from_reader(Ascii::new(input));
        // Mismatches do no harm to a list of points, and hand-edited files have them.
        reader.config_mut().check_end_names = false;
        reader.config_mut().allow_unmatched_ends = true;
        Self {
            reader,
            event: Vec::new(),
            text: String::new(),
            name: String::new(),
            path: Vec::new(),
            close_next: false,
            ended: false,
        }
    }

    /// Number of the line that is being read, from 1.
    pub(super) fn line(&self) -> u64 {
        self.reader.get_ref().line
    }

    /// The next node; nothing at the end.
    pub(super) fn next(&mut self) -> Result<Option<Node<'_>>, Broken> {
        if self.close_next {
            self.close_next = false;
            return Ok(Some(Node::Close {
                name: &self.name,
                line: self.line(),
            }));
        }
        loop {
            if self.ended {
                return Ok(None);
            }
            self.event.clear();
            self.reader.get_mut().since_event = 0;
            match self.reader.read_event_into(&mut self.event)? {
                Event::Start(start) => {
                    if self.path.len() >= MAX_DEPTH {
                        return Err(Broken::Markup(format!(
                            "elements nest more than {MAX_DEPTH} deep"
                        )));
                    }
                    start.local_name().as_ref().clone_into(&mut self.name);
                    self.path.push(self.name.clone());
                    return open(&self.name, &start).map(Some);
                }
                Event::Empty(start) => {
                    start.local_name().as_ref().clone_into(&mut self.name);
                    self.close_next = true;
                    return open(&self.name, &start).map(Some);
                }
                Event::End(end) => {
                    end.local_name().as_ref().clone_into(&mut self.name);
                    self.path.pop();
                    return Ok(Some(Node::Close {
                        name: &self.name,
                        line: self.line(),
                    }));
                }
                Event::Text(text) => {
                    self.text.clear();
                    self.text.push_str(&text.xml10_content());
                    if !self.path.is_empty() {
                        let of = self.path.last().map_or("", String::as_str);
                        return Ok(Some(Node::Text { of, text: &self.text }));
                    }
                }
                Event::Eof => {
                    self.ended = true;
                    if !self.path.is_empty() {
                        return Ok(Some(Node::BreaksOff { line: self.line() }));
                    }
                }
                Event::CData(_)
                | Event::Comment(_)
                | Event::Decl(_)
                | Event::PI(_)
                | Event::DocType(_)
                | Event::GeneralRef(_) => {}
            }
        }
    }
}

fn open<'a>(name: &'a str, start: &BytesStart<'_>) -> Result<Node<'a>, Broken> {
    let value = |name: &str| match start.try_get_attribute(name) {
        Ok(attribute) => Ok(attribute.map(|attribute| attribute.value.into_owned())),
        Err(error) => Err(quick_xml::Error::from(error)),
    };
    Ok(Node::Open {
        name,
        lat: value("lat")?,
        lon: value("lon")?,
        creator: value("creator")?,
    })
}

/// Why there is no next node.
pub(super) enum Broken {
    /// The bytes stopped coming.
    Io(Error),
    /// The cause in words.
    Markup(String),
}

/// A cause may quote the file; this much of it is enough to find the place.
const MAX_CAUSE_CHARS: usize = 200;

impl From<quick_xml::Error> for Broken {
    fn from(error: quick_xml::Error) -> Self {
        if let quick_xml::Error::Io(io) = &error
            && io.kind() != ErrorKind::InvalidData
        {
            return Self::Io(Error::new(io.kind(), io.to_string()));
        }
        Self::Markup(error.to_string().chars().take(MAX_CAUSE_CHARS).collect())
    }
}

/// The file with every byte beyond ASCII shown as `?`: numbers, times and the words that count are ASCII, and so a name
/// in any encoding does no harm. Counts lines, and ends an element that never ends.
struct Ascii<'a> {
    input: &'a mut dyn BufRead,
    chunk: Vec<u8>,
    at: usize,
    line: u64,
    since_event: usize,
}

const CHUNK_BYTES: usize = 8 * 1024;

impl<'a> Ascii<'a> {
    fn new(input: &'a mut dyn BufRead) -> Self {
        Self {
            input,
            chunk: Vec::with_capacity(CHUNK_BYTES),
            at: 0,
            line: 1,
            since_event: 0,
        }
    }
}

impl Read for Ascii<'_> {
    fn read(&mut self, out: &mut [u8]) -> IoResult<usize> {
        let read = self.fill_buf()?.read(out)?;
        self.consume(read);
        Ok(read)
    }
}

impl BufRead for Ascii<'_> {
    fn fill_buf(&mut self) -> IoResult<&[u8]> {
        if self.since_event > MAX_ELEMENT_BYTES {
            return Err(Error::new(
                ErrorKind::InvalidData,
                "an element is longer than any real one",
            ));
        }
        if self.at >= self.chunk.len() {
            let bytes = self.input.fill_buf()?;
            let bytes = bytes.get(..CHUNK_BYTES).unwrap_or(bytes);
            self.chunk.clear();
            self.chunk.extend(
                bytes
                    .iter()
                    .map(|byte| if byte.is_ascii() { *byte } else { b'?' }),
            );
            self.at = 0;
            let read = self.chunk.len();
            self.input.consume(read);
        }
        Ok(self.chunk.get(self.at..).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        let end = self.at.saturating_add(amount).min(self.chunk.len());
        let used = self.chunk.get(self.at..end).unwrap_or_default();
        self.line += memchr::memchr_iter(b'\n', used).map(|_| 1).sum::<u64>();
        self.since_event = self.since_event.saturating_add(used.len());
        self.at = end;
    }
}
