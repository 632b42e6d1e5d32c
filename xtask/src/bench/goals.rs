//! Figures and goals as lines of a table.

use std::fmt::Write as _;

use super::median;

/// What one program reached, a figure a round.
pub(super) struct Reached {
    pub(super) name: String,
    pub(super) figures: Vec<f64>,
}

impl Reached {
    pub(super) fn of(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            figures: Vec::new(),
        }
    }

    pub(super) fn median(&self) -> f64 {
        median(self.figures.clone())
    }
}

/// A ratio that is to be reached.
pub(super) struct Goal<'r> {
    pub(super) ours: &'r Reached,
    /// `None` for a peer that could not be installed.
    pub(super) beside: Option<&'r Reached>,
    pub(super) beside_name: &'r str,
    pub(super) least: f64,
}

impl Goal<'_> {
    fn line(&self) -> String {
        let (name, least) = (self.beside_name, self.least);
        let Some(beside) = self.beside else {
            return format!("unknown  {name} is not here; goal ≥ {least:.2}");
        };
        // Rounds alternate, so what else the machine did hits both halves of a round alike.
        let pairs = self.ours.figures.iter().zip(&beside.figures);
        let ratio = median(pairs.map(|(ours, theirs)| ours / theirs).collect());
        let met = if ratio >= least { "met    " } else { "NOT met" };
        format!(
            "{met}  {}: {ratio:.2} of {name}, goal ≥ {least:.2}",
            self.ours.name
        )
    }
}

/// Medians with the least and the greatest, then the goals.
pub(super) fn table(title: &str, unit: &str, reached: &[&Reached], goals: &[Goal<'_>]) -> String {
    let mut out = format!("\n{title}\n");
    for one in reached {
        let least = one.figures.iter().copied().fold(f64::INFINITY, f64::min);
        let most = one.figures.iter().copied().fold(0.0, f64::max);
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "  {:<62} {:>9.0} {unit}  ({least:.0} to {most:.0})",
            one.name,
            one.median()
        );
    }
    for goal in goals {
        let _ = writeln!(out, "  {}", goal.line());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reached(name: &str, figures: &[f64]) -> Reached {
        Reached {
            name: name.to_owned(),
            figures: figures.to_vec(),
        }
    }

    #[test]
    fn a_goal_is_judged_by_the_rounds_ratios() {
        let ours = reached("ours", &[80.0, 40.0, 90.0]);
        let bound = reached("the bound", &[100.0, 50.0, 100.0]);
        let goal = |least| Goal {
            ours: &ours,
            beside: Some(&bound),
            beside_name: "the bound",
            least,
        };
        assert!(goal(0.8).line().starts_with("met "), "{}", goal(0.8).line());
        assert!(goal(0.81).line().starts_with("NOT met"));
    }

    #[test]
    fn a_peer_that_is_not_here_is_neither_beaten_nor_ahead() {
        let ours = reached("ours", &[1.0]);
        let goal = Goal {
            ours: &ours,
            beside: None,
            beside_name: "peer",
            least: 10.0,
        };
        assert!(table("row", "/s", &[&ours], &[goal]).contains("unknown  peer is not here"));
    }
}
