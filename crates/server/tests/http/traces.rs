//! The traces that hold the simulator's model of this server to the server itself.

use std::io::Write;
use std::net::Shutdown;
use std::time::Duration;

use sim::http::{HttpReply, HttpRequest};
use sim::traces::{self, Subject};
use uuid::Uuid;
use wire::receipt::PublicKey;

use crate::support::{OWNER, Reply, Site, read_reply};

const DAY: Duration = Duration::from_secs(24 * 3600);

struct Real {
    site: Site,
    logger: (String, String),
    stranger: (String, String),
}

impl Real {
    fn new() -> Self {
        let site = Site::owned();
        Self {
            logger: site.add_device(OWNER, "Logger"),
            stranger: site.add_device(OWNER, "Stranger"),
            site,
        }
    }

    fn who(&self, who: &str) -> &(String, String) {
        match who {
            "logger" => &self.logger,
            "stranger" => &self.stranger,
            other => panic!("{other} has no device"),
        }
    }
}

impl Subject for Real {
    fn ask(&mut self, request: &HttpRequest) -> Option<HttpReply> {
        let mut head = format!(
            "{} {} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n",
            request.method, request.path
        );
        for (name, value) in &request.headers {
            head += &format!("{name}: {value}\r\n");
        }
        let mut stream = self.site.connect();
        let whole = [format!("{head}\r\n").as_bytes(), &request.body].concat();
        // The server may answer and close before it has read everything.
        let _ = stream.write_all(&whole);
        if request.is_whole() {
            return Some(as_reply(read_reply(&mut stream)));
        }
        // A device that breaks off hears nothing; the test waits until the server has noticed.
        stream.shutdown(Shutdown::Write).unwrap();
        read_reply(&mut stream);
        None
    }

    fn token(&self, who: &str) -> String {
        self.who(who).1.clone()
    }

    fn device(&self, who: &str) -> [u8; 16] {
        self.who(who).0.parse::<Uuid>().unwrap().into_bytes()
    }

    fn keys(&mut self) -> Vec<PublicKey> {
        let known = self.site.get("/.well-known/fieldpost", &[]).json();
        let keys = known["keys"].as_array().unwrap();
        keys.iter()
            .map(|key| PublicKey::from_text(key["public_key"].as_str().unwrap()).unwrap())
            .collect()
    }

    fn let_days_pass(&mut self, days: u32) {
        self.site.advance(DAY * days);
    }

    fn restart(&mut self) {
        self.site.stop();
        self.site.start();
    }

    fn lose(&mut self, bytes: &[u8]) {
        let raw = self.site.folder.path().join("raw");
        let teams = std::fs::read_dir(raw).unwrap();
        let objects = teams.flat_map(|team| std::fs::read_dir(team.unwrap().path()).unwrap());
        for object in objects {
            let path = object.unwrap().path();
            if std::fs::read(&path).unwrap() == bytes {
                std::fs::remove_file(path).unwrap();
            }
        }
    }
}

fn as_reply(reply: Reply) -> HttpReply {
    HttpReply {
        status: reply.status,
        headers: reply.headers,
        body: reply.body,
    }
}

#[test]
fn the_server_answers_every_trace_as_its_model_does() {
    let mut failures = Vec::new();
    let traces = traces::all().unwrap();
    assert!(traces.len() >= 14, "{}", traces.len());
    for (name, trace) in traces {
        if let Err(why) = traces::run(&trace, &mut Real::new()) {
            failures.push(format!("{name} ({}): {why}", trace.claim));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
