//! A mail server that takes everything and hands it over.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::time::Duration;

/// A mail as it came: whom it is to, and its text.
pub(super) struct Mail {
    pub(super) to: String,
    pub(super) text: String,
}

pub(super) struct MailServer {
    pub(super) url: String,
    mails: mpsc::Receiver<Mail>,
}

impl MailServer {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let (sender, mails) = mpsc::channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let sender = sender.clone();
                std::thread::spawn(move || talk(stream.unwrap(), &sender));
            }
        });
        Self { url, mails }
    }

    pub(super) fn next(&self) -> Mail {
        self.mails.recv_timeout(Duration::from_secs(30)).unwrap()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.mails.try_recv().is_err()
    }
}

/// One connection, as RFC 5321 has it at its shortest.
fn talk(mut stream: TcpStream, sender: &mpsc::Sender<Mail>) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let mut to = String::new();
    stream.write_all(b"220 here\r\n").unwrap();
    while let Some(Ok(line)) = lines.next() {
        let verb = line.get(..4).unwrap_or("").to_ascii_uppercase();
        let answer: &[u8] = match verb.as_str() {
            "DATA" => {
                stream.write_all(b"354 go on\r\n").unwrap();
                let body = lines.by_ref().map(Result::unwrap).take_while(|line| line != ".");
                let text = body.collect::<Vec<_>>().join("\n");
                sender.send(Mail { to: to.clone(), text }).unwrap();
                b"250 taken\r\n"
            }
            "RCPT" => {
                to = line.split(['<', '>']).nth(1).unwrap_or("").to_owned();
                b"250 yes\r\n"
            }
            "QUIT" => b"221 bye\r\n",
            _ => b"250 yes\r\n",
        };
        if stream.write_all(answer).is_err() || verb == "QUIT" {
            return;
        }
    }
}
