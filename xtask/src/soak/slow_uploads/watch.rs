//! What is measured meanwhile: the server's memory, the time that a list takes, and who used the processor.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use ureq::Agent;

/// Between two questions for the list.
const ASK_EVERY: Duration = Duration::from_millis(25);

/// The server's memory, in bytes: what it holds now and the most that it ever held.
#[derive(Debug, Clone, Copy)]
pub(super) struct Memory {
    pub(super) resident: u64,
    pub(super) peak: u64,
}

pub(super) fn memory(process_id: u32) -> Result<Memory> {
    let status = std::fs::read_to_string(format!("/proc/{process_id}/status"))?;
    Ok(Memory {
        resident: kib(&status, "VmRSS:")? * 1024,
        peak: kib(&status, "VmHWM:")? * 1024,
    })
}

fn kib(status: &str, name: &str) -> Result<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let value = line.and_then(|rest| rest.trim().strip_suffix(" kB")?.parse().ok());
    value.with_context(|| format!("no {name} in the status of a process"))
}

/// Processor time that a process has used so far.
pub(super) fn processor_s(process_id: u32) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{process_id}/stat"))?;
    // The name, in parentheses, may hold anything; user and system time are the 12th and 13th after it.
    let (_, rest) = stat.rsplit_once(')').context("a process has a name")?;
    let ticks = rest
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(str::parse::<u32>)
        .sum::<Result<u32, _>>()?;
    let ticks_per_s = u32::try_from(rustix::param::clock_ticks_per_second())?;
    Ok(f64::from(ticks) / f64::from(ticks_per_s))
}

/// Asks for the list again and again until told to stop; gives how long each answer took.
pub(super) fn ask_for_the_list(base: &str, cookie: &str, stop: &AtomicBool) -> Result<Vec<Duration>> {
    let agent = Agent::new_with_defaults();
    let url = format!("{base}/api/v1/sessions");
    let mut took = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let begun = Instant::now();
        let mut answer = agent.get(&url).header("cookie", cookie).call()?;
        let text = answer.body_mut().read_to_string()?;
        took.push(begun.elapsed());
        ensure!(text.contains("\"sessions\":["), "the list was answered {text}");
        std::thread::sleep(ASK_EVERY);
    }
    Ok(took)
}

/// The time within which `percent` of all answers came.
pub(super) fn percentile(took: &mut [Duration], percent: usize) -> Duration {
    took.sort_unstable();
    let index = (took.len() * percent).div_ceil(100);
    took.get(index.saturating_sub(1)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_the_smallest_that_covers_its_share() {
        let mut took: Vec<Duration> = (1..=200).rev().map(Duration::from_millis).collect();
        assert_eq!(percentile(&mut took, 99), Duration::from_millis(198));
        assert_eq!(percentile(&mut took, 100), Duration::from_millis(200));
        assert_eq!(percentile(&mut [], 99), Duration::ZERO);
    }

    #[test]
    fn this_process_has_memory_and_used_the_processor() {
        let memory = memory(std::process::id()).unwrap();
        assert!(memory.resident > 100_000 && memory.peak >= memory.resident);
        assert!(processor_s(std::process::id()).unwrap() >= 0.0);
    }
}
