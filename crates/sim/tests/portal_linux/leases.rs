//! `udhcpc`, the DHCP client of half the world's small devices.

use std::process::Command;

use crate::space::{Lease, Space, wait_for};

#[test]
#[ignore = "needs root and network namespaces: run by cargo xtask test"]
fn a_client_keeps_its_address_over_renewals_and_the_devices_restarts() {
    let mut space = Space::new(true, false);
    let lease = space.lease(&["-q", "-n", "-O", "114"]);
    let address = lease.get("ip").to_owned();
    assert!(address.starts_with("4.3.2."), "{address}");
    for (name, value) in [
        ("mask", "24"),
        ("router", "4.3.2.1"),
        ("dns", "4.3.2.1"),
        ("lease", "900"),
        ("server", "4.3.2.1"),
        ("opt114", ""),
    ] {
        assert_eq!(lease.get(name), value, "{name}");
    }

    // Another one in the same network gets another; then the first comes back.
    space.ok(
        "phone",
        &["ip", "link", "set", "wlan0", "address", "02:00:00:00:00:77"],
    );
    let other = space.join();
    assert_ne!(other, address);

    let log = space.folder().join("lease");
    std::fs::remove_file(&log).unwrap();
    let script = space.script(&log);
    let mut client = space
        .command(
            "phone",
            &["udhcpc", "-f", "-i", "wlan0", "-t", "5", "-T", "1", "-s", &script],
        )
        .spawn()
        .unwrap();
    wait_for("a lease", || Lease::last(&log, "bound"));
    let renew = || {
        let told = Command::new("kill")
            .args(["-USR1", &client.id().to_string()])
            .status();
        assert!(told.unwrap().success());
    };
    renew();
    let renewed = wait_for("a renewal", || Lease::last(&log, "renew"));
    assert_eq!(renewed.get("ip"), other);

    space.power_off();
    space.power_on(2);
    std::fs::remove_file(&log).unwrap();
    renew();
    let renewed = wait_for("a renewal by the device that was started again", || {
        Lease::last(&log, "renew")
    });
    assert_eq!(renewed.get("ip"), other);
    client.kill().unwrap();
    client.wait().unwrap();

    // And who asks as if for the first time, too.
    space.power_off();
    space.power_on(3);
    assert_eq!(space.join(), other);
}
