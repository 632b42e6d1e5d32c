//! What goes over the one connection: recordings, what may give way for others, and the answers to all requests.

use super::page::server_by;
use super::{Controller, Order, Output};
use crate::exchange::{NoAnswer, Response};
use crate::net::Who;
use crate::offload::LedgerStep;
use crate::portal::Server;
use crate::settings::Unseal;
use crate::time::Instant;
use crate::{confirm, link, modes, net, offload, settings, uptime};

impl<U: Unseal> Controller<U> {
    pub(super) fn settle_offload(&mut self, now: Instant) -> bool {
        let mut said = false;
        while self.has_room()
            && let Some(output) = self.offload.poll()
        {
            said = true;
            match output {
                offload::Output::Survey { claim } => self.put(Output::Store(Order::Survey { claim })),
                offload::Output::Next { claim, after, last } => {
                    self.put(Output::Store(Order::Next { claim, after, last }));
                }
                offload::Output::Ledger(step) => {
                    if matches!(step, LedgerStep::Receipted(_)) {
                        self.room.is_due();
                    }
                    self.picture_stepped(&step, now);
                    self.put(Output::Store(Order::Step(step)));
                }
                offload::Output::Send => self.net(net::Input::Wants(Who::Files)),
                offload::Output::Abandon => self.net(net::Input::GivesUp(Who::Files)),
                offload::Output::Status(status) => self.offload_status_is(status, now),
            }
        }
        said
    }

    fn offload_status_is(&mut self, status: offload::Status, now: Instant) {
        use offload::Activity;
        let before = self.offload_seen.replace(status).map(|status| status.activity);
        if before == Some(status.activity) {
            return;
        }
        let moves = status.activity == Activity::Syncing;
        self.link.handle(link::Input::Transferring(moves), now);
        match status.activity {
            Activity::Done => self.sync_ends = Some(modes::Input::OffloadDone),
            Activity::Stopped => self.sync_ends = Some(modes::Input::OffloadFailed),
            Activity::Idle | Activity::Syncing | Activity::Waiting => self.sync_ends = None,
        }
    }

    /// Whether room may be made: not while a recording is, and not without the server.
    fn may_make_room(&self) -> bool {
        self.handing_over.is_online && !self.modes.is_recording()
    }

    /// Asks what may give way.
    pub(super) fn settle_room(&mut self) -> bool {
        let begins = self.has_room() && self.room.begins(self.may_make_room());
        if begins {
            let after = self.settings.settings().after_receipt;
            self.put(Output::Store(Order::MayGiveWay { after }));
        }
        begins
    }

    /// The end of the files ends a sync only when nobody else talks to the server or waits to, and no room is being made: hours, and what the
    /// server wants, would never get through where there are no recordings.
    pub(super) fn settle_sync(&mut self, now: Instant) -> bool {
        let is_busy = self.room.is_busy(self.may_make_room());
        let Some(ended) = self.sync_ends.filter(|_| !is_busy && self.net.is_idle()) else {
            return false;
        };
        let activity = self.offload.status().activity;
        if !matches!(activity, offload::Activity::Done | offload::Activity::Stopped) {
            // What the server lost has made it go on; it says so next.
            return false;
        }
        self.sync_ends = None;
        self.modes.handle(ended, now);
        if activity == offload::Activity::Done {
            // Last, so that the outcome is shown: a sync that nobody needs any more just ends.
            self.modes.handle(modes::Input::Pending(false), now);
        }
        true
    }

    /// The server lost what it signed for: that is one more to hand over.
    fn offer_again(&mut self, order: Order, now: Instant) {
        self.put(Output::Store(order));
        self.modes.handle(modes::Input::Pending(true), now);
        self.offload(offload::Input::Recorded, now);
    }

    pub(super) fn settle_confirm(&mut self, now: Instant) -> bool {
        let mut said = false;
        while self.has_room()
            && let Some(output) = self.confirm.poll()
        {
            said = true;
            match output {
                confirm::Output::Send => self.net(net::Input::Wants(Who::Confirm)),
                confirm::Output::Abandon => self.net(net::Input::GivesUp(Who::Confirm)),
                confirm::Output::Confirmed(one) => {
                    self.room.removes();
                    self.put(Output::Store(Order::Remove(one)));
                }
                confirm::Output::NewEpoch(epoch) => self.put(Output::Store(Order::SaveEpoch(epoch))),
                confirm::Output::Missing(number) => self.offer_again(Order::OfferAgain(number), now),
                confirm::Output::OfferAgain => self.offer_again(Order::OfferAllAgain, now),
                confirm::Output::Done | confirm::Output::Failed(_) => self.room.asked(),
            }
        }
        said
    }

    pub(super) fn settle_net(&mut self) -> bool {
        let mut said = false;
        while self.has_room()
            && let Some(output) = self.net.poll()
        {
            said = true;
            match output {
                net::Output::Grant(who) => {
                    self.holder = Some(who);
                    if self.request().is_some() {
                        self.put(Output::Exchange(who));
                    } else {
                        // It changed its mind while it waited.
                        self.holder = None;
                        self.net(net::Input::Finished);
                    }
                }
                net::Output::BreakOff => {
                    self.holder = None;
                    self.put(Output::BreakOff);
                }
            }
        }
        said
    }

    /// The exchange under way has come to its end.
    pub(super) fn answered(&mut self, answer: Result<&Response<'_>, NoAnswer>, now: Instant) {
        let Some(who) = self.holder.take() else {
            return;
        };
        match who {
            Who::Heartbeat => {
                self.heartbeat_answered(answer.ok().map(|answer| answer.status), now);
                let input = answer.map_or(uptime::Input::NoAnswer, uptime::Input::Answer);
                self.uptime.handle(input, now);
            }
            Who::Desired => {
                let input = answer.map_or(settings::Input::NoAnswer, settings::Input::Answer);
                self.settings.handle(input, now);
            }
            Who::Confirm => {
                let input = answer.map_or_else(confirm::Input::NoAnswer, confirm::Input::Answer);
                self.confirm.handle(input, now);
            }
            Who::Files => {
                let input = answer.map_or_else(offload::Input::NoAnswer, offload::Input::Answer);
                self.offload(input, now);
            }
        }
        self.net(net::Input::Finished);
    }

    fn heartbeat_answered(&mut self, status: Option<u16>, now: Instant) {
        self.server = server_by(status);
        if self.server == Server::Reached {
            self.heard.heartbeat_at = Some(now);
            self.heard.is_unauthorized = false;
        }
    }
}
