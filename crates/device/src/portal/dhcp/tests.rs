use super::*;

extern crate std;

const NOW: Instant = Instant::from_secs(100);
const PHONE: Mac = [0x02, 0x11, 0x22, 0x33, 0x44, 0x55];

fn packet(kind: u8, mac: Mac, has: Ipv4Addr, options: &[(u8, &[u8])]) -> std::vec::Vec<u8> {
    let mut bytes = std::vec![0; OPTIONS_AT];
    bytes[..3].copy_from_slice(&[1, 1, 6]);
    bytes[4..8].copy_from_slice(&[9, 8, 7, 6]);
    bytes[12..16].copy_from_slice(&has.octets());
    bytes[28..34].copy_from_slice(&mac);
    bytes[236..240].copy_from_slice(&COOKIE);
    bytes.extend([option::PAD, 53, 1, kind]);
    for (code, value) in options {
        bytes.extend([*code, u8::try_from(value.len()).unwrap()]);
        bytes.extend(*value);
    }
    bytes.push(option::END);
    bytes
}

fn discover(server: &mut Server, mac: Mac) -> Option<Ipv4Addr> {
    let reply = server.handle(&packet(kind::DISCOVER, mac, Ipv4Addr::UNSPECIFIED, &[]), NOW)?;
    assert_eq!(kind_of(&reply), kind::OFFER);
    Some(yours(&reply))
}

fn request(server: &mut Server, mac: Mac, wanted: Ipv4Addr, now: Instant) -> Option<Reply> {
    let options: [(u8, &[u8]); 2] = [(50, &wanted.octets()), (54, &ADDRESS.octets())];
    server.handle(&packet(kind::REQUEST, mac, Ipv4Addr::UNSPECIFIED, &options), now)
}

fn join(server: &mut Server, mac: Mac) -> Ipv4Addr {
    let offered = discover(server, mac).unwrap();
    let reply = request(server, mac, offered, NOW).unwrap();
    assert_eq!((kind_of(&reply), yours(&reply)), (kind::ACK, offered));
    offered
}

fn kind_of(reply: &Reply) -> u8 {
    option_of(reply, 53).unwrap()[0]
}

fn yours(reply: &Reply) -> Ipv4Addr {
    four(&reply.bytes[16..20]).unwrap()
}

fn option_of(reply: &Reply, code: u8) -> Option<std::vec::Vec<u8>> {
    let mut rest = &reply.bytes[OPTIONS_AT..];
    while rest[0] != option::END {
        let (value, after) = rest[2..].split_at(usize::from(rest[1]));
        if rest[0] == code {
            return Some(value.to_vec());
        }
        rest = after;
    }
    None
}

#[test]
fn a_client_gets_an_address_a_way_out_and_us_for_names() {
    let mut server = Server::new();
    let offered = discover(&mut server, PHONE).unwrap();
    let reply = request(&mut server, PHONE, offered, NOW).unwrap();
    assert_eq!(reply.to, Ipv4Addr::BROADCAST);
    assert_eq!(reply.bytes[4..8], [9, 8, 7, 6]);
    assert_eq!(option_of(&reply, 1).unwrap(), [255, 255, 255, 0]);
    for who in [3, 6, 54] {
        assert_eq!(option_of(&reply, who).unwrap(), [4, 3, 2, 1]);
    }
    assert_eq!(option_of(&reply, 51).unwrap(), 900_u32.to_be_bytes());
    assert_eq!(option_of(&reply, 114), None);
}

#[test]
fn everybody_has_the_same_address_after_a_restart_whoever_comes_first() {
    let macs: std::vec::Vec<Mac> = (0..8).map(|n| [0x02, 0, 0, 0, 0, n]).collect();
    let mut first = Server::new();
    let before: std::vec::Vec<_> = macs.iter().map(|&mac| join(&mut first, mac)).collect();
    let mut second = Server::new();
    for (mac, address) in macs.iter().zip(&before).rev() {
        assert_eq!(discover(&mut second, *mac), Some(*address));
        // What a phone does that was not away: it goes on by what it has.
        let reply = second
            .handle(&packet(kind::REQUEST, *mac, *address, &[]), NOW)
            .unwrap();
        assert_eq!(
            (kind_of(&reply), yours(&reply), reply.to),
            (kind::ACK, *address, *address)
        );
    }
}

#[test]
fn renewing_keeps_a_lease_that_would_have_run_out() {
    let mut server = Server::new();
    let address = join(&mut server, PHONE);
    let later = NOW + LEASE - Duration::from_secs(1);
    let reply = server
        .handle(&packet(kind::REQUEST, PHONE, address, &[]), later)
        .unwrap();
    assert_eq!(kind_of(&reply), kind::ACK);
    let other = [0x02, 9, 9, 9, 9, 9];
    let after_the_first = NOW + LEASE + Duration::from_secs(1);
    assert_eq!(
        kind_of(&request(&mut server, other, address, after_the_first).unwrap()),
        kind::NAK
    );
    assert_eq!(
        kind_of(&request(&mut server, other, address, later + LEASE).unwrap()),
        kind::ACK
    );
}

#[test]
fn addresses_of_elsewhere_and_of_others_are_refused_so_that_the_client_asks_again() {
    let mut server = Server::new();
    let taken = join(&mut server, PHONE);
    let other = [0x02, 9, 9, 9, 9, 9];
    for wanted in [
        taken,
        Ipv4Addr::new(192, 168, 1, 20),
        ADDRESS,
        Ipv4Addr::new(4, 3, 2, 255),
    ] {
        let reply = request(&mut server, other, wanted, NOW).unwrap();
        assert_eq!(
            (kind_of(&reply), yours(&reply), reply.to),
            (kind::NAK, Ipv4Addr::UNSPECIFIED, Ipv4Addr::BROADCAST)
        );
    }
}

#[test]
fn what_goes_to_another_server_is_not_answered() {
    let mut server = Server::new();
    let options: [(u8, &[u8]); 2] = [(50, &[4, 3, 2, 20]), (54, &[10, 0, 0, 1])];
    let theirs = packet(kind::REQUEST, PHONE, Ipv4Addr::UNSPECIFIED, &options);
    assert_eq!(server.handle(&theirs, NOW), None);
}

#[test]
fn a_released_address_is_free_and_a_declined_one_rests() {
    let mut server = Server::new();
    let address = join(&mut server, PHONE);
    let other = [0x02, 9, 9, 9, 9, 9];
    assert_eq!(
        server.handle(&packet(kind::RELEASE, other, address, &[]), NOW),
        None
    );
    assert_eq!(
        kind_of(&request(&mut server, other, address, NOW).unwrap()),
        kind::NAK
    );
    server.handle(&packet(kind::RELEASE, PHONE, address, &[]), NOW);
    assert_eq!(
        kind_of(&request(&mut server, other, address, NOW).unwrap()),
        kind::ACK
    );
    let option: [(u8, &[u8]); 1] = [(50, &address.octets())];
    server.handle(&packet(kind::DECLINE, other, Ipv4Addr::UNSPECIFIED, &option), NOW);
    assert_eq!(
        kind_of(&request(&mut server, other, address, NOW).unwrap()),
        kind::NAK
    );
    assert_ne!(discover(&mut server, PHONE), Some(address));
    let rested = NOW + AVOIDED_FOR;
    assert_eq!(
        kind_of(&request(&mut server, other, address, rested).unwrap()),
        kind::ACK
    );
}

#[test]
fn a_full_table_makes_room_by_leases_that_ran_out_only() {
    let mut server = Server::new();
    let guests = u8::try_from(LEASES_MAX).unwrap();
    let given: std::collections::BTreeSet<_> = (0..guests)
        .map(|n| join(&mut server, [0x02, 0, 0, 0, 1, n]))
        .collect();
    assert_eq!(given.len(), LEASES_MAX, "no two share one");
    assert_eq!(discover(&mut server, PHONE), None);
    let later = NOW + LEASE;
    let asks = packet(kind::DISCOVER, PHONE, Ipv4Addr::UNSPECIFIED, &[]);
    let offered = yours(&server.handle(&asks, later).unwrap());
    assert_eq!(
        kind_of(&request(&mut server, PHONE, offered, later).unwrap()),
        kind::ACK
    );
}

#[test]
fn a_host_name_in_no_known_encoding_and_a_missing_end_are_taken() {
    let mut server = Server::new();
    let mut asks = packet(
        kind::DISCOVER,
        PHONE,
        Ipv4Addr::UNSPECIFIED,
        &[(12, b"J\xFCrgen-PC"), (6, &[1, 2, 3])],
    );
    asks.pop();
    assert!(server.handle(&asks, NOW).is_some());
    asks.push(50);
    assert_eq!(server.handle(&asks, NOW), None, "an option that is cut off");
}

#[test]
fn who_only_wants_to_know_gets_no_lease() {
    let mut server = Server::new();
    let has = Ipv4Addr::new(4, 3, 2, 77);
    let reply = server
        .handle(&packet(kind::INFORM, PHONE, has, &[]), NOW)
        .unwrap();
    assert_eq!(
        (kind_of(&reply), yours(&reply), reply.to),
        (kind::ACK, Ipv4Addr::UNSPECIFIED, has)
    );
    assert_eq!(option_of(&reply, 51), None);
    assert!(server.leases.is_empty());
}

proptest::proptest! {
    #[test]
    fn any_bytes_give_a_bounded_answer_or_none(
        bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..600),
        options in proptest::collection::vec(proptest::num::u8::ANY, 0..80),
        kind in 0_u8..10,
    ) {
        let mut server = Server::new();
        server.handle(&bytes, NOW);
        let mut almost = packet(kind, PHONE, Ipv4Addr::UNSPECIFIED, &[]);
        almost.pop();
        almost.extend(options);
        if let Some(reply) = server.handle(&almost, NOW) {
            let given = yours(&reply);
            proptest::prop_assert!(given.is_unspecified() || host(given).is_some());
        }
    }

    #[test]
    fn no_two_ever_hold_one_address(steps in proptest::collection::vec((0_u8..24, 0_u8..5, 0_u64..1200), 1..120)) {
        let mut server = Server::new();
        let mut now = NOW;
        for (client, act, seconds) in steps {
            now = now + Duration::from_secs(seconds);
            let mac = [0x02, 0, 0, 0, 2, client];
            let held = server.leases.iter().find(|lease| lease.mac == mac).map(|lease| address(lease.host));
            let asks = packet(kind::DISCOVER, mac, Ipv4Addr::UNSPECIFIED, &[]);
            match (act, held) {
                (0, Some(held)) => { server.handle(&packet(kind::RELEASE, mac, held, &[]), now); }
                (1, Some(held)) => {
                    let option: [(u8, &[u8]); 1] = [(50, &held.octets())];
                    server.handle(&packet(kind::DECLINE, mac, Ipv4Addr::UNSPECIFIED, &option), now);
                }
                _ => if let Some(offer) = server.handle(&asks, now) {
                    let reply = request(&mut server, mac, yours(&offer), now);
                    proptest::prop_assert_eq!(kind_of(&reply.unwrap()), kind::ACK);
                }
            }
            let mut held: std::vec::Vec<u8> = server.leases.iter().filter(|lease| lease.until > now).map(|lease| lease.host).collect();
            let all = held.len();
            held.sort_unstable();
            held.dedup();
            proptest::prop_assert_eq!(held.len(), all);
        }
    }
}
