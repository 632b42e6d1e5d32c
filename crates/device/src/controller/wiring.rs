//! What one machine says, told to the others.

use super::page::Form;
use super::{Controller, Order, Output, Stored};
use crate::link::Event;
use crate::net::Who;
use crate::recorder::GpsSample;
use crate::settings::{CommandKind, Unseal};
use crate::time::Instant;
use crate::{clock, confirm, link, modes, net, offload, receiver, settings, uptime};

/// Machines answer each other in a few rounds; one more than any chain of them is long.
const ROUNDS_MAX: usize = 16;

impl<U: Unseal> Controller<U> {
    /// Carries everything that was said to whom it concerns, until nobody says anything more or the outputs are full: then the machines keep
    /// the rest, and [`Self::poll`] goes on.
    pub(super) fn settle(&mut self, now: Instant) {
        for _ in 0..ROUNDS_MAX {
            let said = self.settle_receiver(now)
                | self.settle_clock(now)
                | self.settle_uptime(now)
                | self.settle_settings(now)
                | self.settle_modes(now)
                | self.settle_link(now)
                | self.settle_offload(now)
                | self.settle_confirm(now)
                | self.settle_room()
                | self.settle_stills()
                | self.settle_laps(now)
                | self.settle_net()
                | self.settle_sync(now)
                | self.settle_status(now);
            if !said {
                return;
            }
        }
    }

    fn settle_receiver(&mut self, now: Instant) -> bool {
        let mut said = false;
        while self.has_room()
            && let Some(output) = self.receiver.as_mut().and_then(receiver::Receiver::poll)
        {
            said = true;
            match output {
                receiver::Output::Baud(baud) => self.put(Output::ReceiverBaud(baud)),
                receiver::Output::Send(packet) => self.put(Output::ReceiverSend(packet)),
                receiver::Output::Silent => {
                    self.heard.silent();
                    self.modes.handle(modes::Input::NoFix, now);
                }
                receiver::Output::Fix(fix) => self.fix(fix, now),
            }
        }
        said
    }

    fn fix(&mut self, fix: receiver::Fix, now: Instant) {
        if let Some(epoch_ms) = fix.gps.epoch_ms {
            let time = clock::GpsTime {
                epoch_ms,
                valid: true,
                at: now,
            };
            self.clock(clock::Input::Gps(time), now);
        }
        self.heard.fix(fix.is_valid, fix.gps.satellites, now);
        if fix.is_valid {
            if self.modes.is_recording()
                && let Some(laps) = self.craft.laps_mut()
            {
                laps.fix(&fix.gps);
            }
            // 0.01 km/h are 25/9 mm/s.
            let speed = fix.gps.speed_e2_kmh.unsigned_abs().saturating_mul(25) / 9;
            self.modes.handle(modes::Input::Fix { speed_mm_s: speed }, now);
            self.put(Output::Fix(GpsSample {
                tick_ms: now.tick_ms(),
                gps: fix.gps,
            }));
        } else {
            self.modes.handle(modes::Input::NoFix, now);
        }
    }

    fn settle_clock(&mut self, now: Instant) -> bool {
        let mut said = false;
        while self.has_room()
            && let Some(output) = self.clock.poll()
        {
            said = true;
            match output {
                clock::Output::Changed(_) => {
                    if let Some(began) = self.clock.utc_at(Instant::BOOT) {
                        self.uptime.handle(uptime::Input::Began(began), now);
                    }
                }
                clock::Output::AskNtp(ask) => self.put(Output::AskNtp(ask)),
                clock::Output::WriteRtc(registers) => self.put(Output::WriteRtc(registers)),
            }
        }
        said
    }

    fn settle_uptime(&mut self, now: Instant) -> bool {
        let mut said = false;
        while self.has_room()
            && let Some(output) = self.uptime.poll()
        {
            said = true;
            match output {
                uptime::Output::Save { slot } => self.put(Output::Store(Order::SaveUptime { slot })),
                uptime::Output::Erase { slot } => self.put(Output::Store(Order::EraseUptime { slot })),
                uptime::Output::SaveLoss => self.put(Output::Store(Order::SaveUptimeLoss)),
                uptime::Output::Send => self.net(net::Input::Wants(Who::Heartbeat)),
                uptime::Output::Wanted(version) => {
                    self.settings.handle(settings::Input::Wanted(version), now);
                }
                uptime::Output::BreadcrumbTold => self.put(Output::Store(Order::ForgetBreadcrumb)),
                uptime::Output::Unauthorized => self.heard.is_unauthorized = true,
            }
        }
        said
    }

    fn settle_settings(&mut self, now: Instant) -> bool {
        let mut said = false;
        while self.has_room()
            && let Some(output) = self.settings.poll()
        {
            said = true;
            match output {
                settings::Output::Save => self.put(Output::Store(Order::SaveSettings)),
                settings::Output::Send => self.net(net::Input::Wants(Who::Desired)),
                settings::Output::Changed => self.settings_changed(now),
                settings::Output::Join(key) => {
                    self.form = Form::Joining(key);
                    self.link.handle(link::Input::Form(key), now);
                }
                settings::Output::Claim(code) => self.put(Output::Claim(code)),
                settings::Output::Sync(with) => self.modes.handle(modes::Input::SyncAsked(with), now),
                settings::Output::StopSync => self.modes.handle(modes::Input::SyncStopped, now),
                settings::Output::Time(time) => self.clock(clock::Input::Phone(time), now),
                settings::Output::Run(command) => self.run(command, now),
                settings::Output::Refused(refusal) => self.put(Output::Refused(refusal)),
            }
        }
        said
    }

    fn run(&mut self, command: settings::Command, now: Instant) {
        if command.kind == CommandKind::Sync {
            self.modes.handle(modes::Input::SyncAsked(None), now);
            let ended = settings::Input::Ended {
                id: command.id,
                done: true,
            };
            self.settings.handle(ended, now);
        } else {
            self.put(Output::Run(command));
        }
    }

    /// Tells everybody what concerns them of the settings in force.
    pub(super) fn settings_changed(&mut self, now: Instant) {
        let settings = self.settings.settings();
        let keys = settings.server_keys.and_then(|keys| keys.trusted());
        let known = settings.networks.known();
        let auto_sync = settings.auto_sync;
        let count = u8::try_from(known.len()).unwrap_or(u8::MAX);
        self.link.handle(link::Input::Networks(&known), now);
        self.modes.handle(modes::Input::Networks(count), now);
        self.modes.handle(modes::Input::AutoSync(auto_sync), now);
        let settings = self.settings.settings();
        let every_s = settings.picture_every_s;
        if let Some(laps) = self.craft.laps_mut() {
            laps.set_track(settings.track.as_ref());
        }
        self.set_schedule(every_s, now);
        self.set_keys(keys, now);
    }

    fn settle_modes(&mut self, now: Instant) -> bool {
        let mut said = false;
        while self.has_room()
            && let Some(output) = self.modes.poll()
        {
            said = true;
            match output {
                modes::Output::Link(want) => {
                    if want != link::Want::Off {
                        self.heard.looks_anew();
                    }
                    self.link.handle(link::Input::Want(want), now);
                }
                modes::Output::RadioDark(is_dark) => {
                    self.link.handle(link::Input::Recording(is_dark), now);
                }
                modes::Output::Offload(is_wanted) => {
                    self.handing_over.is_wanted = is_wanted;
                    self.offload(offload::Input::Wanted(is_wanted), now);
                }
                modes::Output::Portal(is_open) => self.put(Output::Portal(is_open)),
                modes::Output::Advertise(how) => self.put(Output::Advertise(how)),
                modes::Output::Open => self.put(Output::Store(Order::Open)),
                modes::Output::Seal(reason) => self.put(Output::Store(Order::Seal(reason))),
                modes::Output::Refused(modes::Refusal::Recording) => self.heard.refused_at = Some(now),
                modes::Output::Restart(cause) => self.put(Output::Restart(cause)),
            }
        }
        said
    }

    fn settle_link(&mut self, now: Instant) -> bool {
        let mut said = false;
        while self.has_room()
            && let Some(output) = self.link.poll()
        {
            said = true;
            match output {
                link::Output::Event(event) => self.link_event(event, now),
                link::Output::RestartForAp => {
                    self.put(Output::Restart(crate::breadcrumb::Cause::ApFailed));
                }
                order @ (link::Output::Scan { .. }
                | link::Output::Disconnect
                | link::Output::Join { .. }
                | link::Output::StartAp { .. }
                | link::Output::MoveApTo { .. }
                | link::Output::StopAp
                | link::Output::RadioOff
                | link::Output::PowerSave(_)) => self.put(Output::Wifi(order)),
            }
        }
        said
    }

    fn link_event(&mut self, event: Event, now: Instant) {
        match event {
            Event::Connected { network, .. } => {
                self.heard.looks_anew();
                self.form.joined(network);
                self.settings.handle(settings::Input::Joined(network), now);
                self.online(true, now);
                self.modes.handle(modes::Input::Connected, now);
            }
            Event::Lost => {
                self.online(false, now);
                self.modes.handle(modes::Input::Disconnected, now);
            }
            Event::GaveUp => self.modes.handle(modes::Input::SearchGaveUp, now),
            Event::HotspotNotFound => self.heard.is_hotspot_missing = true,
            Event::JoinFailed { network, why } => {
                self.heard.join = Some(why);
                self.form.failed(network, why);
            }
        }
    }

    fn online(&mut self, is_online: bool, now: Instant) {
        if is_online {
            self.clock(clock::Input::Online, now);
            self.uptime.handle(uptime::Input::Online, now);
            self.settings.handle(settings::Input::Online, now);
            self.room.is_due();
        } else {
            self.clock(clock::Input::Offline, now);
            self.uptime.handle(uptime::Input::Offline, now);
            self.settings.handle(settings::Input::Offline, now);
            self.confirm.handle(confirm::Input::Offline, now);
            self.heard.is_unauthorized = false;
            for who in [Who::Heartbeat, Who::Desired] {
                self.net(net::Input::GivesUp(who));
            }
        }
        self.handing_over.is_online = is_online;
        self.offload(offload::Input::Online(is_online), now);
    }

    pub(super) fn wifi(&mut self, input: link::Input<'_>, now: Instant) {
        if let link::Input::ApClients(count) = input {
            self.modes.handle(modes::Input::ApClients(count), now);
        }
        match input {
            link::Input::ApFailed => self.heard.is_ap_failing = true,
            link::Input::ApStarted => self.heard.is_ap_failing = false,
            link::Input::Tick
            | link::Input::Want(_)
            | link::Input::Networks(_)
            | link::Input::Recording(_)
            | link::Input::Power(_)
            | link::Input::Transferring(_)
            | link::Input::NoInternet
            | link::Input::Form(_)
            | link::Input::ScanDone { .. }
            | link::Input::ScanFailed { .. }
            | link::Input::Joined { .. }
            | link::Input::GotAddress { .. }
            | link::Input::JoinFailed { .. }
            | link::Input::Lost { .. }
            | link::Input::ApClients(_) => {}
        }
        self.link.handle(input, now);
    }

    fn settle_laps(&mut self, now: Instant) -> bool {
        let mut said = false;
        while self.has_room()
            && let Some(output) = self.craft.laps_mut().and_then(|laps| laps.poll(now))
        {
            said = true;
            self.put(Output::Driven(output));
        }
        said
    }

    pub(super) fn stored(&mut self, stored: Stored, now: Instant) {
        match stored {
            Stored::Opened => self.modes.handle(modes::Input::Opened, now),
            Stored::OpenFailed => self.modes.handle(modes::Input::OpenFailed, now),
            Stored::Sealed(_) => {
                self.modes.handle(modes::Input::Sealed, now);
                self.modes.handle(modes::Input::Pending(true), now);
                self.offload(offload::Input::Recorded, now);
            }
            Stored::CardFull(is_full) => {
                self.card_is_full(is_full, now);
                if is_full {
                    self.room.is_due();
                    self.modes.handle(modes::Input::Pending(true), now);
                }
            }
            Stored::Card(report) => self.heard.card = report,
            Stored::Picture(number) => self.picture_stored(number, now),
            Stored::Removed(is_gone) => {
                self.room.removed(is_gone);
                if is_gone {
                    self.card_is_full(false, now);
                }
            }
            Stored::SettingsSaved => self.settings.handle(settings::Input::Saved, now),
            Stored::SettingsNotSaved => self.settings.handle(settings::Input::SaveFailed, now),
            Stored::Surveyed(survey) => self.offload(offload::Input::Surveyed(survey), now),
            Stored::Candidate(candidate) => self.offload(offload::Input::Candidate(candidate), now),
            Stored::MayGiveWay(asked, epoch) => {
                if self.room.found(!asked.is_empty(), self.handing_over.is_online) {
                    self.confirm.handle(confirm::Input::Ask(&asked, epoch), now);
                }
            }
        }
    }

    fn card_is_full(&mut self, is_full: bool, now: Instant) {
        self.heard.is_card_full = is_full;
        self.modes.handle(modes::Input::CardFull(is_full), now);
    }
}
