//! Restarts that nobody wanted: what the device leaves behind for its next start, and what that makes of it.

use device::breadcrumb::{Breadcrumb, Cause};
use device::flash::Item;

use super::Unit;
use super::uplink::Uplink;
use crate::exec;

impl<L: Uplink> Unit<L> {
    /// As a device does that resets its own chip.
    pub(super) fn restart(&mut self, cause: Cause) {
        self.crumb = self.running.as_ref().map(|running| {
            let boot = running
                .controller
                .clock_of_device()
                .stamp(running.device_time(self.now))
                .boot;
            let uptime_s = running.device_time(self.now).as_millis() / 1_000;
            Breadcrumb::new(
                cause,
                None,
                boot.number,
                u32::try_from(uptime_s).unwrap_or(u32::MAX),
                "",
            )
        });
        self.lose_power();
        self.note("restarts", || "the chip resets itself".to_owned());
        self.power_on();
    }

    pub(super) fn restarted_for_ap(&self) -> bool {
        self.crumb
            .as_ref()
            .is_some_and(|crumb| crumb.cause == Cause::ApFailed)
    }

    /// Moves it from memory to flash, where it stays until the server has heard it, over cuts as well.
    pub(super) fn take_up_crumb(&mut self) {
        let left = self.crumb.take();
        let Some(running) = &mut self.running else {
            return;
        };
        let flash = running.store.flash();
        let found = exec::run(async {
            if let Some(left) = &left {
                flash.write(Item::Breadcrumb, &left.to_bytes()).await.ok()?;
            }
            let mut bytes = [0; device::breadcrumb::BREADCRUMB_BYTES];
            let read = flash.read(Item::Breadcrumb, &mut bytes).await.ok()??;
            Breadcrumb::from_bytes(read.try_into().ok()?)
        });
        if let Some(crumb) = found.done().flatten() {
            running.controller.found(crumb);
        }
    }
}
