//! `datalogger-xxxx.local`: the device's name for those in the same network, and `_http._tcp` so that lists show it.
//!
//! ```text
//!            3 probes, 250 ms apart                 2 announcements, 1 s apart
//! Probing ───────────────────────────► Announcing ─────────────────────────────► Settled
//!    ▲  somebody else has the name: the next number is appended                     │
//!    └───────────────────────────── somebody else says our name ────────────────────┘
//! ```
//!
//! RFC 6762, without: the random delay before shared answers (there are few of us in a network), aggregation, goodbyes (a device goes by losing its
//! power). One responder an interface, made anew when its address changes. It keeps silent about records that the asker said it knows, answers what
//! comes from another port than 5353 as plain DNS, and answers the group at most once a second.

use core::fmt::Write;
use core::net::{Ipv4Addr, SocketAddrV4};
use core::time::Duration;

use heapless::String;

use super::message::{
    AUTHORITATIVE, CLASS_ANY, CLASS_IN, HEADER_BYTES, OPCODE, Question, RESPONSE, Reader, Record, Writer,
    rtype,
};
use crate::time::Instant;

pub const GROUP: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(224, 0, 0, 251), 5353);
/// All our records at once come to half of it.
pub const MESSAGE_BYTES_MAX: usize = 512;
/// The longest first label of our name, without what is appended where it is taken.
pub const LABEL_BYTES_MAX: usize = 24;
const SUFFIX_BYTES_MAX: usize = 4;
/// What is looked at in one message; a question more is not answered.
const QUESTIONS_MAX: u16 = 16;
const RECORDS_MAX: u16 = 64;
/// Ethernet's, less the headers of IP and UDP.
const PACKET_BYTES_MAX: usize = 1472;

/// RFC 6762, section 8.
const PROBES: u8 = 3;
const PROBE_PAUSE: Duration = Duration::from_millis(250);
const ANNOUNCEMENTS: u8 = 2;
const ANNOUNCEMENT_PAUSE: Duration = Duration::from_secs(1);
/// Who lost a tie between probes waits so long.
const TIE_PAUSE: Duration = Duration::from_secs(1);
/// Section 6: no record to the group more often.
const GROUP_PAUSE: Duration = Duration::from_secs(1);

/// Section 10: two minutes where an address is in it.
const TTL_S: u32 = 120;
/// Section 6.7: for those who ask as plain DNS.
const LEGACY_TTL_S: u32 = 10;
/// In questions "answer me alone", in records "forget what you had".
const TOP_BIT: u16 = 0x8000;

const HTTP: [&str; 3] = ["_http", "_tcp", "local"];
const SERVICES: [&str; 4] = ["_services", "_dns-sd", "_udp", "local"];
const HTTP_PORT: u16 = 80;

type Label = String<{ LABEL_BYTES_MAX + SUFFIX_BYTES_MAX }>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Probing { sent: u8, next: Instant },
    Announcing { sent: u8, next: Instant },
    Settled,
}

/// Which of our records are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Wanted {
    address: bool,
    /// That there is nothing but the address.
    only_address: bool,
    instance: bool,
    service: bool,
    place: bool,
    text: bool,
}

impl Wanted {
    const ALL: Self = Self {
        address: true,
        only_address: false,
        instance: true,
        service: true,
        place: true,
        text: true,
    };

    fn counts(self) -> u16 {
        [
            self.address,
            self.only_address,
            self.instance,
            self.service,
            self.place,
            self.text,
        ]
        .into_iter()
        .map(u16::from)
        .sum()
    }
}

/// Answers for one name on one interface.
#[derive(Debug)]
pub struct Responder {
    base: String<LABEL_BYTES_MAX>,
    label: Label,
    suffix: u8,
    address: Ipv4Addr,
    phase: Phase,
    group_quiet_until: Instant,
}

impl Responder {
    /// `label` is the name without `.local`. It is cut where it is too long.
    pub fn new(label: &str, address: Ipv4Addr, now: Instant) -> Self {
        let mut base = String::new();
        for c in label.chars() {
            if base.push(c).is_err() {
                break;
            }
        }
        let mut own = Label::new();
        // It is the longer one.
        let _ = own.push_str(&base);
        Self {
            base,
            label: own,
            suffix: 1,
            address,
            phase: Phase::Probing { sent: 0, next: now },
            group_quiet_until: now,
        }
    }

    /// The name, without `.local`, that is ours or is being asked for.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Whether the name proved free.
    pub const fn is_ours(&self) -> bool {
        !matches!(self.phase, Phase::Probing { .. })
    }

    /// When [`Self::poll`] has something to say. Changes by every [`Self::poll`] that gave something and by [`Self::handle`].
    pub const fn next_deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Probing { next, .. } | Phase::Announcing { next, .. } => Some(next),
            Phase::Settled => None,
        }
    }

    /// What is to be sent to [`GROUP`] now: its length.
    pub fn poll(&mut self, now: Instant, into: &mut [u8; MESSAGE_BYTES_MAX]) -> Option<usize> {
        match self.phase {
            Phase::Probing { sent, next } if next <= now => {
                if sent == PROBES {
                    self.phase = Phase::Announcing { sent: 0, next: now };
                    return self.poll(now, into);
                }
                self.phase = Phase::Probing {
                    sent: sent + 1,
                    next: now + PROBE_PAUSE,
                };
                self.probe(into)
            }
            Phase::Announcing { sent, next } if next <= now => {
                self.phase = if sent + 1 == ANNOUNCEMENTS {
                    Phase::Settled
                } else {
                    Phase::Announcing {
                        sent: sent + 1,
                        next: now + ANNOUNCEMENT_PAUSE,
                    }
                };
                self.answer(into, Wanted::ALL, None)
            }
            Phase::Probing { .. } | Phase::Announcing { .. } | Phase::Settled => None,
        }
    }

    /// What is to be answered to a packet that came to port 5353, and to whom.
    pub fn handle(
        &mut self,
        packet: &[u8],
        from: SocketAddrV4,
        now: Instant,
        into: &mut [u8; MESSAGE_BYTES_MAX],
    ) -> Option<(usize, SocketAddrV4)> {
        if packet.len() > PACKET_BYTES_MAX {
            return None;
        }
        let (header, mut reader) = Reader::new(packet)?;
        if header.flags & OPCODE != 0 {
            return None;
        }
        if header.flags & RESPONSE != 0 {
            // Answers are believed from those only who speak as responders do.
            if from.port() == GROUP.port() {
                self.hear(header.questions, header.answers, reader, now);
            }
            return None;
        }
        let questions = header.questions.min(QUESTIONS_MAX);
        let mut wanted = Wanted::default();
        let mut alone = true;
        for _ in 0..questions {
            let question = reader.question()?;
            self.want(question, &mut wanted);
            alone &= question.class & TOP_BIT != 0;
        }
        let asked = packet.get(HEADER_BYTES..reader.at())?;
        if !self.is_ours() {
            self.meet(header.answers, header.authorities, reader, now);
            return None;
        }
        for _ in 0..header.answers.min(RECORDS_MAX) {
            self.leave_out(reader.record()?, &mut wanted);
        }
        if wanted.counts() == 0 {
            return None;
        }
        if from.port() != GROUP.port() {
            let length = self.answer(into, wanted, Some((header.id, questions, asked)))?;
            return Some((length, from));
        }
        // A prober must hear of us at once, or it takes the name.
        let is_probe = header.authorities > 0;
        if !alone || is_probe {
            if self.group_quiet_until > now && !is_probe {
                return None;
            }
            self.group_quiet_until = now + GROUP_PAUSE;
        }
        let to = if alone { from } else { GROUP };
        Some((self.answer(into, wanted, None)?, to))
    }

    fn host(&self) -> [&str; 2] {
        [&self.label, "local"]
    }

    fn instance(&self) -> [&str; 4] {
        [&self.label, HTTP[0], HTTP[1], HTTP[2]]
    }

    fn want(&self, question: Question<'_>, wanted: &mut Wanted) {
        let Question { name, rtype, class } = question;
        if !matches!(class & !TOP_BIT, CLASS_IN | CLASS_ANY) {
            return;
        }
        let is = |of: u16| rtype == of || rtype == rtype::ANY;
        if name.is(&self.host()) {
            wanted.address |= is(rtype::A);
            wanted.only_address |= matches!(rtype, rtype::AAAA | rtype::NSEC);
        } else if name.is(&HTTP) {
            wanted.instance |= is(rtype::PTR);
        } else if name.is(&SERVICES) {
            wanted.service |= is(rtype::PTR);
        } else if name.is(&self.instance()) {
            wanted.place |= is(rtype::SRV);
            wanted.text |= is(rtype::TXT);
        }
    }

    /// Section 7.1: what the asker will remember for as long again as we would say.
    fn leave_out(&self, known: Record<'_>, wanted: &mut Wanted) {
        if known.ttl_s < TTL_S / 2 {
            return;
        }
        if known.rtype == rtype::A && known.name.is(&self.host()) && known.data == self.address.octets() {
            wanted.address = false;
        }
        if known.rtype == rtype::PTR {
            // The only instance of ours; another device's is another name.
            let ours = known.data.get(1..1 + self.label.len());
            let is_ours = ours.is_some_and(|label| label.eq_ignore_ascii_case(self.label.as_bytes()));
            wanted.instance &= !(known.name.is(&HTTP) && is_ours);
        }
    }

    /// Somebody's answers: is our name in them, with another address?
    fn hear(&mut self, questions: u16, answers: u16, mut reader: Reader<'_>, now: Instant) {
        for _ in 0..questions.min(QUESTIONS_MAX) {
            if reader.question().is_none() {
                return;
            }
        }
        for _ in 0..answers.min(RECORDS_MAX) {
            let Some(record) = reader.record() else {
                return;
            };
            let says_our_name = record.rtype == rtype::A && record.name.is(&self.host());
            if !says_our_name || record.ttl_s == 0 || record.data == self.address.octets() {
                continue;
            }
            // While it is ours, the other one may be wrong: probing again lets whoever holds it speak up.
            if !self.is_ours() {
                self.take_next_name();
            }
            self.phase = Phase::Probing { sent: 0, next: now };
            return;
        }
    }

    /// Somebody else probes for our name while we do: section 8.2, the later address wins.
    fn meet(&mut self, answers: u16, authorities: u16, mut reader: Reader<'_>, now: Instant) {
        let records = answers
            .min(RECORDS_MAX)
            .saturating_add(authorities.min(RECORDS_MAX));
        for _ in 0..records {
            let Some(record) = reader.record() else {
                return;
            };
            let is_rival = record.rtype == rtype::A && record.name.is(&self.host());
            if is_rival && record.data > &self.address.octets()[..] {
                self.phase = Phase::Probing {
                    sent: 0,
                    next: now + TIE_PAUSE,
                };
                return;
            }
        }
    }

    fn take_next_name(&mut self) {
        self.suffix = self.suffix.saturating_add(1);
        self.label.clear();
        // The longest suffix has its place.
        let _ = write!(self.label, "{}-{}", self.base, self.suffix);
    }

    fn probe(&self, into: &mut [u8]) -> Option<usize> {
        let mut writer = Writer::new(into, 0, 0);
        writer.name(&self.host());
        writer.u16(rtype::ANY);
        writer.u16(CLASS_IN | TOP_BIT);
        writer.name(&self.host());
        writer.record(rtype::A, CLASS_IN, TTL_S, |data| {
            data.bytes(&self.address.octets());
        });
        writer.finish([1, 0, 1, 0])
    }

    /// `legacy` is who asked as plain DNS does: its number, how many questions, and their bytes.
    fn answer(&self, into: &mut [u8], wanted: Wanted, legacy: Option<(u16, u16, &[u8])>) -> Option<usize> {
        let (id, questions, asked) = legacy.unwrap_or((0, 0, &[]));
        let (unique, ttl_s) = match legacy {
            Some(_) => (CLASS_IN, LEGACY_TTL_S),
            None => (CLASS_IN | TOP_BIT, TTL_S),
        };
        let mut writer = Writer::new(into, id, RESPONSE | AUTHORITATIVE);
        writer.bytes(asked);
        self.records(&mut writer, wanted, unique, ttl_s);
        let points_at_instance = wanted.instance;
        let more = Wanted {
            place: points_at_instance && !wanted.place,
            text: points_at_instance && !wanted.text,
            address: (points_at_instance || wanted.place) && !wanted.address,
            ..Wanted::default()
        };
        self.records(&mut writer, more, unique, ttl_s);
        writer.finish([questions, wanted.counts(), 0, more.counts()])
    }

    fn records(&self, writer: &mut Writer<'_>, which: Wanted, unique: u16, ttl_s: u32) {
        if which.service {
            writer.name(&SERVICES);
            writer.record(rtype::PTR, CLASS_IN, ttl_s, |data| data.name(&HTTP));
        }
        if which.instance {
            writer.name(&HTTP);
            writer.record(rtype::PTR, CLASS_IN, ttl_s, |data| data.name(&self.instance()));
        }
        if which.place {
            writer.name(&self.instance());
            writer.record(rtype::SRV, unique, ttl_s, |data| {
                data.bytes(&[0; 4]);
                data.u16(HTTP_PORT);
                data.name(&self.host());
            });
        }
        if which.text {
            writer.name(&self.instance());
            writer.record(rtype::TXT, unique, ttl_s, |data| data.bytes(b"\x06path=/"));
        }
        if which.address {
            writer.name(&self.host());
            writer.record(rtype::A, unique, ttl_s, |data| {
                data.bytes(&self.address.octets());
            });
        }
        if which.only_address {
            writer.name(&self.host());
            writer.record(rtype::NSEC, unique, ttl_s, |data| {
                data.name(&self.host());
                // The first window, one byte, and in it the bit of type 1.
                data.bytes(&[0, 1, 0x40]);
            });
        }
    }
}

#[cfg(test)]
mod tests;
