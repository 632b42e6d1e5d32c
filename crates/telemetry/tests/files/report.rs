//! What a file says of itself, and what was wrong with it, in the report.

use telemetry::Options;
use telemetry::model::Provenance;
use telemetry::report::Report;

use crate::support::analysed;

const HEAD: &str = "# RaceRender Data: TrackAddict 4.3.5 on Android 9 [x] (Mode: 0)\n# Vehicle: Kart 7\n\
                    \"Time\",\"UTC Time\",\"Lap\",\"GPS_Update\",\"GPS_Delay\",\"Latitude\",\"Longitude\"\n";

#[test]
fn the_vehicle_has_the_name_that_the_file_gives_it() {
    assert_eq!(report(&[]).vehicle_name.as_deref(), Some("Kart 7"));
}

#[test]
fn a_speed_that_the_file_does_not_have_is_derived_in_report_and_channel_file_alike() {
    let text = HEAD.to_owned() + &(0..10).map(fix).collect::<String>();
    let (report, files) = analysed(text.as_bytes(), &Options::default());
    let stored = files.open("gps");
    for name in ["speed_mps", "heading_deg"] {
        let told = report
            .channels
            .iter()
            .find(|info| info.channel.name == name)
            .unwrap();
        assert_eq!(told.channel.provenance, Provenance::Derived);
        let kept = stored
            .channels()
            .iter()
            .find(|channel| channel.name == name)
            .unwrap();
        assert_eq!(kept, &told.channel);
    }
}

#[test]
fn what_could_not_be_read_is_told_with_its_lines() {
    let told = |broken: usize| {
        let report = report(&vec!["what is this"; broken]);
        let mut messages = report.messages.into_iter();
        messages.find(|message| message.code == "malformed").unwrap()
    };
    let few = told(2);
    assert!(
        few.text.starts_with("2 records") && few.text.ends_with(": lines 14, 15."),
        "{}",
        few.text
    );
    assert_eq!(few.line, Some(14));
    let many = told(12);
    assert!(many.text.ends_with("22, 23 and others."), "{}", many.text);
}

#[test]
fn a_gap_is_longer_than_the_report_says_a_step_may_be() {
    // Ten a second, and a pause of 0.7 s.
    let report = report(&["2.600,1769940674.100,0,1,0,45.5,10.5003"]);
    assert!((report.quality.gap_s - 0.5).abs() < 1e-6);
    assert_eq!(report.quality.gaps, 1);
    assert!(report.quality.longest_gap_s > report.quality.gap_s);
}

/// Ten fixes, a tenth of a second apart, from line 4 to line 13, then other lines.
fn report(then: &[&str]) -> Report {
    let mut text = HEAD.to_owned();
    text.extend((0..10).map(fix));
    text.extend(then.iter().map(|line| format!("{line}\n")));
    analysed(text.as_bytes(), &Options::default()).0
}

fn fix(i: u32) -> String {
    let (clock_s, utc_s) = (1.0 + f64::from(i) / 10.0, 1_769_940_672.5 + f64::from(i) / 10.0);
    format!(
        "{clock_s:.3},{utc_s:.3},0,1,0,45.5,{:.5}\n",
        10.5 + f64::from(i) * 1e-5
    )
}
