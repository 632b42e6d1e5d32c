//! What `dig` is told, and what every system's check for the internet gets, asked by `curl`.

use crate::space::Space;

/// Who asks, for what, and the status and where it leads.
const CHECKS: [(&str, &str, &str, &str); 19] = [
    (
        "Android",
        "http://connectivitycheck.gstatic.com/generate_204",
        "302",
        "http://4.3.2.1/",
    ),
    (
        "Android",
        "http://clients3.google.com/generate_204",
        "302",
        "http://4.3.2.1/",
    ),
    (
        "Android",
        "http://www.google.com/gen_204",
        "302",
        "http://4.3.2.1/",
    ),
    (
        "Android",
        "http://play.googleapis.com/generate_204",
        "302",
        "http://4.3.2.1/",
    ),
    (
        "Xiaomi",
        "http://connect.rom.miui.com/generate_204",
        "302",
        "http://4.3.2.1/",
    ),
    (
        "Huawei",
        "http://connectivitycheck.cbg-app.huawei.com/generate_204",
        "302",
        "http://4.3.2.1/",
    ),
    (
        "Fire OS",
        "http://fireoscaptiveportal.com/generate_204",
        "302",
        "http://4.3.2.1/",
    ),
    (
        "GrapheneOS",
        "http://connectivitycheck.grapheneos.network/generate_204",
        "302",
        "http://4.3.2.1/",
    ),
    ("Roku", "http://captive.roku.com/ok", "302", "http://4.3.2.1/"),
    (
        "iOS, macOS",
        "http://captive.apple.com/hotspot-detect.html",
        "200",
        "",
    ),
    (
        "iOS of old",
        "http://www.apple.com/library/test/success.html",
        "200",
        "",
    ),
    (
        "Windows",
        "http://www.msftconnecttest.com/connecttest.txt",
        "302",
        "http://logout.net/",
    ),
    (
        "Windows",
        "http://www.msftconnecttest.com/redirect",
        "302",
        "http://4.3.2.1/",
    ),
    (
        "Windows of old",
        "http://www.msftncsi.com/ncsi.txt",
        "302",
        "http://logout.net/",
    ),
    (
        "Edge",
        "http://edge.microsoft.com/captiveportal/generate_204",
        "302",
        "http://4.3.2.1/",
    ),
    ("Windows' proxy search", "http://wpad/wpad.dat", "404", ""),
    (
        "Firefox",
        "http://detectportal.firefox.com/canonical.html",
        "302",
        "http://4.3.2.1/",
    ),
    (
        "GNOME",
        "http://nmcheck.gnome.org/check_network_status.txt",
        "302",
        "http://4.3.2.1/",
    ),
    ("KDE", "http://networkcheck.kde.org/", "302", "http://4.3.2.1/"),
];

#[test]
#[ignore = "needs root and network namespaces: run by cargo xtask test"]
fn every_name_is_the_device_and_every_check_leads_to_its_page() {
    let space = Space::new(true, false);
    space.join();
    let dig = |of: &[&str]| {
        let mut program = vec!["dig", "+tries=1", "+time=2", "+noall", "+answer", "+comments"];
        program.extend(of);
        space.ok("phone", &program)
    };
    for name in [
        "example.org",
        "connectivitycheck.gstatic.com",
        "a.b.c.d.e.f.example",
        "wpad",
    ] {
        assert_eq!(
            space.ok("phone", &["dig", "+short", name]).trim(),
            "4.3.2.1",
            "{name}"
        );
    }
    for kind in ["AAAA", "HTTPS", "TXT", "MX"] {
        let said = dig(&["example.org", kind]);
        assert!(
            said.contains("NOERROR") && said.contains("ANSWER: 0"),
            "{kind}: {said}"
        );
        assert!(
            !said.contains("WARNING") && !said.contains("malformed"),
            "{kind}: {said}"
        );
    }
    assert_eq!(
        space
            .ok("phone", &["dig", "+short", "@192.168.4.1", "example.org"])
            .trim(),
        "4.3.2.1"
    );

    for (who, url, status, to) in CHECKS {
        let said = space.ok(
            "phone",
            &[
                "curl",
                "-s",
                "-m",
                "5",
                "-i",
                "-w",
                "\n%{http_code} %{redirect_url}",
                url,
            ],
        );
        let (answer, result) = said.rsplit_once('\n').unwrap();
        assert_eq!(result, format!("{status} {to}"), "{who}: {url}");
        assert!(answer.contains("Cache-Control: no-store"), "{who}");
        assert!(!answer.contains("Success"), "{who}");
    }
    // Where a person ends who follows, whoever sent them.
    for (who, url, status, _) in CHECKS.iter().filter(|check| check.2 == "302") {
        let said = space.ok("phone", &["curl", "-s", "-m", "5", "-L", url]);
        assert!(
            said.contains("<form method=post action=/save"),
            "{who} {status}: {said}"
        );
    }
    for address in ["http://4.3.2.1/", "http://192.168.4.1/"] {
        assert!(
            space
                .ok("phone", &["curl", "-s", "-m", "5", address])
                .contains("Save and join")
        );
    }
}
