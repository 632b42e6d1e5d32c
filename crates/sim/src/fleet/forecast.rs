//! What befalls each exchange of a device in its rough time.

use std::cell::Cell;
use std::rc::Rc;

use device::exchange::{Body, Request};
use rand::RngExt;

use super::plan::Faults;
use crate::live::{Forecast, Weather};
use crate::seeded::seeded;

/// Of a hundred exchanges.
struct Odds {
    no_route: u32,
    answer_lost: u32,
    /// Of those with a body from the card.
    cut: u32,
}

const fn odds(faults: Faults) -> Odds {
    match faults {
        Faults::None => Odds {
            no_route: 0,
            answer_lost: 0,
            cut: 0,
        },
        Faults::Mild => Odds {
            no_route: 2,
            answer_lost: 3,
            cut: 6,
        },
        Faults::Harsh => Odds {
            no_route: 6,
            answer_lost: 10,
            cut: 35,
        },
    }
}

/// Fair as soon as `is_good` says so.
pub(super) fn forecast(seed: u64, faults: Faults, is_good: Rc<Cell<bool>>) -> Forecast {
    let (mut rng, odds) = (seeded(seed), odds(faults));
    Box::new(move |request: &Request<'_>| {
        if is_good.get() {
            return Weather::Fair;
        }
        let lot = rng.random_range(0..100);
        if lot < odds.no_route {
            return Weather::NoRoute;
        }
        if lot < odds.no_route + odds.answer_lost {
            return Weather::AnswerLost;
        }
        match request.body {
            Body::Recording { bytes, .. } if rng.random_range(0..100) < odds.cut => {
                Weather::CutAfter(rng.random_range(0..bytes.max(1)))
            }
            Body::Recording { .. } | Body::Empty | Body::Written(_) => Weather::Fair,
        }
    })
}
