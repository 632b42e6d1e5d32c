//! The analysis that the server runs: `telemetry` over the object's bytes.

use std::io::BufRead;

use super::{AnalyseError, Analysed, Request};
use crate::objects::DerivedDraft;
use crate::store::sessions::Failure;

/// See [`super::Analyse`].
pub fn analyse_with_telemetry(
    _input: &mut dyn BufRead,
    _request: &Request,
    _draft: &mut DerivedDraft,
) -> Result<Analysed, AnalyseError> {
    Err(AnalyseError::Unusable(Failure {
        code: "not_linked".to_owned(),
        message: "This build has no analysis yet.".to_owned(),
        line: None,
    }))
}
