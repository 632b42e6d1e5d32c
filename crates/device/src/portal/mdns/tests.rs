use super::*;

extern crate std;

const OURS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 7);
const HOST: [&str; 2] = ["Datalogger-7F3A", "local"];
const NEIGHBOUR: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 9), 5353);
const DIG: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 9), 40_000);

fn seconds(s: u64) -> Instant {
    Instant::from_secs(s)
}

fn settled() -> Responder {
    let mut responder = Responder::new("datalogger-7f3a", OURS, Instant::BOOT);
    let mut into = [0; MESSAGE_BYTES_MAX];
    let mut sent = 0;
    while let Some(at) = responder.next_deadline() {
        assert!(responder.poll(at, &mut into).is_some());
        sent += 1;
    }
    assert_eq!(sent, PROBES + ANNOUNCEMENTS);
    responder
}

fn question(name: &[&str], rtype: u16, class: u16) -> std::vec::Vec<u8> {
    let mut bytes = [0; 512];
    let mut writer = Writer::new(&mut bytes, 0x1234, 0);
    writer.name(name);
    writer.u16(rtype);
    writer.u16(class);
    let length = writer.finish([1, 0, 0, 0]).unwrap();
    bytes[..length].to_vec()
}

/// An answer, or with `flags` 0 a probe, of somebody who says that the name is at `address`.
fn claim(flags: u16, name: &[&str], address: Ipv4Addr) -> std::vec::Vec<u8> {
    let mut bytes = [0; 512];
    let mut writer = Writer::new(&mut bytes, 0, flags);
    writer.name(name);
    writer.record(rtype::A, CLASS_IN, TTL_S, |data| {
        data.bytes(&address.octets());
    });
    let counts = if flags == 0 { [0, 0, 1, 0] } else { [0, 1, 0, 0] };
    let length = writer.finish(counts).unwrap();
    bytes[..length].to_vec()
}

fn ask(
    responder: &mut Responder,
    packet: &[u8],
    from: SocketAddrV4,
    now: Instant,
) -> Option<(std::vec::Vec<u8>, SocketAddrV4)> {
    let mut into = [0; MESSAGE_BYTES_MAX];
    let (length, to) = responder.handle(packet, from, now, &mut into)?;
    Some((into[..length].to_vec(), to))
}

/// Type and data of every record in an answer.
fn records(answer: &[u8]) -> std::vec::Vec<(u16, u32, std::vec::Vec<u8>)> {
    let (header, mut reader) = Reader::new(answer).unwrap();
    for _ in 0..header.questions {
        reader.question().unwrap();
    }
    let mut found = std::vec::Vec::new();
    while let Some(record) = reader.record() {
        found.push((record.rtype, record.ttl_s, record.data.to_vec()));
    }
    assert_eq!(reader.at(), answer.len());
    found
}

#[test]
fn a_name_is_asked_for_three_times_before_it_is_ours() {
    let mut responder = Responder::new("datalogger-7f3a", OURS, Instant::BOOT);
    let mut into = [0; MESSAGE_BYTES_MAX];
    let mut at = Instant::BOOT;
    for _ in 0..3 {
        assert!(!responder.is_ours());
        assert_eq!(
            ask(
                &mut responder,
                &question(&HOST, rtype::A, CLASS_IN),
                NEIGHBOUR,
                at
            ),
            None
        );
        let length = responder.poll(at, &mut into).unwrap();
        assert_eq!(into[4..12], [0, 1, 0, 0, 0, 1, 0, 0]);
        assert_eq!(into[length - 4..length], OURS.octets());
        assert_eq!(responder.poll(at, &mut into), None, "and no sooner");
        at = at + PROBE_PAUSE;
    }
    let length = responder.poll(at, &mut into).unwrap();
    assert!(responder.is_ours());
    assert_eq!(records(&into[..length]).len(), 5);
    assert_eq!(responder.next_deadline(), Some(at + ANNOUNCEMENT_PAUSE));
}

#[test]
fn the_address_is_told_to_the_group_once_a_second_and_to_one_alone_as_asked() {
    let mut responder = settled();
    let asked = question(&HOST, rtype::A, CLASS_IN);
    let (answer, to) = ask(&mut responder, &asked, NEIGHBOUR, seconds(10)).unwrap();
    assert_eq!(to, GROUP);
    assert_eq!(answer[..4], [0, 0, 0x84, 0]);
    assert_eq!(records(&answer), [(rtype::A, TTL_S, OURS.octets().to_vec())]);
    assert_eq!(ask(&mut responder, &asked, NEIGHBOUR, seconds(10)), None);
    assert!(ask(&mut responder, &asked, NEIGHBOUR, seconds(11)).is_some());
    let alone = question(&HOST, rtype::A, CLASS_IN | TOP_BIT);
    assert_eq!(
        ask(&mut responder, &alone, NEIGHBOUR, seconds(11)).unwrap().1,
        NEIGHBOUR
    );
}

#[test]
fn plain_dns_is_answered_as_plain_dns() {
    let mut responder = settled();
    let asked = question(&HOST, rtype::A, CLASS_IN);
    let (answer, to) = ask(&mut responder, &asked, DIG, seconds(10)).unwrap();
    assert_eq!(to, DIG);
    assert_eq!(answer[..2], [0x12, 0x34]);
    assert_eq!(answer[12..asked.len()], asked[12..]);
    assert_eq!(
        records(&answer),
        [(rtype::A, LEGACY_TTL_S, OURS.octets().to_vec())]
    );
}

#[test]
fn nothing_else_is_there_and_that_is_said() {
    let mut responder = settled();
    let asked = question(&HOST, rtype::AAAA, CLASS_IN);
    let (answer, _) = ask(&mut responder, &asked, NEIGHBOUR, seconds(10)).unwrap();
    let [(rtype::NSEC, _, data)] = &records(&answer)[..] else {
        panic!("{answer:?}");
    };
    assert!(data.ends_with(&[0, 1, 0x40]));
    let others = question(&["datalogger-7f3b", "local"], rtype::A, CLASS_IN);
    assert_eq!(ask(&mut responder, &others, NEIGHBOUR, seconds(20)), None);
}

#[test]
fn lists_of_services_show_it_with_all_that_is_needed_to_reach_it() {
    let mut responder = settled();
    let asked = question(&HTTP, rtype::PTR, CLASS_IN);
    let (answer, _) = ask(&mut responder, &asked, NEIGHBOUR, seconds(10)).unwrap();
    let kinds: std::vec::Vec<u16> = records(&answer).iter().map(|record| record.0).collect();
    assert_eq!(kinds, [rtype::PTR, rtype::SRV, rtype::TXT, rtype::A]);
    assert_eq!(answer[4..12], [0, 0, 0, 1, 0, 0, 0, 3]);
}

#[test]
fn what_the_asker_knows_is_left_out() {
    let mut responder = settled();
    let mut knows = question(&HOST, rtype::A, CLASS_IN);
    knows.extend(&claim(RESPONSE, &HOST, OURS)[12..]);
    knows[7] = 1;
    assert_eq!(ask(&mut responder, &knows, NEIGHBOUR, seconds(10)), None);
    let mut knows_old = question(&HOST, rtype::A, CLASS_IN);
    knows_old.extend(&claim(RESPONSE, &HOST, Ipv4Addr::new(10, 0, 0, 8))[12..]);
    knows_old[7] = 1;
    assert!(ask(&mut responder, &knows_old, NEIGHBOUR, seconds(10)).is_some());
}

#[test]
fn a_name_that_somebody_has_is_left_to_them() {
    let mut responder = Responder::new("datalogger-7f3a", OURS, Instant::BOOT);
    let theirs = claim(RESPONSE, &HOST, Ipv4Addr::new(10, 0, 0, 8));
    assert_eq!(ask(&mut responder, &theirs, DIG, seconds(1)), None);
    assert_eq!(
        responder.label(),
        "datalogger-7f3a",
        "only responders are believed"
    );
    ask(&mut responder, &theirs, NEIGHBOUR, seconds(1));
    assert_eq!(
        (responder.label(), responder.is_ours()),
        ("datalogger-7f3a-2", false)
    );
    assert_eq!(responder.next_deadline(), Some(seconds(1)));
}

#[test]
fn who_says_our_name_later_makes_us_ask_again_and_our_own_echo_does_not() {
    let mut responder = settled();
    ask(
        &mut responder,
        &claim(RESPONSE, &HOST, OURS),
        NEIGHBOUR,
        seconds(10),
    );
    assert!(responder.is_ours());
    ask(
        &mut responder,
        &claim(RESPONSE, &HOST, Ipv4Addr::new(10, 0, 0, 8)),
        NEIGHBOUR,
        seconds(10),
    );
    assert_eq!(
        (responder.label(), responder.is_ours()),
        ("datalogger-7f3a", false)
    );
}

#[test]
fn of_two_that_probe_at_once_the_later_address_goes_on() {
    for (theirs, next) in [(8, seconds(1) + TIE_PAUSE), (6, Instant::BOOT)] {
        let mut responder = Responder::new("datalogger-7f3a", OURS, Instant::BOOT);
        let rival = claim(0, &HOST, Ipv4Addr::new(10, 0, 0, theirs));
        ask(&mut responder, &rival, NEIGHBOUR, seconds(1));
        assert_eq!(responder.next_deadline(), Some(next));
    }
}

#[test]
fn names_that_go_in_circles_end() {
    let mut responder = settled();
    let mut asked = question(&HOST, rtype::A, CLASS_IN);
    asked.splice(12..28, [0xC0, 12]);
    assert_eq!(ask(&mut responder, &asked, NEIGHBOUR, seconds(10)), None);
    // Two questions, the second of which points into the first.
    let mut two = question(&["x", "local"], rtype::A, CLASS_IN);
    two.push(15);
    two.extend(b"datalogger-7f3a");
    two.extend([0xC0, 14, 0, 1, 0, 1]);
    two[5] = 2;
    assert!(ask(&mut responder, &two, NEIGHBOUR, seconds(10)).is_some());
}

proptest::proptest! {
    #[test]
    fn any_bytes_give_a_bounded_answer_or_none(
        bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..700),
        counts in (0_u8..4, 0_u8..4, 0_u8..4),
        head in 0_usize..4,
        port in proptest::bool::ANY,
    ) {
        let mut packet = match head {
            0 => std::vec::Vec::new(),
            1 => question(&HOST, rtype::ANY, CLASS_IN),
            2 => question(&HTTP, rtype::PTR, CLASS_IN),
            _ => claim(RESPONSE, &HOST, OURS),
        };
        packet.extend(&bytes);
        if packet.len() > 12 && head > 0 {
            packet[5] |= counts.0;
            packet[7] |= counts.1;
            packet[9] |= counts.2;
        }
        let from = if port { NEIGHBOUR } else { DIG };
        for mut responder in [settled(), Responder::new("datalogger-7f3a", OURS, Instant::BOOT)] {
            if let Some((answer, to)) = ask(&mut responder, &packet, from, seconds(10)) {
                proptest::prop_assert!(to == from || to == GROUP);
                proptest::prop_assert!(Reader::new(&answer).is_some());
            }
        }
    }
}
