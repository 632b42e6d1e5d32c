//! The traces, against the model of the server; `crates/server/tests/http/traces.rs` runs the same against the real one.

use sim::http::{HttpReply, HttpRequest};
use sim::server::{Served, Server};
use sim::traces::{self, Subject};
use wire::receipt::PublicKey;

const LOGGER: [u8; 16] = [0x11; 16];
const STRANGER: [u8; 16] = [0x22; 16];
const DAY_US: i64 = 24 * 3600 * 1_000_000;

struct Model {
    server: Server,
    /// Of Unix time.
    now_us: i64,
}

impl Subject for Model {
    fn ask(&mut self, request: &HttpRequest) -> Option<HttpReply> {
        match self.server.serve(request, self.now_us) {
            Served::Reply(reply) => Some(reply),
            Served::Broken | Served::Silent => None,
        }
    }

    fn token(&self, who: &str) -> String {
        format!("Bearer fpd_{who}")
    }

    fn device(&self, who: &str) -> [u8; 16] {
        match who {
            "stranger" => STRANGER,
            _ => LOGGER,
        }
    }

    fn keys(&mut self) -> Vec<PublicKey> {
        vec![self.server.public_key()]
    }

    fn let_days_pass(&mut self, days: u32) {
        self.now_us += i64::from(days) * DAY_US;
    }

    /// The model keeps nothing that a restart could lose.
    fn restart(&mut self) {}

    fn lose(&mut self, bytes: &[u8]) {
        self.server.lose(bytes);
    }
}

#[test]
fn the_model_answers_every_trace_as_it_says() {
    let traces = traces::all().unwrap();
    assert!(traces.len() >= 14, "{}", traces.len());
    let mut failures = Vec::new();
    for (name, trace) in traces {
        let mut server = Server::new(1).with_recordings_up_to(4 << 20);
        server.add_device("fpd_logger", LOGGER);
        server.add_device("fpd_stranger", STRANGER);
        // 2026-11-20 12:00 UTC
        let now_us = 1_795_176_000_000_000;
        if let Err(why) = traces::run(&trace, &mut Model { server, now_us }) {
            failures.push(format!("{name} ({}): {why}", trace.claim));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
