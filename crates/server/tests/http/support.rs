//! A server on a folder of its own with a clock that only moves when told, and a client that writes bytes as given.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::Value;
use server::Running;
use server::auth::admin::{self, AdminError};
use server::auth::secret::Password;
use server::backend::{Backend, Environment};
use server::clock::{Clock, Ids};
use server::config::Config;
use server::durable::{Durable, RealFs};
use server::jobs::{Analyze, analyze_with_telemetry};
use server::store::UserId;
use server::store::accounts::Role;
use server::store::ingest_keys::For;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::engine;

pub(crate) const OWNER: &str = "owner@example.org";
pub(crate) const PASSWORD: &str = "paddock-17-gate";
pub(crate) const UPLOAD_MAX_BYTES: u64 = 4 << 20;

pub(crate) struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::SeqCst)).unwrap()
    }

    fn steady(&self) -> Duration {
        Duration::from_secs(u64::try_from(self.0.load(Ordering::SeqCst)).unwrap())
    }
}

pub(crate) struct Site {
    pub folder: TempDir,
    clock: Arc<TestClock>,
    pub(crate) runtime: Runtime,
    running: Option<Running>,
    config: Config,
    analyze: Arc<Analyze>,
    fs: Arc<dyn Durable>,
}

impl Site {
    /// A fresh server without an owner.
    pub(crate) fn fresh() -> Self {
        Self::with(|_| {})
    }

    /// A fresh server with other settings.
    pub(crate) fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::prepared(change, Arc::new(analyze_with_telemetry), Arc::new(RealFs))
    }

    /// A server of [`OWNER`] with an analysis of the test's own.
    pub(crate) fn analysing_with(analyze: Arc<Analyze>) -> Self {
        let site = Self::prepared(|_| {}, analyze, Arc::new(RealFs));
        site.add_user(OWNER, Role::Owner);
        site
    }

    /// A fresh server on another file system, with an analysis of the test's own.
    pub(crate) fn on(fs: Arc<dyn Durable>, analyze: Arc<Analyze>) -> Self {
        Self::prepared(|_| {}, analyze, fs)
    }

    fn prepared(change: impl FnOnce(&mut Config), analyze: Arc<Analyze>, fs: Arc<dyn Durable>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::local(folder.path());
        config.upload_max_bytes = UPLOAD_MAX_BYTES;
        change(&mut config);
        // 2026-11-20 12:00 UTC
        let clock = Arc::new(TestClock(AtomicI64::new(1_795_176_000)));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let mut site = Self {
            folder,
            clock,
            runtime,
            running: None,
            config,
            analyze,
            fs,
        };
        site.start();
        site
    }

    /// A server whose owner is [`OWNER`].
    pub(crate) fn owned() -> Self {
        let site = Self::fresh();
        site.add_user(OWNER, Role::Owner);
        site
    }

    pub(crate) fn start(&mut self) {
        let environment = Environment {
            fs: self.fs.clone(),
            clock: self.clock.clone(),
            ids: Arc::new(Ids::from_system()),
            analyze: self.analyze.clone(),
            commit_hook: None,
        };
        let (folder, config) = (self.folder.path(), &self.config);
        self.running = Some(self.runtime.block_on(async {
            let backend = Backend::open_in(engine::database(folder).await, folder, config, environment)
                .await
                .unwrap();
            Running::start_on(backend, config).await.unwrap()
        }));
    }

    pub(crate) fn stop(&mut self) {
        let running = self.running.take().unwrap();
        self.runtime.block_on(running.stop());
    }

    /// Begins to stop; the server ends when its requests have.
    pub(crate) fn stopping(&mut self) -> tokio::task::JoinHandle<()> {
        self.runtime.spawn(self.running.take().unwrap().stop())
    }

    pub(crate) fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.clock
            .0
            .fetch_add(i64::try_from(by.as_secs()).unwrap(), Ordering::SeqCst);
    }

    pub(crate) fn running(&self) -> &Running {
        self.running.as_ref().unwrap()
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.running().addr
    }

    pub(crate) fn setup_token(&self) -> String {
        let link = self.running().setup_link.as_ref().unwrap();
        link.split_once("/setup#").unwrap().1.to_owned()
    }

    pub(crate) fn add_user(&self, email: &str, role: Role) {
        self.try_add_user(email, role, None).unwrap();
    }

    pub(crate) fn try_add_user(
        &self,
        email: &str,
        role: Role,
        team_of: Option<&str>,
    ) -> Result<UserId, AdminError> {
        let password = Password::new(PASSWORD);
        self.wait(admin::create_user(
            self.running().store(),
            email,
            password,
            role,
            team_of,
        ))
    }

    /// A device of the user's team: its id and an `Authorization` value.
    pub(crate) fn add_device(&self, email: &str, name: &str) -> (String, String) {
        let adding = admin::create_device(self.running().store(), email, name, None);
        let (id, token) = self.wait(adding).unwrap();
        (id.to_string(), format!("Bearer {}", token.expose()))
    }

    /// An ingest key in the user's team: its id, its device's, and the beginning of a path with it.
    pub(crate) fn add_ingest_key(&self, email: &str, whose: For) -> (String, Option<String>, String) {
        let adding = admin::create_ingest_key(self.running().store(), email, whose);
        let (made, key) = self.wait(adding).unwrap();
        let device = made.device_id.map(|id| id.to_string());
        (made.id.to_string(), device, format!("/i/{}", key.expose()))
    }

    /// Signs in and gives the cookie as it goes into a request.
    pub(crate) fn sign_in(&self, email: &str) -> String {
        let body = serde_json::json!({ "email": email, "password": PASSWORD }).to_string();
        let reply = self.post_json("/api/v1/session-cookie/login", &[], &body);
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.cookie()
    }

    pub(crate) fn get(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        self.send("GET", path, headers, b"")
    }

    pub(crate) fn post_json(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let mut all = vec![("content-type", "application/json")];
        all.extend_from_slice(headers);
        self.send("POST", path, &all, body.as_bytes())
    }

    pub(crate) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n",
            self.addr()
        );
        if method != "GET" {
            head += &format!("Content-Length: {}\r\n", body.len());
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        self.exchange(&[format!("{head}\r\n").as_bytes(), body].concat())
    }

    /// Sends exactly these bytes and reads to the end of the answer.
    pub(crate) fn exchange(&self, request: &[u8]) -> Reply {
        let mut stream = self.connect();
        // The server may answer and close before it has read everything.
        let _ = stream.write_all(request);
        read_reply(&mut stream)
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.addr()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
        stream
    }

    /// Uploads a raw body under a name and gives the answer.
    pub(crate) fn upload(&self, who: (&str, &str), name: &str, body: &[u8]) -> Value {
        let reply = self.send("POST", &format!("/api/upload?filename={name}"), &[who], body);
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    }

    /// The session once its analysis is through.
    pub(crate) fn analysed(&self, who: (&str, &str), session_id: &str) -> Value {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let session = self.get(&format!("/api/v1/sessions/{session_id}"), &[who]).json();
            match session["status"].as_str().unwrap() {
                "ready" | "failed" => return session,
                status => assert!(Instant::now() < deadline, "still {status}"),
            }
        }
    }
}

pub(crate) fn read_reply(stream: &mut TcpStream) -> Reply {
    let mut bytes = Vec::new();
    let mut piece = [0; 16 * 1024];
    while let Ok(count) = stream.read(&mut piece) {
        bytes.extend_from_slice(&piece[..count]);
        if count == 0 || Reply::parse(&bytes).is_some_and(|reply| reply.is_whole()) {
            break;
        }
    }
    Reply::parse(&bytes).unwrap_or_else(|| panic!("no answer: {:?}", String::from_utf8_lossy(&bytes)))
}

#[derive(Debug)]
pub(crate) struct Reply {
    pub status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&bytes[..end]).ok()?;
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let headers = lines.filter_map(|line| line.split_once(": "));
        let headers = headers
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        Some(Self {
            status,
            headers,
            body: bytes[end + 4..].to_vec(),
        })
    }

    fn is_whole(&self) -> bool {
        let length = self
            .header("content-length")
            .and_then(|text| text.parse::<usize>().ok());
        matches!(self.status, 100 | 204 | 304) || length.is_some_and(|length| self.body.len() >= length)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// All values of a header.
    pub(crate) fn headers(&self, name: &str) -> Vec<&str> {
        let of_name = self.headers.iter().filter(|(known, _)| known == name);
        of_name.map(|(_, value)| value.as_str()).collect()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.text()))
    }

    pub(crate) fn error_code(&self) -> String {
        self.json()["error"]["code"]
            .as_str()
            .unwrap_or_else(|| panic!("no code: {}", self.text()))
            .to_owned()
    }

    /// `name=value` of the cookie that was set.
    pub(crate) fn cookie(&self) -> String {
        self.header("set-cookie")
            .unwrap()
            .split(';')
            .next()
            .unwrap()
            .to_owned()
    }
}
