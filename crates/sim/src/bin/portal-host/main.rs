//! The portal of a device on real sockets of Linux: ports 53, 67, 80 and 5353 of one or two interfaces.
//!
//! `portal-host recordings=DIR [ap=INTERFACE] [station=INTERFACE,ADDRESS] [code=SETUP-CODE] [secret=NUMBER]`
//!
//! Everything that is answered comes from `device::portal`; here are only sockets, files for the card, and a [`link`] that makes believe to join. It
//! is one loop, as on a device, and belongs into a network namespace of its own: it takes the ports as they are. What people send with the form goes to
//! standard output, a line each.

mod link;
mod shelf;
mod side;
mod visitor;

use std::io::Write;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant as Clock};

use device::link::{Security, Seen, Ssid};
use device::portal::http::Side;
use device::portal::{ADDRESS, Activity, Identity, Site, Status};
use device::settings::Password;
use device::setup_code::SetupCode;
use device::time::Instant;

use link::Link;
use shelf::Shelf;
use side::{Interface, Serving};

type Failure = Box<dyn std::error::Error>;

/// How long the loop sleeps when nothing moved.
const PAUSE: Duration = Duration::from_millis(1);
const LABEL: &str = "datalogger-7f3a";

struct Args {
    recordings: PathBuf,
    code: SetupCode,
    secret: [u8; 32],
    interfaces: Vec<Interface>,
}

fn main() -> ExitCode {
    match Args::parse(std::env::args().skip(1)).and_then(|args| serve(&args)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "portal-host: {error}");
            ExitCode::FAILURE
        }
    }
}

impl Args {
    fn parse(given: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mut args = Self {
            recordings: PathBuf::new(),
            code: SetupCode::parse("0123456789ABCDEF").ok_or("the code of the simulator is none")?,
            secret: [0; 32],
            interfaces: Vec::new(),
        };
        for argument in given {
            let (name, value) = argument
                .split_once('=')
                .ok_or_else(|| format!("{argument}: name=value is expected"))?;
            match name {
                "recordings" => args.recordings = PathBuf::from(value),
                "code" => args.code = SetupCode::parse(value).ok_or("that is no setup code")?,
                "secret" => args.secret[..8].copy_from_slice(&value.parse::<u64>()?.to_be_bytes()),
                "ap" => args.interfaces.push(Interface {
                    name: value.to_owned(),
                    side: Side::AccessPoint,
                    address: ADDRESS,
                }),
                "station" => {
                    let (name, address) = value
                        .split_once(',')
                        .ok_or("station=INTERFACE,ADDRESS is expected")?;
                    args.interfaces.push(Interface {
                        name: name.to_owned(),
                        side: Side::Station,
                        address: address.parse()?,
                    });
                }
                _ => return Err(format!("{name} is not known").into()),
            }
        }
        Ok(args)
    }

    fn station(&self) -> Option<Ipv4Addr> {
        let station = self
            .interfaces
            .iter()
            .find(|interface| interface.side == Side::Station);
        station.map(|interface| interface.address)
    }
}

fn text<const N: usize>(text: &str) -> Result<heapless::String<N>, Failure> {
    heapless::String::try_from(text).map_err(|_| format!("{text} is too long").into())
}

fn seen(name: &str, rssi_dbm: i8, security: Security) -> Result<Seen, Failure> {
    Ok(Seen {
        ssid: Ssid::new(name.as_bytes()).ok_or("a name is too long")?,
        rssi_dbm,
        security,
        channel: 6,
    })
}

/// In clear: whoever runs this wants to see it.
fn shown(password: &Password) -> String {
    match password {
        Password::Open => "open".to_owned(),
        Password::Passphrase(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Password::Key(_) => "key".to_owned(),
    }
}

fn site(args: &Args, shelf: &Shelf) -> Result<Site, Failure> {
    let identity = Identity {
        name: text("RS-Core 7F3A")?,
        access_point: text("Datalogger-7F3A")?,
        label: text(LABEL)?,
        firmware: text("simulator")?,
    };
    let mut site = Site::new(identity, args.code.clone(), args.secret);
    site.set_networks(&[
        seen("Zoë’s iPhone", -48, Security::Password)?,
        seen("Paddock 5", -63, Security::Password)?,
        seen("Cafe <Boxenstopp> & Bar", -70, Security::Open)?,
        seen("TIMING-CREW-5GHZ-do-not-connect!", -81, Security::Other)?,
    ]);
    site.set_status(Status {
        activity: Activity::Idle,
        recordings: shelf.count(),
        waiting: shelf.count(),
        battery_percent: Some(78),
    });
    Ok(site)
}

fn serve(args: &Args) -> Result<(), Failure> {
    let shelf = Shelf::open(&args.recordings)?;
    let mut site = site(args, &shelf)?;
    let mut link = Link::new(args.station());
    let started = Clock::now();
    let now = || Instant::from_micros(u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX));
    let mut serving = Vec::new();
    for interface in &args.interfaces {
        serving.push(Serving::open(interface, LABEL, now())?);
    }
    let mut out = std::io::stdout();
    writeln!(out, "ready")?;
    loop {
        let mut moved = false;
        for side in &mut serving {
            moved |= side.turn(&mut site, &shelf, now())?;
        }
        if let Some(submitted) = site.poll() {
            writeln!(
                out,
                "submitted ssid={} password={} url={} claim={}",
                String::from_utf8_lossy(submitted.ssid.as_bytes()),
                submitted.password.as_ref().map_or("-".to_owned(), shown),
                submitted
                    .server
                    .as_ref()
                    .map_or("-", |server| server.url.as_str()),
                submitted.claim.as_deref().unwrap_or("-"),
            )?;
            link.join(submitted, now());
        }
        if let Some(outcome) = link.turn(now()) {
            site.set_outcome(outcome);
        }
        if !moved {
            std::thread::sleep(PAUSE);
        }
    }
}
