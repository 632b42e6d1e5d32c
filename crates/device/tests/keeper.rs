//! The settings in force: saved before they count, fetched from a server, told what became of them; cut anywhere.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test says what it expects by panicking"
)]

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use device::exchange::{ANSWER_BYTES_MAX, Body, Method, Response};
use device::link::Ssid;
use device::settings::desired::{BadDesired, DesiredReader};
use device::settings::{
    Address, BadConfigure, CannotOpen, CommandKind, Input, Keeper, LoadError, Output, Password, Refusal,
    SETTINGS_BYTES_MAX, Sealed, Settings, Unseal, Via,
};
use device::time::Instant;
use proptest::prelude::*;
use serde_json::{Value, json};

/// A box that is not locked, but only opens for the network that its tag names.
#[derive(Clone, Copy)]
struct Open;

impl Unseal for Open {
    fn open(&mut self, ssid: &Ssid, sealed: &Sealed<'_>) -> Result<heapless::Vec<u8, 64>, CannotOpen> {
        if Some(&sealed.tag[0]) != ssid.as_bytes().first() {
            return Err(CannotOpen);
        }
        Ok(heapless::Vec::from_slice(sealed.ciphertext).unwrap())
    }
}

fn boxed(ssid: &str, password: &str) -> String {
    let mut bytes = vec![1, 4];
    bytes.extend([7; 64 + 12]);
    bytes.extend(password.as_bytes());
    bytes.extend([ssid.as_bytes()[0]; 16]);
    URL_SAFE_NO_PAD.encode(bytes)
}

const COMMAND: &str = "01934567-89ab-7cde-8f01-23456789abcd";
const OTHER: &str = "01934567-89ab-7cde-8f01-23456789abce";

fn wish(version: u32) -> Value {
    json!({
        "version": version,
        "settings": {"rate_hz": 5, "led": "dark", "auto_sync": false, "x.y": 1.5},
        "track": {"id": null, "name": "Home", "gate": [[54.886, -2.271], [54.886, -2.2705]], "finish": null, "splits": []},
        "networks": {"add": [{"sealed": boxed("Paddock", "12345678"), "ssid": "Paddock"}], "forget": ["Old"]},
        "commands": [{"id": COMMAND, "kind": "identify", "expires_at": "2026-11-21T12:00:00Z"}],
    })
}

fn s(seconds: u64) -> Instant {
    Instant::from_secs(seconds)
}

struct Device {
    keeper: Keeper<Open>,
    flash: Option<Vec<u8>>,
    loaded: Result<(), LoadError>,
    now: Instant,
}

impl Device {
    fn start(flash: Option<Vec<u8>>) -> Self {
        let (keeper, loaded) = Keeper::new(flash.as_deref(), Open, Some([4; 65]));
        let mut device = Self {
            keeper,
            flash,
            loaded,
            now: s(0),
        };
        device.drain(true);
        device
    }

    /// Writes what is to be saved, where there is power enough for it, and gives out the rest.
    fn drain(&mut self, power: bool) -> Vec<Output> {
        let mut said = Vec::new();
        while let Some(output) = self.keeper.poll() {
            if output == Output::Save {
                if !power {
                    return said;
                }
                let mut buffer = [0; SETTINGS_BYTES_MAX];
                let length = self.keeper.encode(&mut buffer);
                self.flash = Some(buffer[..length].to_vec());
                self.keeper.handle(Input::Saved, self.now);
            } else {
                said.push(output);
            }
        }
        said
    }

    fn handle(&mut self, input: Input<'_>, now: Instant) -> Vec<Output> {
        self.now = now;
        self.keeper.handle(input, now);
        self.drain(true)
    }

    fn configure(&mut self, said: &Value) -> Vec<Output> {
        let json = said.to_string();
        let via = Via::Sealed;
        self.handle(
            Input::Configure {
                json: json.as_bytes(),
                via,
            },
            s(0),
        )
    }

    fn answer(&mut self, status: u16, body: &str, now: Instant) -> Vec<Output> {
        let response = Response {
            body: &body.as_bytes()[..body.len().min(ANSWER_BYTES_MAX)],
            ..Response::of(status)
        };
        self.handle(Input::Answer(&response), now)
    }

    /// What it asks now: the path, and the body of an acknowledgement.
    fn asks(&self) -> (String, Value) {
        let request = self.keeper.request().unwrap();
        match request.body {
            Body::Empty => {
                assert_eq!(request.method, Method::Get);
                (request.path.to_string(), Value::Null)
            }
            Body::Written(body) => {
                assert_eq!(request.method, Method::Post);
                (
                    request.path.to_string(),
                    serde_json::from_str(&body.to_string()).unwrap(),
                )
            }
            Body::Recording { .. } => panic!("settings send no recordings"),
        }
    }

    /// Hears of a version, fetches it, and is at the acknowledgement.
    fn fetch(&mut self, version: u32, document: &Value, now: Instant) -> Vec<Output> {
        self.handle(Input::Online, now);
        assert!(self.handle(Input::Wanted(version), now).contains(&Output::Send));
        assert_eq!(self.asks().0, "/api/v1/device/desired");
        self.answer(200, &document.to_string(), now)
    }
}

fn runs(said: &[Output]) -> Vec<CommandKind> {
    let mut kinds = Vec::new();
    for output in said {
        if let Output::Run(command) = output {
            kinds.push(command.kind);
        }
    }
    kinds
}

fn refusal(said: &[Output]) -> Option<&Refusal> {
    said.iter().find_map(|output| {
        if let Output::Refused(refusal) = output {
            Some(refusal)
        } else {
            None
        }
    })
}

#[test]
fn a_wish_is_applied_whole_saved_acknowledged_and_its_command_run_once() {
    let mut device = Device::start(None);
    device.configure(&json!({"ssid": "Old", "pass": "12345678"}));
    let said = device.fetch(7, &wish(7), s(10));
    assert!(said.contains(&Output::Changed) && said.contains(&Output::Send));
    assert_eq!(runs(&said), [CommandKind::Identify]);
    let settings = device.keeper.settings().clone();
    assert_eq!(
        (settings.gps_hz, settings.auto_sync, settings.desired_version),
        (5, false, 7)
    );
    assert_eq!(settings.track.as_ref().unwrap().name(), "Home");
    let names: Vec<&[u8]> = settings
        .networks
        .iter()
        .map(|network| network.ssid.as_bytes())
        .collect();
    assert_eq!(names, [b"Paddock"]);
    assert_eq!(
        settings.networks.iter().next().unwrap().password,
        Password::new(b"12345678").unwrap()
    );
    let (path, ack) = device.asks();
    assert_eq!(path, "/api/v1/device/desired/ack");
    assert_eq!(
        (&ack["version"], &ack["applied"], &ack["commands"]),
        (&json!(7), &json!(true), &json!([]))
    );
    assert_eq!(ack["seal_key"].as_str().unwrap().len(), 87);
    // The command ends while the acknowledgement is on its way: it is told in the next one.
    let id = device::settings::CommandId::parse(COMMAND).unwrap();
    device.handle(Input::Ended { id, done: true }, s(11));
    assert_eq!(device.asks().1, ack, "what is being sent stays the same");
    assert!(device.answer(200, "{}", s(11)).contains(&Output::Send));
    assert_eq!(
        device.asks().1["commands"],
        json!([{"id": COMMAND, "done": true}])
    );
    assert!(device.answer(200, "{}", s(12)).is_empty());
    assert!(device.keeper.request().is_none());
    assert!(
        device.handle(Input::Wanted(7), s(20)).is_empty(),
        "it is there already"
    );
}

#[test]
fn a_cut_before_it_is_saved_leaves_the_old_and_after_it_the_new() {
    let before = {
        let mut device = Device::start(None);
        device.configure(&json!({"ssid": "Old", "pass": "12345678", "token": "fpd_a"}));
        device
    };
    let (old, flash) = (before.keeper.settings().clone(), before.flash);
    let mut device = Device::start(flash.clone());
    device.handle(Input::Online, s(1));
    device.handle(Input::Wanted(7), s(1));
    let body = wish(7).to_string();
    let response = Response {
        body: body.as_bytes(),
        ..Response::of(200)
    };
    device.keeper.handle(Input::Answer(&response), s(1));
    assert_eq!(device.keeper.settings(), &old, "not in force before it is saved");
    let said = device.drain(false);
    assert!(said.is_empty(), "nothing begins before it is noted: {said:?}");
    assert_eq!(Device::start(device.flash).keeper.settings(), &old);
    // With power it is there after the next start, with its command noted: it was cut off, and is not begun again.
    let mut device = Device::start(flash);
    device.fetch(7, &wish(7), s(1));
    let mut again = Device::start(device.flash);
    assert_eq!(again.keeper.settings().desired_version, 7);
    let said = again.handle(Input::Online, s(1));
    assert!(runs(&said).is_empty());
    let (_, ack) = again.asks();
    assert_eq!((&ack["version"], &ack["applied"]), (&json!(7), &json!(true)));
    assert_eq!(ack["commands"], json!([{"id": COMMAND, "done": false}]));
    // The server gives it out once more with another version: still not begun again.
    again.answer(500, "", s(1));
    let next = again.keeper.next_deadline().unwrap();
    assert!(next >= s(6));
    assert!(again.handle(Input::Tick, s(5)).is_empty());
    assert!(again.handle(Input::Tick, next).contains(&Output::Send));
}

#[test]
fn a_command_that_is_given_out_again_with_a_later_version_is_not_begun_again() {
    let mut device = Device::start(None);
    assert_eq!(runs(&device.fetch(7, &wish(7), s(1))), [CommandKind::Identify]);
    device.answer(200, "{}", s(1));
    assert!(runs(&device.fetch(8, &wish(8), s(2))).is_empty());
    assert_eq!(device.keeper.settings().desired_version, 8);
    // Another one is.
    device.answer(200, "{}", s(2));
    let mut document = wish(9);
    document["commands"] = json!([{"id": COMMAND, "kind": "identify"}, {"id": OTHER, "kind": "sync"}]);
    assert_eq!(runs(&device.fetch(9, &document, s(3))), [CommandKind::Sync]);
}

#[test]
fn a_restart_happened_when_the_device_is_there_again() {
    let mut device = Device::start(None);
    let mut document = wish(3);
    document["commands"] = json!([{"id": COMMAND, "kind": "restart"}, {"id": OTHER, "kind": "dance"}]);
    let said = device.fetch(3, &document, s(1));
    assert_eq!(runs(&said), [CommandKind::Restart]);
    let mut device = Device::start(device.flash);
    assert!(runs(&device.handle(Input::Online, s(1))).is_empty());
    let (_, ack) = device.asks();
    assert_eq!(
        ack["commands"],
        json!([{"id": COMMAND, "done": true}, {"id": OTHER, "done": false}])
    );
}

#[test]
fn one_thing_wrong_and_nothing_is_applied_and_the_server_hears_why() {
    for (change, words) in [
        (json!({"settings": {"rate_hz": 1000}}), "`rate_hz`"),
        (json!({"track": {"name": "x"}}), "`gate`"),
        (json!({"version": "7"}), "version"),
        (json!({"version": 5_000_000_000_u64}), "version"),
        (
            json!({"networks": {"add": [{"ssid": "Paddock", "sealed": boxed("Other", "12345678")}]}}),
            "\"Paddock\"",
        ),
        (
            json!({"networks": {"add": [{"ssid": "Paddock", "sealed": boxed("Paddock", "short")}]}}),
            "\"Paddock\"",
        ),
        (
            json!({"networks": {"add": [{"ssid": "Paddock", "sealed": "Ag"}]}}),
            "version 2",
        ),
        (
            json!({"networks": {"add": [{"ssid": "Paddock", "sealed": "??"}]}}),
            "length",
        ),
        (json!({"networks": {"add": [{"ssid": "Paddock"}]}}), "sealed"),
        (
            json!({"networks": {"add": [{"ssid": "", "sealed": "AQ"}]}}),
            "1 to 32",
        ),
    ] {
        let mut device = Device::start(None);
        device.configure(&json!({"ssid": "Old", "pass": "12345678"}));
        let before = device.keeper.settings().clone();
        let flash = device.flash.clone();
        let mut document = wish(7);
        document
            .as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        let said = device.fetch(7, &document, s(1));
        let words_said = refusal(&said).unwrap().to_string();
        assert!(words_said.contains(words), "{change}: {words_said}");
        assert_eq!(device.keeper.settings(), &before);
        assert_eq!(device.flash, flash);
        let (_, ack) = device.asks();
        assert_eq!((&ack["version"], &ack["applied"]), (&json!(7), &json!(false)));
        assert!(ack["error"].as_str().unwrap().contains(words), "{ack}");
        // It is not fetched again and again; another version is.
        assert!(!device.answer(200, "{}", s(1)).contains(&Output::Send));
        assert!(device.handle(Input::Wanted(7), s(2)).is_empty());
        assert!(
            device.handle(Input::Wanted(6), s(3)).contains(&Output::Send),
            "an older one is another one too"
        );
    }
}

#[test]
fn an_answer_that_is_cut_or_none_is_not_half_applied() {
    let whole = wish(7).to_string();
    for cut in [0, 1, whole.len() / 2, whole.len() - 1] {
        let mut device = Device::start(None);
        let before = device.keeper.settings().clone();
        device.handle(Input::Online, s(1));
        device.handle(Input::Wanted(7), s(1));
        let said = device.answer(200, &whole[..cut], s(1));
        assert!(matches!(
            refusal(&said),
            Some(Refusal::Desired(7, BadDesired::Json(_)))
        ));
        assert_eq!(device.keeper.settings(), &before);
    }
    let mut long = wish(7);
    long["settings"] = json!({"note": "x".repeat(2000)});
    let mut device = Device::start(None);
    let said = device.fetch(7, &long, s(1));
    assert_eq!(refusal(&said), Some(&Refusal::Desired(7, BadDesired::TooLong)));
}

#[test]
fn flash_that_takes_nothing_leaves_everything_as_it_was() {
    let mut device = Device::start(None);
    device.handle(Input::Online, s(1));
    device.handle(Input::Wanted(7), s(1));
    let body = wish(7).to_string();
    let response = Response {
        body: body.as_bytes(),
        ..Response::of(200)
    };
    device.keeper.handle(Input::Answer(&response), s(1));
    assert_eq!(device.keeper.poll(), Some(Output::Save));
    // A phone in between is asked to come again.
    let json = br#"{"sync":true}"#;
    let via = Via::Clear;
    device.keeper.handle(Input::Configure { json, via }, s(1));
    assert_eq!(device.keeper.poll(), Some(Output::Refused(Refusal::Busy)));
    device.keeper.handle(Input::SaveFailed, s(1));
    let said = device.drain(true);
    assert_eq!(refusal(&said), Some(&Refusal::NotSaved));
    assert_eq!(device.keeper.settings().desired_version, 0);
    assert_eq!(device.asks().1["applied"], json!(false));
}

#[test]
fn what_a_newer_firmware_saved_is_left_alone_and_damage_begins_anew() {
    let mut device = Device::start(None);
    device.configure(&json!({"token": "fpd_a"}));
    let mut flash = device.flash.unwrap();
    let end = flash.len() - 4;
    flash[0] = 9;
    let crc = crc32fast::hash(&flash[..end]).to_be_bytes();
    flash[end..].copy_from_slice(&crc);
    let mut device = Device::start(Some(flash.clone()));
    assert_eq!(device.loaded, Err(LoadError::Newer(9)));
    let said = device.configure(&json!({"ssid": "New", "pass": "12345678"}));
    assert_eq!(refusal(&said), Some(&Refusal::Locked(LoadError::Newer(9))));
    device.handle(Input::Online, s(1));
    assert!(device.handle(Input::Wanted(7), s(1)).is_empty());
    assert_eq!(device.flash, Some(flash.clone()));
    flash[end] ^= 1;
    let device = Device::start(Some(flash));
    assert_eq!(device.loaded, Err(LoadError::Damaged));
    assert_eq!(device.keeper.settings(), &Settings::default());
    let mut device = device;
    device.configure(&json!({"ssid": "New", "pass": "12345678"}));
    let again = Device::start(device.flash);
    assert_eq!(
        (again.loaded, again.keeper.settings()),
        (Ok(()), device.keeper.settings())
    );
}

#[test]
fn a_phone_joins_syncs_and_sets_the_clock_and_joining_again_costs_no_flash() {
    let mut device = Device::start(None);
    let said =
        device.configure(&json!({"ssid": "Phone", "pass": "12345678", "sync": true, "time": 1_795_262_400}));
    let key = device.keeper.settings().networks.iter().next().unwrap().key;
    assert!(said.contains(&Output::Sync(Some(key))));
    assert!(!said.contains(&Output::Join(key)), "a search that ends sooner");
    assert!(
        said.iter()
            .any(|output| matches!(output, Output::Time(utc) if utc.0 == 1_795_262_400_000))
    );
    device.keeper.handle(Input::Joined(key), s(5));
    assert_eq!(
        device.keeper.poll(),
        Some(Output::Save),
        "the first time is worth knowing"
    );
    device.keeper.handle(Input::Saved, s(5));
    device.drain(true);
    device.keeper.handle(Input::Joined(key), s(500));
    assert_eq!(device.keeper.poll(), None);
    // The same again changes nothing and still does what it says.
    device.keeper.handle(
        Input::Configure {
            json: br#"{"ssid":"Phone","sync":true}"#,
            via: Via::Clear,
        },
        s(9),
    );
    assert_eq!(device.keeper.poll(), Some(Output::Sync(Some(key))));
    let said = device.configure(&json!({"sync": true}));
    assert_eq!(said, [Output::Sync(None)], "any network will do");
    let said = device.configure(&json!({"sync": false}));
    assert_eq!(said, [Output::StopSync]);
    let said = device.configure(&json!({"url": "http://localhost:8080"}));
    assert!(matches!(
        refusal(&said),
        Some(Refusal::Configure(BadConfigure::Url(_)))
    ));
}

#[test]
fn what_cannot_be_told_is_told_again_ever_more_slowly() {
    let mut device = Device::start(None);
    device.fetch(7, &wish(7), s(1));
    let mut now = s(1);
    let mut pauses = Vec::new();
    for _ in 0..8 {
        device.handle(Input::NoAnswer, now);
        let next = device.keeper.next_deadline().unwrap();
        pauses.push(next.since(now).as_secs());
        now = next;
        assert!(device.handle(Input::Tick, now).contains(&Output::Send));
    }
    assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 300, 300]);
    device.handle(Input::Offline, now);
    assert_eq!(device.keeper.next_deadline(), None);
    assert!(
        device.handle(Input::Online, now).contains(&Output::Send),
        "a new network is a new try"
    );
    // An acknowledgement that this server cannot read is dropped, and the device goes on.
    assert!(device.answer(422, "{}", now).is_empty());
    assert!(device.handle(Input::Wanted(8), now).contains(&Output::Send));
}

#[test]
fn a_form_of_the_own_page_is_taken_whole() {
    let mut device = Device::start(None);
    let form = device::portal::Submitted {
        ssid: Ssid::new(b"Home").unwrap(),
        password: Password::new(b"12345678").ok(),
        server: Address::parse("http://192.168.1.9:8080/").ok(),
        claim: Some("7KQ2-MX41".try_into().unwrap()),
    };
    let said = device.handle(Input::Form(&form), s(1));
    assert!(said.contains(&Output::Claim("7KQ2-MX41".try_into().unwrap())));
    let server = device.keeper.settings().server.clone().unwrap();
    assert_eq!(server.as_str(), "http://192.168.1.9:8080");
    let mut flash = device.flash.unwrap();
    let end = flash.len() - 4;
    flash[0] = 9;
    let crc = crc32fast::hash(&flash[..end]).to_be_bytes();
    flash[end..].copy_from_slice(&crc);
    let mut newer = Device::start(Some(flash));
    let said = newer.handle(Input::Form(&form), s(1));
    assert!(
        refusal(&said).is_some() && said.len() == 1,
        "no claim of a form that was refused"
    );
}

#[test]
fn the_keeper_is_small() {
    assert!(size_of::<Keeper<Open>>() <= 6144, "{}", size_of::<Keeper<Open>>());
}

proptest! {
    #[test]
    fn pieces_of_any_size_are_the_same_wish(cut in 0..900usize, other in 0..900usize) {
        let settings = Settings::default();
        let document = wish(7).to_string();
        let read = |cuts: &[usize]| {
            let mut open = Open;
            let mut reader = DesiredReader::new(&settings, &mut open);
            let mut from = 0;
            for to in cuts.iter().copied().chain([document.len()]) {
                let to = to.clamp(from, document.len());
                reader.feed(&document.as_bytes()[from..to])?;
                from = to;
            }
            reader.finish()
        };
        let whole = read(&[]);
        prop_assert!(whole.is_ok());
        prop_assert_eq!(read(&[cut.min(other), cut.max(other)]), whole);
    }

    #[test]
    fn any_answer_leaves_good_settings(bytes in proptest::collection::vec(any::<u8>(), 0..400), status in 200..600u16) {
        let mut device = Device::start(None);
        device.handle(Input::Online, s(1));
        device.handle(Input::Wanted(7), s(1));
        let response = Response { body: &bytes, ..Response::of(status) };
        device.handle(Input::Answer(&response), s(1));
        prop_assert_eq!(device.keeper.settings(), &Settings::default());
    }
}
