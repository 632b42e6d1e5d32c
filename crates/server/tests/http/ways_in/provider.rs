//! An OpenID Connect provider: discovery, keys and tokens, without anybody to ask.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openidconnect::PrivateSigningKey;
use openidconnect::core::{CoreEdDsaPrivateSigningKey, CoreJwsSigningAlgorithm};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub(super) const CLIENT: &str = "fieldpost-test";
/// An Ed25519 key in PKCS #8 whose seed is thirty-two ones.
const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB\n-----END PRIVATE KEY-----\n";

/// What the next token says, and what the code was asked for with.
#[derive(Default)]
struct Said {
    claims: Value,
    challenge: String,
    broken_signature: bool,
}

pub(super) struct Provider {
    pub(super) issuer: String,
    said: Arc<Mutex<Said>>,
}

impl Provider {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let said = Arc::new(Mutex::new(Said::default()));
        let (own, shared) = (issuer.clone(), said.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                serve(stream.unwrap(), &own, &shared.lock().unwrap());
            }
        });
        Self { issuer, said }
    }

    /// Somebody signs in there who was sent with these parameters; the token will say that it is `subject` with `email`.
    pub(super) fn signs_in(&self, sent_to: &str, subject: &str, email: &str) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let mut said = self.said.lock().unwrap();
        said.challenge = parameter(sent_to, "code_challenge");
        said.broken_signature = false;
        said.claims = json!({
            "iss": self.issuer, "aud": CLIENT, "sub": subject, "iat": now, "exp": now + 300,
            "nonce": parameter(sent_to, "nonce"), "email": email, "email_verified": true,
        });
    }

    pub(super) fn claim(&self, name: &str, value: Value) {
        self.said.lock().unwrap().claims[name] = value;
    }

    pub(super) fn break_signature(&self) {
        self.said.lock().unwrap().broken_signature = true;
    }
}

/// One of the parameters of an address; none of ours needs unescaping.
pub(super) fn parameter(url: &str, name: &str) -> String {
    let (_, query) = url.split_once('?').unwrap();
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(found, _)| *found == name).unwrap().1.to_owned()
}

fn serve(mut stream: TcpStream, issuer: &str, said: &Said) {
    let (path, body) = request(&stream);
    let answer = match path.as_str() {
        "/.well-known/openid-configuration" => json!({
            "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"), "jwks_uri": format!("{issuer}/keys"),
            "response_types_supported": ["code"], "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["EdDSA"],
        }),
        "/keys" => json!({ "keys": [key().as_verification_key()] }),
        "/token" => tokens(&body, said),
        other => panic!("{other}"),
    };
    let status = if answer.get("error").is_some() {
        "400 Bad Request"
    } else {
        "200 OK"
    };
    let body = answer.to_string();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).unwrap();
}

fn request(stream: &TcpStream) -> (String, String) {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first).unwrap();
    let path = first.split(' ').nth(1).unwrap().to_owned();
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    (path, String::from_utf8(body).unwrap())
}

fn tokens(body: &str, said: &Said) -> Value {
    let verifier = parameter(&format!("?{body}"), "code_verifier");
    let proven = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)) == said.challenge;
    if parameter(&format!("?{body}"), "code") != "good" || !proven {
        return json!({ "error": "invalid_grant" });
    }
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!(
        "{}.{}",
        part(&json!({ "alg": "EdDSA", "kid": "k" })),
        part(&said.claims)
    );
    let message = if said.broken_signature {
        "something else"
    } else {
        &signed
    };
    let signature = key()
        .sign(&CoreJwsSigningAlgorithm::EdDsa, message.as_bytes())
        .unwrap();
    let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature));
    json!({ "access_token": "unused", "token_type": "Bearer", "id_token": token })
}

fn key() -> CoreEdDsaPrivateSigningKey {
    let id = openidconnect::JsonWebKeyId::new("k".to_owned());
    CoreEdDsaPrivateSigningKey::from_ed25519_pem(KEY, Some(id)).unwrap()
}
