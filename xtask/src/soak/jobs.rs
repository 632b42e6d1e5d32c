//! What the server makes of recordings by itself.

use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};

use super::client::{Client, text};

/// The backlog is worked off by and by; a job that hangs is what this finds.
const JOB_WAIT: Duration = Duration::from_secs(60);

/// Has those sessions analysed again whose analysis was given up because the program ended during every try: so it says itself that
/// they should be. Gives how many there were.
pub(super) fn again_where_given_up(client: &Client, cookie: &str) -> Result<usize> {
    let mut given_up = 0;
    for session in client.pages(cookie, "/api/v1/sessions?limit=100", "sessions")? {
        if session
            .pointer("/error/code")
            .is_some_and(|code| code == "gave_up")
        {
            given_up += 1;
            let path = format!("/api/v1/sessions/{}/reanalyse", text(&session, "id")?);
            let post = client.agent.post(format!("{}{path}", client.base));
            let status = post.header("cookie", cookie).send_empty()?.status();
            ensure!(status.is_success(), "{path} was answered with {status}");
        }
    }
    Ok(given_up)
}

/// How the jobs on all recordings ended.
pub(super) struct Jobs {
    pub(super) done: usize,
    pub(super) failed: usize,
}

/// Waits until every session and picture was looked at.
pub(super) fn wait_for_all(client: &Client, cookie: &str) -> Result<Jobs> {
    let mut last_progress = Instant::now();
    let mut done_before = 0;
    loop {
        let mut states: Vec<String> = Vec::new();
        for session in client.sessions(cookie)? {
            states.push(session.status);
        }
        for picture in client.pages(cookie, "/api/v1/pictures?limit=100", "pictures")? {
            states.push(text(&picture, "state")?);
        }
        let count = |wanted: &[&str]| {
            states
                .iter()
                .filter(|state| wanted.contains(&state.as_str()))
                .count()
        };
        let failed = count(&["failed", "quarantined"]);
        let done = failed + count(&["ready", "good"]);
        if done == states.len() {
            return Ok(Jobs { done, failed });
        }
        if done > done_before {
            (done_before, last_progress) = (done, Instant::now());
        }
        if last_progress.elapsed() > JOB_WAIT {
            bail!(
                "no job ended for {JOB_WAIT:?}; {} of {} wait",
                states.len() - done,
                states.len()
            );
        }
        std::thread::sleep(Duration::from_millis(500));
    }
}
