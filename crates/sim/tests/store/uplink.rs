//! The server that a life hands its recordings to, through the device's own machines.

use device::confirm::{Asked, Confirm, Epoch, Input as Question, Output as Said};
use device::exchange::{Body, Request};
use device::offload::{Input, LedgerStep, Offload, Output, Surroundings};
use device::outbox::{Number, State as Progress, Step};
use device::settings::AfterReceipt;
use device::time::Instant;
use sim::http::{HttpReply, HttpRequest};
use sim::server::{Served, Server};
use wire::receipt::TrustedKeys;

use crate::life::{DEVICE, Disk};

const TOKEN: &str = "fpd_life";
const NOW_US: i64 = 1_795_176_000_000_000;
const CLAIM: u32 = 0;

pub(crate) struct Uplink {
    pub(crate) server: Server,
    keys: TrustedKeys,
}

impl Uplink {
    pub(crate) fn new() -> Self {
        let mut server = Server::new(7);
        server.add_device(TOKEN, DEVICE);
        let keys = TrustedKeys::new(server.public_key(), None);
        Self { server, keys }
    }

    /// Hands over what may be offered, and says each step that the ledger took.
    pub(crate) async fn hand_over(
        &mut self,
        store: &mut Disk,
        after: AfterReceipt,
        mut reached: impl FnMut(Number, Progress),
    ) {
        let (mut offload, mut now) = (Offload::new(7), Instant::BOOT);
        let keys = self.keys;
        let around = Surroundings {
            keys: &keys,
            device: DEVICE,
            claim: CLAIM,
        };
        offload.handle(Input::Wanted(true), now, &around);
        offload.handle(Input::Online(true), now, &around);
        loop {
            let Some(output) = offload.poll() else {
                if store.survey(CLAIM).is_none() {
                    return;
                }
                now = offload.next_deadline().expect("it waits for something");
                offload.handle(Input::Tick, now, &around);
                continue;
            };
            match output {
                Output::Survey { claim } => {
                    offload.handle(Input::Surveyed(store.survey(claim)), now, &around);
                }
                Output::Next { claim, after, last } => {
                    let candidate = store.candidate(claim, after, last).await.unwrap();
                    offload.handle(Input::Candidate(candidate), now, &around);
                }
                Output::Send => {
                    let reply = self.exchange(&offload.request().unwrap(), store).await;
                    offload.handle(Input::Answer(&reply.for_device()), now, &around);
                }
                Output::Ledger(LedgerStep::Receipted(proof)) => {
                    let entry = store.receive(&proof, after).await.unwrap();
                    reached(entry.number, entry.state);
                }
                Output::Ledger(LedgerStep::Offered(number)) => {
                    store.advance(number, Step::Offer).await.unwrap();
                    reached(number, Progress::Offered);
                }
                Output::Ledger(LedgerStep::Quarantined(..)) | Output::Abandon => panic!("{output:?}"),
                Output::Status(_) => {}
            }
        }
    }

    /// What the server says of these, and of its storage.
    pub(crate) fn confirm(&mut self, asked: &[Asked], known: Option<Epoch>) -> Vec<Said> {
        let (mut confirm, now) = (Confirm::new(), Instant::BOOT);
        confirm.handle(Question::Ask(asked, known), now);
        let mut said = Vec::new();
        loop {
            let output = confirm.poll().expect("a server that is well answers at once");
            if output == Said::Done {
                return said;
            }
            if output == Said::Send {
                let request = HttpRequest::of_device(&confirm.request().unwrap(), TOKEN, |_, _, _| None);
                let reply = self.serve(&request.unwrap());
                confirm.handle(Question::Answer(&reply.for_device()), now);
            } else {
                said.push(output);
            }
        }
    }

    async fn exchange(&mut self, request: &Request<'_>, store: &mut Disk) -> HttpReply {
        let mut body = Vec::new();
        if let Body::Recording {
            number,
            offset,
            bytes,
        } = request.body
        {
            body.resize(bytes as usize, 0);
            store.read(number, offset, &mut body).await.unwrap();
        }
        let http = HttpRequest::of_device(request, TOKEN, |_, _, _| Some(body.clone()));
        self.serve(&http.unwrap())
    }

    fn serve(&mut self, request: &HttpRequest) -> HttpReply {
        match self.server.serve(request, NOW_US) {
            Served::Reply(reply) => reply,
            Served::Broken | Served::Silent => panic!("the server is well"),
        }
    }
}
