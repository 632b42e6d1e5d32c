//! The page in a network that the device joined, found by Avahi and read by `curl`.

use std::process::{Child, Command, Stdio};

use crate::space::{CODE, STATION, Space, recording, wait_for};

const NAME: &str = "datalogger-7f3a.local";

/// A bus and an Avahi of the home network alone.
struct Avahi<'a> {
    space: &'a Space,
    bus: String,
    running: Vec<Child>,
}

impl<'a> Avahi<'a> {
    fn start(space: &'a Space) -> Self {
        let file = |name: &str| space.folder().join(name).display().to_string();
        let bus = format!("unix:path={}", file("bus"));
        let kinds = ["method_call", "method_return", "error", "signal"];
        let allowed: String = kinds
            .iter()
            .map(|kind| format!("<allow send_type=\"{kind}\"/><allow receive_type=\"{kind}\"/>"))
            .collect();
        let config = format!(
            "<busconfig><type>system</type><listen>{bus}</listen><auth>EXTERNAL</auth><policy context=\"default\"><allow user=\"*\"/>\
             <allow own=\"*\"/>{allowed}</policy></busconfig>"
        );
        std::fs::write(file("bus.conf"), config).unwrap();
        std::fs::write(
            file("avahi.conf"),
            "[server]\nuse-ipv4=yes\nuse-ipv6=no\nallow-interfaces=home0\n[publish]\npublish-workstation=no\n",
        )
        .unwrap();
        let mut avahi = Self {
            space,
            bus,
            running: Vec::new(),
        };
        avahi.run(&format!(
            "exec dbus-daemon --nofork --nopidfile --config-file={}",
            file("bus.conf")
        ));
        wait_for("the bus", || space.folder().join("bus").exists().then_some(()));
        // Its process file and socket have fixed places, so it is given a folder of its own there.
        avahi.run(&format!(
            "mkdir -p /run/avahi-daemon && mount -t tmpfs tmpfs /run/avahi-daemon && \
             exec avahi-daemon --no-drop-root --no-chroot --no-rlimits -f {}",
            file("avahi.conf")
        ));
        avahi
    }

    fn run(&mut self, script: &str) {
        let mut command = self.space.command("home", &["sh", "-c", script]);
        command.env("DBUS_SYSTEM_BUS_ADDRESS", &self.bus);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        self.running.push(command.spawn().unwrap());
    }

    fn ask(&self, program: &[&str]) -> Option<String> {
        let mut command = self.space.command("home", program);
        let output = command
            .env("DBUS_SYSTEM_BUS_ADDRESS", &self.bus)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.success() && !said.is_empty()).then_some(said)
    }
}

impl Drop for Avahi<'_> {
    fn drop(&mut self) {
        for process in &mut self.running {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

fn curl(space: &Space, who: &str, args: &[&str]) -> Command {
    let mut command = space.command(who, &["curl", "-s", "-m", "20"]);
    command.args(args);
    command
}

fn status(space: &Space, who: &str, args: &[&str]) -> String {
    let mut command = curl(space, who, &["-o", "/dev/null", "-w", "%{http_code}"]);
    let output = command.args(args).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

fn body(space: &Space, who: &str, args: &[&str]) -> Vec<u8> {
    let output = curl(space, who, &["-f"]).args(args).output().unwrap();
    assert!(output.status.success(), "{args:?}: {:?}", output.status);
    output.stdout
}

/// Reads the recordings of a device that is at `address` for `who`.
fn reads(space: &Space, who: &str, address: &str) {
    let url = |path: &str| format!("http://{address}{path}");
    let small = CODE.to_lowercase().replace('-', "");
    let with_code = ["--digest", "-u", &format!(":{CODE}")].map(str::to_owned);
    let with = |more: &[&str]| -> Vec<u8> {
        let mut args: Vec<&str> = with_code.iter().map(String::as_str).collect();
        args.extend(more);
        body(space, who, &args)
    };
    let third = url("/recordings/sess_000003.csv");
    assert_eq!(status(space, who, &[&url("/status")]), "200");
    for path in [
        "/recordings",
        "/recordings/sess_000003.csv",
        "/recordings/sess_000009.csv",
    ] {
        assert_eq!(status(space, who, &[&url(path)]), "401", "{path}");
        assert_eq!(
            status(space, who, &["--digest", "-u", "me:0000000000000000", &url(path)]),
            "401",
            "{path}"
        );
        assert_eq!(
            status(space, who, &["-u", &format!("me:{CODE}"), &url(path)]),
            "401",
            "{path}: not in clear"
        );
    }
    assert_eq!(
        status(space, who, &["--digest", "-u", &format!("me:{small}"), &third]),
        "200"
    );
    let list = String::from_utf8(with(&[&url("/recordings")])).unwrap();
    assert_eq!(list.matches("href=/recordings/sess_").count(), 3, "{list}");
    for (number, bytes) in [(1, 0), (2, 700), (3, 3_000_000)] {
        let read = with(&[&url(&format!("/recordings/sess_{number:06}.csv"))]);
        assert!(
            read == recording(number, bytes),
            "recording {number}: {} bytes of {bytes}",
            read.len()
        );
    }
    let part = with(&["-r", "2999000-", &third]);
    assert!(part == recording(3, 3_000_000)[2_999_000..]);
    // As it goes on after a break.
    let file = space.folder().join("partial");
    std::fs::write(&file, &recording(3, 3_000_000)[..1_234_567]).unwrap();
    with(&["-C", "-", "-o", &file.display().to_string(), &third]);
    assert!(std::fs::read(&file).unwrap() == recording(3, 3_000_000));
    assert_eq!(
        status(
            space,
            who,
            &[
                "--digest",
                "-u",
                &format!(":{CODE}"),
                &url("/recordings/sess_000009.csv")
            ]
        ),
        "404"
    );
}

#[test]
#[ignore = "needs root and network namespaces: run by cargo xtask test"]
fn a_laptop_in_the_same_network_finds_the_device_and_reads_its_recordings() {
    let space = Space::new(false, true);
    let avahi = Avahi::start(&space);
    let found = wait_for("avahi-resolve", || {
        avahi.ask(&["avahi-resolve", "-4", "-n", NAME])
    });
    assert_eq!(found.split_whitespace().collect::<Vec<_>>(), [NAME, STATION]);
    let listed = wait_for("avahi-browse", || {
        let said = avahi.ask(&["avahi-browse", "-r", "-t", "-p", "_http._tcp"])?;
        said.lines().find(|line| line.starts_with('=')).map(str::to_owned)
    });
    assert!(listed.contains(&format!(";{NAME};{STATION};80;")), "{listed}");
    // Asked as plain DNS. To the group `dig` cannot: it takes answers only from the address that it asked.
    let dug = space.ok(
        "home",
        &["dig", "+short", &format!("@{STATION}"), "-p", "5353", NAME],
    );
    assert_eq!(dug.trim(), STATION);
    reads(&space, "home", STATION);
    let by_name = ["--resolve", &format!("{NAME}:80:{STATION}")].map(str::to_owned);
    let asked = |url: &str| status(&space, "home", &[&by_name[0], &by_name[1], url]);
    assert_eq!(asked(&format!("http://{NAME}/")), "200");
    let stranger = format!("evil.example:80:{STATION}");
    assert_eq!(
        status(
            &space,
            "home",
            &["--resolve", &stranger, "http://evil.example/status"]
        ),
        "421"
    );
    assert_eq!(
        status(
            &space,
            "home",
            &["-d", "ssid=x", &format!("http://{STATION}/save")]
        ),
        "403"
    );
}

#[test]
#[ignore = "needs root and network namespaces: run by cargo xtask test"]
fn with_both_networks_at_once_recordings_are_read_from_either_side() {
    let space = Space::new(true, true);
    space.join();
    reads(&space, "phone", "4.3.2.1");
    reads(&space, "home", STATION);
    // The networks stay apart: no form where the setup code was not needed to get in.
    let form =
        |who, address: &str| String::from_utf8(body(&space, who, &[&format!("http://{address}/")])).unwrap();
    assert!(form("phone", "4.3.2.1").contains("action=/save"));
    assert!(!form("home", STATION).contains("action=/save"));
    // Wrong codes end with a pause, for the one that tries.
    let guess = |who, address: &str| {
        status(
            &space,
            who,
            &[
                "--digest",
                "-u",
                "me:0000000000000000",
                &format!("http://{address}/recordings"),
            ],
        )
    };
    let tries: Vec<String> = (0..10).map(|_| guess("phone", "4.3.2.1")).collect();
    assert_eq!(tries.last().map(String::as_str), Some("429"), "{tries:?}");
    assert_eq!(guess("home", STATION), "401");
}
