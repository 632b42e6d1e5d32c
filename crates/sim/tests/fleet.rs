//! A fleet over real sockets, against the model of our server.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what it expects by panicking"
)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use sha2::{Digest, Sha256};
use sim::fleet::{Deed, Faults, Fleet, Kind, Report, Role, Said, Setup};
use sim::http::{HttpReply, HttpRequest};
use sim::server::{Served, Server};

const SPEED: f64 = 150.0;
const BEGAN_UTC_MS: i64 = 1_795_305_600_000;

#[test]
fn a_harsh_fleet_delivers_everything_once_the_world_is_good() {
    let (address, server) = serve(Server::new(7));
    let setup = setup(address, &server, Faults::Harsh, Duration::from_secs(4));
    let devices_number = setup.roles.len();
    let (deeds, reports) = lived(setup);
    assert_eq!(reports.len(), devices_number);
    let server = server.lock().unwrap();
    let mut figures = sim::fleet::Figures::default();
    let mut devices = BTreeSet::new();
    for report in &reports {
        assert_eq!(report.violations, Vec::<String>::new());
        devices.insert(&report.device);
        figures += report.figures;
        for held in &report.held {
            let is_there = server.recordings().any(|stored| {
                let digest: [u8; 32] = Sha256::digest(stored.bytes.as_ref().unwrap()).into();
                stored.name == held.name
                    && hex(&stored.device) == held.device.replace('-', "")
                    && hex(&digest) == held.sha256
            });
            assert!(is_there, "{held:?}");
        }
    }
    assert_eq!(devices.len(), reports.len(), "each is a device of its own");
    assert!(reports.iter().map(|report| report.held.len()).sum::<usize>() > reports.len());
    assert!(figures.power_cuts > 0 && figures.networks_lost > 0, "{figures:?}");
    assert!(figures.answers_lost > 0 && figures.cut_in_body > 0, "{figures:?}");
    for wanted in [Deed::PowerOff, Deed::NetworkGone, Deed::Online, Deed::GoodTimes] {
        assert!(deeds.contains(&wanted), "{wanted:?}");
    }
}

#[test]
fn a_server_that_forges_receipts_is_told_on() {
    let mut forger = Server::new(7);
    forger.always = Some(sim::server::Fault::Receipt(sim::server::Forgery::OtherServer));
    let (address, server) = serve(forger);
    let setup = Setup {
        patience: Duration::from_secs(1),
        ..setup(address, &server, Faults::None, Duration::from_secs(2))
    };
    let (_, reports) = lived(setup);
    let said: Vec<String> = reports.into_iter().flat_map(|report| report.violations).collect();
    let said = said.join("\n");
    assert!(said.contains("does not verify"), "{said}");
    assert!(said.contains("not everything was delivered"), "{said}");
}

#[test]
fn a_fleet_ends_when_nobody_listens() {
    let (address, server) = serve(Server::new(7));
    let setup = setup(address, &server, Faults::Mild, Duration::from_secs(3600));
    let fleet = Fleet::launch(setup).unwrap();
    fleet.news.recv().unwrap();
    assert_eq!(fleet.join(), 0);
}

fn setup(address: SocketAddr, server: &Mutex<Server>, faults: Faults, rough: Duration) -> Setup {
    let role = |(place, kind)| Role::draw(3, place, kind, faults, rough.mul_f64(SPEED));
    Setup {
        address,
        host: address.to_string(),
        base: "/i/fpi_fleet".to_owned(),
        server_keys: vec![server.lock().unwrap().public_key().to_string()],
        roles: (0..)
            .zip([Kind::Race, Kind::Camera, Kind::Race, Kind::Uptime, Kind::Race])
            .map(role)
            .collect(),
        faults,
        speed: SPEED,
        patience: Duration::from_secs(60),
        began_utc_ms: BEGAN_UTC_MS,
    }
}

fn lived(setup: Setup) -> (Vec<Deed>, Vec<Report>) {
    let fleet = Fleet::launch(setup).unwrap();
    let (mut deeds, mut reports) = (Vec::new(), Vec::new());
    for news in &fleet.news {
        match news.said {
            Said::Did(deed) => deeds.push(deed),
            Said::Ended(report) => reports.push(*report),
            Said::Born(_) | Said::Stands(_) => {}
        }
    }
    assert_eq!(fleet.join(), 0);
    (deeds, reports)
}

/// Puts the model behind a socket. Its tokens stand in for a fleet's key: a device that names itself is known.
fn serve(server: Server) -> (SocketAddr, Arc<Mutex<Server>>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let server = Arc::new(Mutex::new(server));
    let shared = Arc::clone(&server);
    // It ends with the test's process.
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let server = Arc::clone(&shared);
            thread::spawn(move || converse(stream, &server));
        }
    });
    (address, server)
}

/// `None` as soon as the other side is gone.
fn converse(mut stream: TcpStream, server: &Mutex<Server>) -> Option<()> {
    let mut read = Vec::new();
    loop {
        let request = request(&mut stream, &mut read)?;
        let mut server = server.lock().unwrap();
        let device = request.header("x-device").unwrap().replace('-', "");
        let id = u128::from_str_radix(&device, 16).unwrap().to_be_bytes();
        server.add_device(&device, id);
        let served = server.serve(&as_holder_of(&device, request), BEGAN_UTC_MS * 1000);
        drop(server);
        let Served::Reply(reply) = served else {
            return None;
        };
        stream.write_all(&written(&reply)).ok()?;
    }
}

fn as_holder_of(token: &str, mut request: HttpRequest) -> HttpRequest {
    request.path = request.path.strip_prefix("/i/fpi_fleet").unwrap().to_owned();
    request
        .headers
        .push(("authorization".to_owned(), format!("Bearer {token}")));
    request
}

/// Of a body that breaks off, what came.
fn request(stream: &mut TcpStream, read: &mut Vec<u8>) -> Option<HttpRequest> {
    let head = loop {
        if let Some(at) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        more(stream, read)?;
    };
    let text = String::from_utf8(read.drain(..head + 4).collect()).unwrap();
    let mut lines = text.lines();
    let mut first = lines.next()?.split(' ').map(str::to_owned);
    let (method, path) = (first.next()?, first.next()?);
    let headers = lines.filter_map(|line| line.split_once(": "));
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
    let mut request = HttpRequest {
        method,
        path,
        headers: headers.collect(),
        body: Vec::new(),
    };
    let length = usize::try_from(request.length()?).unwrap();
    while read.len() < length && more(stream, read).is_some() {}
    let arrived = read.len().min(length);
    request.body = read.drain(..arrived).collect();
    Some(request)
}

fn more(stream: &mut TcpStream, read: &mut Vec<u8>) -> Option<()> {
    let mut piece = [0; 16 * 1024];
    let count = stream.read(&mut piece).ok().filter(|count| *count > 0)?;
    read.extend_from_slice(&piece[..count]);
    Some(())
}

fn written(reply: &HttpReply) -> Vec<u8> {
    let mut head = format!(
        "HTTP/1.1 {} Said\r\nContent-Length: {}\r\n",
        reply.status,
        reply.body.len()
    );
    for (name, value) in &reply.headers {
        write!(head, "{name}: {value}\r\n").unwrap();
    }
    [head.as_bytes(), b"\r\n", &reply.body].concat()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
