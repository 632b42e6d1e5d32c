//! A device and the phones and laptops around it, as namespaces with virtual cables between them.
//!
//! ```text
//! phone ── wlan0 ═══ ap0 ── device ── sta0 ═══ home0 ── home
//!          by DHCP   4.3.2.1          10.77.0.2   10.77.0.1
//! ```

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

pub(crate) const CODE: &str = "7F3A-00CD-EFGH-JKMN";
pub(crate) const STATION: &str = "10.77.0.2";
/// For what takes a second.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Space {
    tag: String,
    folder: PathBuf,
    station: bool,
    own_network: bool,
    host: Option<Host>,
}

struct Host {
    process: Child,
    lines: Receiver<String>,
}

impl Space {
    /// With the device's own network, or a station, or both. The device is on.
    pub(crate) fn new(own_network: bool, station: bool) -> Self {
        let tag = format!("fp{}", std::process::id());
        let folder = std::env::temp_dir().join(&tag);
        let mut space = Self {
            tag,
            folder,
            station,
            own_network,
            host: None,
        };
        space.build();
        space.power_on(1);
        space
    }

    fn build(&self) {
        std::fs::create_dir_all(self.recordings()).unwrap();
        for (number, bytes) in [(1, 0), (2, 700), (3, 3_000_000)] {
            std::fs::write(
                self.recordings().join(format!("sess_{number:06}.csv")),
                recording(number, bytes),
            )
            .unwrap();
        }
        for who in ["device", "phone", "home"] {
            ip(&["netns", "add", &self.name(who)]);
            self.ok(who, &["ip", "link", "set", "lo", "up"]);
        }
        let cable = |one: (&str, &str), other: (&str, &str)| {
            let (near, far) = (self.name(one.0), self.name(other.0));
            ip(&[
                "link", "add", one.1, "netns", &near, "type", "veth", "peer", "name", other.1, "netns", &far,
            ]);
            for (who, interface) in [one, other] {
                self.ok(who, &["ip", "link", "set", interface, "up"]);
            }
        };
        // The programs of a namespace find their name server in a file of their own; the lease is tested to say the same.
        let etc = PathBuf::from("/etc/netns").join(self.name("phone"));
        std::fs::create_dir_all(&etc).unwrap();
        std::fs::write(etc.join("resolv.conf"), "nameserver 4.3.2.1\n").unwrap();
        if self.own_network {
            cable(("device", "ap0"), ("phone", "wlan0"));
            self.ok("device", &["ip", "address", "add", "4.3.2.1/24", "dev", "ap0"]);
            self.ok(
                "device",
                &["ip", "address", "add", "192.168.4.1/24", "dev", "ap0"],
            );
        }
        if self.station {
            cable(("device", "sta0"), ("home", "home0"));
            self.ok(
                "device",
                &["ip", "address", "add", &format!("{STATION}/24"), "dev", "sta0"],
            );
            self.ok("home", &["ip", "address", "add", "10.77.0.1/24", "dev", "home0"]);
        }
    }

    /// `secret` stands for the random numbers of this start.
    pub(crate) fn power_on(&mut self, secret: u32) {
        let mut command = self.command("device", &[env!("CARGO_BIN_EXE_portal-host")]);
        command.arg(format!("recordings={}", self.recordings().display()));
        command.args([format!("code={CODE}"), format!("secret={secret}")]);
        if self.own_network {
            command.arg("ap=ap0");
        }
        if self.station {
            command.arg(format!("station=sta0,{STATION}"));
        }
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = lines_of(&mut process);
        assert_eq!(lines.recv_timeout(PATIENCE).as_deref(), Ok("ready"));
        self.host = Some(Host { process, lines });
    }

    pub(crate) fn power_off(&mut self) {
        let mut host = self.host.take().expect("it is on");
        host.process.kill().unwrap();
        host.process.wait().unwrap();
    }

    /// What the device said since it was asked last.
    pub(crate) fn said(&self) -> Vec<String> {
        self.host.as_ref().expect("it is on").lines.try_iter().collect()
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn recordings(&self) -> PathBuf {
        self.folder.join("recordings")
    }

    fn name(&self, who: &str) -> String {
        format!("{}-{who}", self.tag)
    }

    pub(crate) fn command(&self, who: &str, program: &[&str]) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name(who)]).args(program);
        command
    }

    /// Runs a program to its end.
    pub(crate) fn run(&self, who: &str, program: &[&str]) -> Output {
        self.command(who, program).output().unwrap()
    }

    /// Its standard output, of a program that succeeds.
    pub(crate) fn ok(&self, who: &str, program: &[&str]) -> String {
        let output = self.run(who, program);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program:?}: {said}{complaint}");
        said
    }

    /// Joins the device's network as a phone does; the address that it got.
    pub(crate) fn join(&self) -> String {
        let lease = self.lease(&["-q", "-n"]);
        lease.get("ip").to_owned()
    }

    /// Runs `udhcpc` to its end.
    pub(crate) fn lease(&self, more: &[&str]) -> Lease {
        let log = self.folder.join("lease");
        let _ = std::fs::remove_file(&log);
        let script = self.script(&log);
        let mut program = vec!["udhcpc", "-f", "-i", "wlan0", "-t", "5", "-T", "1", "-s", &script];
        program.extend(more);
        self.ok("phone", &program);
        Lease::last(&log, "bound").expect("a lease")
    }

    /// What `udhcpc` calls when something changed: sets the address up and writes down what it was told.
    pub(crate) fn script(&self, log: &Path) -> String {
        let path = self.folder.join("on-lease");
        let text = format!(
            "#!/bin/sh\ncase $1 in bound|renew) ip address flush dev $interface; ip address add $ip/$mask dev $interface\n\
             ip route replace default via $router;; esac\n\
             echo \"event=$1 ip=$ip mask=$mask router=$router dns=$dns lease=$lease server=$serverid opt114=$opt114\" >> {}\n",
            log.display()
        );
        std::fs::write(&path, text).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&path, mode).unwrap();
        path.display().to_string()
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        if self.host.is_some() {
            self.power_off();
        }
        for who in ["device", "phone", "home"] {
            let _ = Command::new("ip")
                .args(["netns", "delete", &self.name(who)])
                .status();
        }
        let _ = std::fs::remove_dir_all(PathBuf::from("/etc/netns").join(self.name("phone")));
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// What a client wrote down of its lease.
pub(crate) struct Lease(String);

impl Lease {
    pub(crate) fn last(log: &Path, event: &str) -> Option<Self> {
        let text = std::fs::read_to_string(log).ok()?;
        let line = text
            .lines()
            .rfind(|line| line.contains(&format!("event={event} ")))?;
        Some(Self(line.to_owned()))
    }

    pub(crate) fn get(&self, name: &str) -> &str {
        let value = self
            .0
            .split(' ')
            .find_map(|field| field.strip_prefix(name)?.strip_prefix('='));
        value.unwrap_or_else(|| panic!("no {name} in {}", self.0))
    }
}

/// Bytes that are nowhere the same twice.
pub(crate) fn recording(number: u32, bytes: usize) -> Vec<u8> {
    let mut state = number.wrapping_mul(0x9E37_79B9) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[1]
    };
    std::iter::repeat_with(next).take(bytes).collect()
}

fn ip(args: &[&str]) {
    let output = Command::new("ip").args(args).output().expect("ip, of iproute2");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "ip {args:?}: {complaint} (this test needs root)"
    );
}

fn lines_of(process: &mut Child) -> Receiver<String> {
    let (send, lines) = channel();
    let out = process.stdout.take().unwrap();
    std::thread::spawn(move || {
        for line in BufReader::new(out).lines() {
            let Ok(line) = line else { return };
            if send.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// Asks until there is an answer.
pub(crate) fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begin.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
