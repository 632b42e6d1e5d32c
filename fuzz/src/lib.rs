//! The bodies of the fuzz targets, as plain functions that the ordinary tests call with the committed corpora.
//!
//! A target panics when something that must hold for any bytes does not. Whether the answer is right is a question for
//! the tests of the code itself.

pub mod analysis;
pub mod formats;
pub mod heartbeats;
pub mod multipart;
pub mod on_device;
pub mod pictures;
pub mod receipts;
pub mod texts;
pub mod tus;
pub mod upload;
mod witness;

/// A name in `fuzz_targets` and in `corpus`, and what it calls.
pub struct Target {
    pub name: &'static str,
    pub run: fn(&[u8]),
}

/// Every target.
pub const TARGETS: [Target; 29] = [
    Target {
        name: "detect",
        run: formats::detect,
    },
    Target {
        name: "own_csv",
        run: formats::own_csv,
    },
    Target {
        name: "own_csv_old",
        run: formats::own_csv_old,
    },
    Target {
        name: "vbo",
        run: formats::vbo,
    },
    Target {
        name: "racechrono_csv",
        run: formats::racechrono_csv,
    },
    Target {
        name: "racecapture",
        run: formats::racecapture,
    },
    Target {
        name: "nmea",
        run: formats::nmea,
    },
    Target {
        name: "ubx",
        run: formats::ubx,
    },
    Target {
        name: "racebox_csv",
        run: formats::racebox_csv,
    },
    Target {
        name: "trackaddict",
        run: formats::trackaddict,
    },
    Target {
        name: "aim_csv",
        run: formats::aim_csv,
    },
    Target {
        name: "gpx",
        run: formats::gpx,
    },
    Target {
        name: "dovex",
        run: formats::dovex,
    },
    Target {
        name: "gate_text",
        run: texts::gate,
    },
    Target {
        name: "recording_blocks",
        run: texts::blocks,
    },
    Target {
        name: "analysis",
        run: analysis::drive,
    },
    Target {
        name: "json_body",
        run: upload::json_body,
    },
    Target {
        name: "jpeg",
        run: pictures::jpeg,
    },
    Target {
        name: "receipt",
        run: receipts::receipt,
    },
    Target {
        name: "tus_headers",
        run: tus::headers,
    },
    Target {
        name: "heartbeats",
        run: heartbeats::heartbeats,
    },
    Target {
        name: "multipart",
        run: multipart::multipart,
    },
    Target {
        name: "portal_http",
        run: on_device::portal::http,
    },
    Target {
        name: "portal_dhcp",
        run: on_device::names::dhcp,
    },
    Target {
        name: "portal_dns",
        run: on_device::names::dns,
    },
    Target {
        name: "device_answer",
        run: on_device::answers::answer,
    },
    Target {
        name: "settings_blob",
        run: on_device::settings::blob,
    },
    Target {
        name: "receiver",
        run: on_device::receiver::receiver,
    },
    Target {
        name: "card_image",
        run: on_device::card::image,
    },
];
