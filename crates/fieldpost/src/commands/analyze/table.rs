//! A report for a person at a terminal.

use telemetry::report::{Gate, GateSource, Lap, LapKind, Quality, Report};

use crate::output::{clock, table};

/// Unknown numbers.
const UNKNOWN: &str = "–";

pub(super) fn render(file: &str, report: &Report) -> String {
    let mut parts = vec![head(file, report), laps(report)];
    parts.push(bests(report));
    if !report.declared_laps.is_empty() {
        parts.push(declared(report));
    }
    parts.push(quality(&report.quality));
    if !report.messages.is_empty() {
        parts.push(messages(report));
    }
    parts.join("\n\n")
}

fn head(file: &str, report: &Report) -> String {
    let minutes = clock(report.duration_s * 1_000.0);
    let mut lines = vec![format!(
        "{file}: {}, {} samples, {minutes}, {:.2} km",
        report.format,
        report.samples,
        report.distance_m / 1_000.0
    )];
    if let Some(started_at) = &report.started_at {
        lines.push(format!("started  {started_at}"));
    }
    if let Some(track) = &report.track {
        let name = track.name.as_deref().unwrap_or("no name yet");
        let length = track.length_m.map_or(String::new(), |m| format!(", {m:.0} m"));
        lines.push(format!("track    {name}{length}"));
    }
    match &report.gate {
        Some(found) => lines.push(format!("gate     {}", gate(found))),
        None => lines.push("gate     none found; give one with --gate".to_owned()),
    }
    if let Some(finish) = &report.finish {
        lines.push(format!("finish   {}", gate(finish)));
    }
    lines.join("\n")
}

fn gate(gate: &Gate) -> String {
    let source = match gate.source {
        GateSource::Argument => "as given",
        GateSource::File => "from the file",
        GateSource::Markers => "from the file's lap markers",
        GateSource::Track => "of the known track",
        GateSource::Learned => "learned from the driven line",
    };
    let ([a_lat, a_lon], [b_lat, b_lon]) = (gate.a, gate.b);
    format!(
        "{a_lat:.7},{a_lon:.7};{b_lat:.7},{b_lon:.7} {source}, driven at {:.0}°",
        gate.bearing_deg
    )
}

fn laps(report: &Report) -> String {
    let sectors = report
        .laps
        .iter()
        .map(|lap| lap.sectors_ms.len())
        .max()
        .unwrap_or(0);
    // One sector is the lap itself.
    let sectors = if sectors > 1 { sectors } else { 0 };
    let mut header = vec![
        "lap".to_owned(),
        "kind".to_owned(),
        "time".to_owned(),
        "to best".to_owned(),
    ];
    header.extend((1..=sectors).map(|sector| format!("S{sector}")));
    header.extend(["km".to_owned(), "max km/h".to_owned(), "min km/h".to_owned()]);
    let mut rows = vec![header];
    rows.extend(report.laps.iter().map(|lap| row(lap, sectors)));
    if report.laps.is_empty() {
        return "no laps".to_owned();
    }
    let notes = report
        .laps
        .iter()
        .filter_map(|lap| Some(format!("lap {}: {}", lap.number, lap.note.as_ref()?)));
    std::iter::once(table(&rows))
        .chain(notes)
        .collect::<Vec<_>>()
        .join("\n")
}

fn row(lap: &Lap, sectors: usize) -> Vec<String> {
    let kind = match lap.kind {
        LapKind::Out => "out",
        LapKind::Timed => "timed",
        LapKind::In => "in",
        LapKind::Pit => "pit",
        LapKind::Invalid => "invalid",
    };
    let speed = |kmh: Option<f64>| kmh.map_or(UNKNOWN.to_owned(), |kmh| format!("{kmh:.1}"));
    let mut row = vec![
        lap.number.to_string(),
        kind.to_owned(),
        clock(lap.time_ms),
        lap.delta_best_ms
            .map_or(String::new(), |ms| format!("{:+.3}", ms / 1_000.0)),
    ];
    row.extend((0..sectors).map(|sector| time(lap.sectors_ms.get(sector).copied().flatten())));
    row.push(format!("{:.3}", lap.distance_m / 1_000.0));
    row.extend([speed(lap.max_speed_kmh), speed(lap.min_speed_kmh)]);
    row
}

fn time(ms: Option<f64>) -> String {
    ms.map_or(UNKNOWN.to_owned(), clock)
}

fn bests(report: &Report) -> String {
    let consistency = report
        .consistency_ms
        .map_or(UNKNOWN.to_owned(), |ms| format!("± {:.3} s", ms / 1_000.0));
    [
        format!("best         {}", time(report.best_ms)),
        format!(
            "rolling      {}  any point to itself",
            time(report.rolling_best_ms)
        ),
        format!(
            "theoretical  {}  best sectors added",
            time(report.theoretical_best_ms)
        ),
        format!(
            "achievable   {}  driven pieces that fit together",
            time(report.achievable_best_ms)
        ),
        format!("consistency  {consistency}"),
    ]
    .join("\n")
}

fn declared(report: &Report) -> String {
    let laps: Vec<String> = report
        .declared_laps
        .iter()
        .map(|lap| format!("{} {}", lap.number, clock(lap.time_ms)))
        .collect();
    format!("laps as the file declares them: {}", laps.join(", "))
}

fn quality(quality: &Quality) -> String {
    let by_cause: Vec<String> = quality
        .rejected_by
        .iter()
        .map(|(cause, count)| format!("{count} {cause}"))
        .collect();
    let rejected = if by_cause.is_empty() {
        "0 records refused".to_owned()
    } else {
        format!("{} records refused ({})", quality.rejected, by_cause.join(", "))
    };
    let rates: Vec<String> = quality
        .rates_hz
        .iter()
        .map(|(stream, hz)| format!("{stream} {hz:.2} Hz"))
        .collect();
    let speed = quality
        .max_speed_kmh
        .map_or(UNKNOWN.to_owned(), |kmh| format!("{kmh:.1} km/h"));
    let mut lines = vec![
        format!(
            "quality  GPS for {:.1} % of the time; {rejected}",
            quality.gps_coverage * 100.0
        ),
        format!(
            "         {} gaps, the longest {:.2} s; {} stalls",
            quality.gaps, quality.longest_gap_s, quality.stalls
        ),
        format!("         {}; top speed {speed}", rates.join(", ")),
    ];
    if quality.declared_lost > 0 {
        lines.push(format!(
            "         {} samples lost, says the recorder",
            quality.declared_lost
        ));
    }
    lines.extend(
        quality
            .frozen
            .iter()
            .map(|frozen| format!("         {}.{}: {}", frozen.stream, frozen.channel, frozen.why)),
    );
    lines.join("\n")
}

fn messages(report: &Report) -> String {
    let lines: Vec<String> = report
        .messages
        .iter()
        .map(|message| {
            let line = message
                .line
                .map_or(String::new(), |line| format!("line {line}: "));
            format!("{line}{} [{}]", message.text, message.code)
        })
        .collect();
    lines.join("\n")
}
