//! The pages: HTML that works without scripts, cookies, storage and anything from elsewhere.
//!
//! A page is written in parts, each small enough for a connection's buffer, so a page that lists networks or recordings needs no more memory than
//! its longest part. Between two parts the site may change; a part never mixes two states.

use core::fmt::{self, Write};
use core::net::Ipv4Addr;

use super::form::FormError;
use super::site::{Activity, Outcome, Server, Site, Status};
use super::style;
use crate::link::{JoinFailure, Security, Seen};
use crate::outbox::{Entry, Kind, State};

mod text;

use text::{Html, Lossy, Size};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Page {
    /// The form.
    Setup,
    /// What came of the form.
    Result,
    /// What Apple's window shows first.
    Welcome,
    Status,
    /// Around the list, whose rows come from the ledger.
    Recordings,
    Notice(Notice),
}

/// A page of one sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Notice {
    NotHere,
    NotUnderstood,
    TooMuch,
    TooSlow,
    OnlyRead,
    OtherHost,
    SetupCode,
    TooManyTries,
    OnlyFromOwnNetwork,
    Form(FormError),
    BeingRecorded,
    RangeAfterEnd,
}

impl Notice {
    /// What happened, and what to do.
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::NotHere => ("That page is not here.", "The start page shows what is."),
            Self::NotUnderstood => ("The request was not understood.", "Nothing was changed."),
            Self::TooMuch => ("The request is too long.", "Nothing was changed."),
            Self::TooSlow => (
                "The request took too long to arrive.",
                "Nothing was changed. Try again closer to the device.",
            ),
            Self::OnlyRead => ("This page can only be read.", "Nothing was changed."),
            Self::OtherHost => ("This device has another name.", "Nothing was changed."),
            Self::SetupCode => (
                "Recordings are for those who have the setup code.",
                "It is on the label. Type it as the password; the user name may be anything.",
            ),
            Self::TooManyTries => ("Too many wrong setup codes.", "Wait a minute, then try again."),
            Self::OnlyFromOwnNetwork => (
                "Settings are changed over the device's own network only.",
                "Hold its button to open it.",
            ),
            Self::Form(error) => (error.words(), "Nothing was saved. Go back and correct it."),
            Self::BeingRecorded => (
                "This one is still being recorded.",
                "It can be read once it is closed.",
            ),
            Self::RangeAfterEnd => ("The recording ends before that byte.", "Nothing was sent."),
        }
    }
}

/// Writes part `index` of a page; false when there is none.
pub(super) fn part(page: Page, index: usize, site: &Site, out: &mut impl Write) -> Result<bool, fmt::Error> {
    let title = title(page, site);
    let refresh = refresh(page, site);
    match index {
        0 => write!(
            out,
            "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width,initial-scale=1\">\
             <meta name=color-scheme content=\"dark light\">{refresh}<title>{title} · {}</title><style>",
            Html(&site.identity.name)
        )?,
        1..=style::PARTS => out.write_str(style::STYLE[index - 1])?,
        HEADER => write!(
            out,
            "</style><header><b>fieldpost</b><span>{}</span></header><main><h1>{title}</h1>",
            Html(&site.identity.name)
        )?,
        _ => {
            return match page {
                Page::Setup => setup(index - BODY, site, out),
                Page::Recordings => recordings(index - BODY, out),
                Page::Result | Page::Welcome | Page::Status | Page::Notice(_) if index > BODY => Ok(false),
                Page::Result => result(site, out).map(|()| true),
                Page::Welcome => out.write_str(WELCOME).map(|()| true),
                Page::Status => status(site, out).map(|()| true),
                Page::Notice(notice) => write!(out, "<p>{}</p>{END}", notice.words().1).map(|()| true),
            };
        }
    }
    Ok(true)
}

const HEADER: usize = style::PARTS + 1;
const BODY: usize = HEADER + 1;
/// The list's rows come before this part.
pub(super) const AFTER_ROWS: usize = BODY + 1;

const END: &str = "<nav><a href=/>Start</a><a href=/status>Status</a><a href=/recordings>Recordings</a></nav></main></html>";
const WELCOME: &str = "<p>Tell it your network and your server, and it brings its recordings there by itself.</p>\
     <a class=go href=http://4.3.2.1/>Set it up</a></main></html>";

fn title(page: Page, site: &Site) -> &'static str {
    match page {
        Page::Setup => "Bring it online",
        Page::Welcome => "Set up your logger",
        Page::Status => match site.status.activity {
            Activity::Idle => "Ready",
            Activity::Recording => "Recording",
            Activity::Sending => "Sending",
        },
        Page::Recordings => "Recordings",
        Page::Notice(notice) => notice.words().0,
        Page::Result => match &site.outcome {
            Outcome::Nothing => "Nothing to join yet",
            Outcome::Joining { .. } => "Joining",
            Outcome::Joined { server, .. } => match server {
                Server::Waiting | Server::Reached => "It is online",
                Server::Unreachable | Server::Refused => "Almost there",
            },
            Outcome::Failed { .. } => "It could not join",
        },
    }
}

/// Pages that change by themselves load again, and Apple's window goes on to the form.
fn refresh(page: Page, site: &Site) -> &'static str {
    let is_open = matches!(
        site.outcome,
        Outcome::Joining { .. }
            | Outcome::Joined {
                server: Server::Waiting,
                ..
            }
    );
    match page {
        Page::Result if is_open => "<meta http-equiv=refresh content=3>",
        Page::Welcome => "<meta http-equiv=refresh content=\"1;url=http://4.3.2.1/\">",
        Page::Status => "<meta http-equiv=refresh content=10>",
        Page::Result | Page::Setup | Page::Recordings | Page::Notice(_) => "",
    }
}

fn setup(index: usize, site: &Site, out: &mut impl Write) -> Result<bool, fmt::Error> {
    let networks = site.networks.len();
    let can_be_joined = |seen: &Seen| seen.security != Security::Other;
    let first_to_join = site.networks.iter().position(can_be_joined);
    match index {
        0 => write!(
            out,
            "<p class=s>While it joins, {} may vanish for a moment: it moves to the channel of your network. Come back to it \
             to see what came of it.</p><form method=post action=/save accept-charset=utf-8>\
             <input type=hidden name=token value={}><fieldset><legend>Network</legend>",
            Html(&site.identity.access_point),
            site.token()
        )?,
        row if row <= networks => {
            // The list may have shrunk since the last part.
            if let Some(network) = site.networks.get(row - 1) {
                self::network(network, Some(row - 1) == first_to_join, out)?;
            }
        }
        row if row == networks + 1 => write!(
            out,
            "{}<label for=ssid>{}</label>\
             <input id=ssid name=ssid maxlength=32 autocomplete=off autocapitalize=none autocorrect=off spellcheck=false{}>\
             <label for=password>Password</label>\
             <input id=password name=password type=password minlength=8 maxlength=64 autocomplete=off placeholder=\"empty if open, or known already\">\
             </fieldset>",
            if networks == 0 {
                "<p>None in range right now.</p>"
            } else {
                ""
            },
            if networks == 0 {
                "Its name"
            } else {
                "Or another name"
            },
            if networks == 0 { " required" } else { "" },
        )?,
        row if row == networks + 2 => write!(
            out,
            "<fieldset><legend>Server</legend><label for=url>Address</label>\
             <input id=url name=url inputmode=url maxlength=128 autocomplete=off autocapitalize=none spellcheck=false value=\"{}\" \
             placeholder=\"https://\"><label for=claim>Claim code, from your server</label>\
             <input id=claim name=claim maxlength=16 autocomplete=off autocapitalize=characters spellcheck=false \
             placeholder=\"empty if it is yours already\"></fieldset>\
             <button>Save and join</button></form>{END}",
            Html(site.server.as_ref().map_or("", |server| server.as_str())),
        )?,
        _ => return Ok(false),
    }
    Ok(true)
}

fn network(network: &Seen, is_first: bool, out: &mut impl Write) -> fmt::Result {
    out.write_str("<label class=n><input type=radio name=net value=")?;
    for byte in network.ssid.as_bytes() {
        write!(out, "{byte:02x}")?;
    }
    let strength = match network.rssi_dbm {
        -60.. => "strong",
        -72..-60 => "good",
        _ => "weak",
    };
    write!(
        out,
        "{}><span>{}</span><small>{strength}{}</small></label>",
        match network.security {
            Security::Other => " disabled",
            Security::Open | Security::Password if is_first => " checked",
            Security::Open | Security::Password => "",
        },
        Lossy(network.ssid.as_bytes()),
        match network.security {
            Security::Open => ", open",
            Security::Password => "",
            Security::Other => ", needs an account",
        },
    )
}

fn result(site: &Site, out: &mut impl Write) -> fmt::Result {
    let access_point = Html(&site.identity.access_point);
    match &site.outcome {
        Outcome::Nothing => write!(
            out,
            "<p>Fill in the form first.</p><a class=go href=/>Set it up</a>"
        )?,
        Outcome::Joining { ssid } => write!(
            out,
            "<p class=big>{}</p><p>This page looks again every 3 seconds. If {access_point} vanishes for a moment, join it again and \
             come back to http://4.3.2.1</p>",
            Lossy(ssid.as_bytes())
        )?,
        Outcome::Joined {
            ssid,
            address,
            server,
        } => {
            write!(out, "<p class=big>{}</p>", Lossy(ssid.as_bytes()))?;
            joined(site, *address, *server, out)?;
        }
        Outcome::Failed { ssid, why } => write!(
            out,
            "<p class=big>{}</p><p class=bad>✕ {}</p><p>Every recording is kept, and the networks it knew are too.</p>\
             <a class=go href=/>Try again</a>",
            Lossy(ssid.as_bytes()),
            match why {
                JoinFailure::NotFound => "No such network is in range. Move closer, or look at the name.",
                JoinFailure::WrongPassword => "The network does not take this password.",
                JoinFailure::NoAddress =>
                    "The network let it in and gave it no address. Start the router again.",
                JoinFailure::Timeout | JoinFailure::Other =>
                    "The network did not answer within 20 seconds. Move closer and try again.",
            }
        )?,
    }
    out.write_str(END)
}

fn joined(site: &Site, address: Ipv4Addr, server: Server, out: &mut impl Write) -> fmt::Result {
    let label = Html(&site.identity.label);
    write!(
        out,
        "<p class=ok>✓ Joined{}</p><p>In that network it is at <a href=http://{label}.local/>{label}.local</a> and {address}. {}</p>",
        match server {
            Server::Waiting => ", asking the server",
            Server::Reached => ", and the server knows it",
            Server::Unreachable | Server::Refused => "",
        },
        match server {
            Server::Waiting => "",
            Server::Reached => "You may leave this network.",
            Server::Unreachable =>
                "<b class=bad>✕ The server does not answer.</b> The device keeps trying, and keeps every recording. Look at \
                         the address.",
            Server::Refused =>
                "<b class=bad>✕ The server does not know this device.</b> Type a fresh claim code. Every recording is kept.",
        },
    )?;
    if matches!(server, Server::Unreachable | Server::Refused) {
        out.write_str("<a class=go href=/>Correct it</a>")?;
    }
    Ok(())
}

fn status(site: &Site, out: &mut impl Write) -> fmt::Result {
    let Status {
        recordings,
        waiting,
        battery_percent,
        activity: _,
    } = site.status;
    let plural = if recordings == 1 { "" } else { "s" };
    write!(out, "<p class=big>{recordings} recording{plural}</p><p>")?;
    match waiting {
        _ if recordings == 0 => out.write_str("The first one appears here once it is closed.")?,
        0 => out.write_str("All of them are on the server.")?,
        1 => out.write_str("1 is not on the server yet.")?,
        waiting if waiting == recordings => out.write_str("None of them is on the server yet.")?,
        waiting => write!(out, "{waiting} are not on the server yet.")?,
    }
    out.write_str("</p><dl>")?;
    if let Outcome::Joined { ssid, address, .. } = &site.outcome {
        write!(
            out,
            "<dt>Network</dt><dd>{}, {address}</dd>",
            Lossy(ssid.as_bytes())
        )?;
    }
    if let Some(percent) = battery_percent {
        write!(out, "<dt>Battery</dt><dd>{percent} %</dd>")?;
    }
    write!(
        out,
        "<dt>Name</dt><dd>{}.local</dd><dt>Firmware</dt><dd>{}</dd></dl>{END}",
        Html(&site.identity.label),
        Html(&site.identity.firmware)
    )
}

fn recordings(index: usize, out: &mut impl Write) -> Result<bool, fmt::Error> {
    match index {
        0 => out.write_str("<ul>")?,
        1 => write!(
            out,
            "</ul><p class=s>The newest is first. Nothing here can be changed.</p>{END}"
        )?,
        _ => return Ok(false),
    }
    Ok(true)
}

/// One recording in the list.
pub(super) fn row(entry: &Entry, out: &mut impl Write) -> fmt::Result {
    let name = entry.file_name();
    let what = match entry.kind {
        Kind::Session => "Session",
        Kind::Picture => "Picture",
    };
    let number = entry.number;
    if entry.state == State::Open {
        return write!(
            out,
            "<li><b>{what} {number}</b><small>being recorded</small></li>"
        );
    }
    let place = match entry.state {
        State::Open | State::Sealed | State::Digested => "not on the server yet",
        State::Offered => "on its way",
        State::Receipted | State::Archived | State::Removing => "on the server",
        State::Quarantined => "refused by the server, kept here",
    };
    write!(
        out,
        "<li><a href=/recordings/{name}>{what} {number}</a><small>{} · {place}</small></li>",
        Size(entry.size_bytes)
    )
}

#[cfg(test)]
mod tests;
