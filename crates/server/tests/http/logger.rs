//! A device of a team, with what it and its owner present.

use serde_json::Value;

use crate::support::{OWNER, Site};

pub(crate) struct Logger {
    pub site: Site,
    pub id: String,
    pub token: String,
    pub cookie: String,
}

pub(crate) fn logger() -> Logger {
    let site = Site::owned();
    let (id, token) = site.add_device(OWNER, "Logger");
    let cookie = site.sign_in(OWNER);
    Logger {
        site,
        id,
        token,
        cookie,
    }
}

impl Logger {
    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/api/v1/devices/{}{rest}", self.id)
    }

    /// As the device.
    pub(crate) fn say(&self, path: &str, body: &Value) -> Value {
        let reply = self
            .site
            .post_json(path, &[("authorization", &self.token)], &body.to_string());
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    }

    /// As the owner.
    pub(crate) fn read(&self, rest: &str) -> Value {
        self.site
            .get(&self.path(rest), &[("cookie", &self.cookie)])
            .json()
    }
}
