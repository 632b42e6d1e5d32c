//! Statements over many rows: `VALUES ($2, $3), ($4, $5), …`.
//!
//! The text for a number of rows is made once and kept, and so is what the engine prepared of it: made anew each time, it
//! takes longer than SQLite needs for the rows. It is made for few numbers of rows. Another number takes the next larger; its
//! remaining rows are all NULL, and each statement leaves those out. So what there is to say takes one statement, hence one
//! visit to the connection's thread or one round trip, rather than one for each power of four.

use std::sync::{Arc, OnceLock};

use super::Value;

/// Rows of a statement, below the 32 766 values that SQLite takes and the 65 535 of PostgreSQL. Powers of two: less than
/// half of what is bound is NULL. Ten statements of these nine sizes are what the
/// writer keeps prepared beside all others.
const SIZES: [usize; 9] = [1, 2, 4, 8, 16, 32, 64, 128, 256];
const ROWS_MAX: usize = 256;

/// A statement over many rows. Where it says `$1` that is one value, the team's, and the rows' values follow it.
#[derive(Debug)]
pub struct Many {
    before: &'static str,
    columns: usize,
    behind: &'static str,
    made: [OnceLock<Made>; SIZES.len()],
}

/// The text for one number of rows.
#[derive(Debug)]
struct Made {
    /// Values of all its rows.
    size: usize,
    numbered: Arc<str>,
    /// The same with `?` for each value, in the order of the text.
    unnumbered: Arc<str>,
}

impl Many {
    /// The statement that the rows stand in, cut where they stand.
    #[must_use]
    pub const fn new(before: &'static str, columns: usize, behind: &'static str) -> Self {
        Self {
            before,
            columns,
            behind,
            made: [const { OnceLock::new() }; SIZES.len()],
        }
    }

    /// Pieces that one statement takes.
    pub fn parts<T>(all: &[T]) -> impl Iterator<Item = &[T]> {
        all.chunks(ROWS_MAX)
    }

    pub(in crate::store) fn says(&self, word: &str) -> bool {
        self.before.contains(word) || self.behind.contains(word)
    }

    /// How many values stand before those of the rows.
    fn ahead(&self) -> usize {
        usize::from(self.says("$1"))
    }

    fn made(&self, values: &[Value]) -> &Made {
        let bound = values.len().saturating_sub(self.ahead());
        let rows = bound.div_ceil(self.columns);
        // What is missing would be NULL, and what is too much would be cut.
        debug_assert!(
            bound.is_multiple_of(self.columns) && (1..=ROWS_MAX).contains(&rows),
            "{bound} values in rows of {}: {}",
            self.columns,
            self.before
        );
        let at = SIZES.iter().position(|&size| size >= rows);
        let at = at.unwrap_or(SIZES.len() - 1);
        self.made[at].get_or_init(|| self.make(SIZES[at]))
    }

    fn make(&self, rows: usize) -> Made {
        let first = 1 + self.ahead();
        let numbers: Vec<String> = (first..first + rows * self.columns)
            .map(|number| format!("${number}"))
            .collect();
        let numbered = self.with(&numbers);
        let unnumbered = self.with(&vec!["?".to_owned(); rows * self.columns]);
        Made {
            size: rows * self.columns,
            numbered: numbered.into(),
            unnumbered: unnumbered.replace("$1", "?").into(),
        }
    }

    fn with(&self, places: &[String]) -> String {
        let tuples: Vec<String> = places
            .chunks(self.columns)
            .map(|tuple| format!("({})", tuple.join(", ")))
            .collect();
        [self.before, &tuples.join(", "), self.behind].concat()
    }

    /// The text for PostgreSQL, and its values.
    pub(super) fn numbered(&self, mut values: Vec<Value>) -> (Arc<str>, Vec<Value>) {
        let made = self.made(&values);
        // PostgreSQL wants to know of which type a NULL is.
        let nulls: Vec<Value> = values
            .iter()
            .skip(self.ahead())
            .take(self.columns)
            .map(Value::null)
            .collect();
        let missing = (self.ahead() + made.size).saturating_sub(values.len());
        values.extend(nulls.into_iter().cycle().take(missing));
        (made.numbered.clone(), values)
    }

    /// The text for SQLite, and its values in the order in which they stand.
    ///
    /// SQLite keeps the names `$n` in a list, which is gone through from its beginning for each value that is bound: a statement
    /// with thousands of them would spend most of its time there. A `?` has no name.
    pub(super) fn unnumbered(&self, values: Vec<Value>) -> (Arc<str>, Vec<Value>) {
        let made = self.made(&values);
        let mut values = values.into_iter();
        let ahead: Vec<Value> = values.by_ref().take(self.ahead()).collect();
        let team = |text: &str| ahead.iter().cycle().take(text.matches("$1").count()).cloned();
        let mut ordered: Vec<Value> = team(self.before).collect();
        let rows_end = ordered.len() + made.size;
        ordered.extend(values);
        ordered.resize(rows_end, Value::Integer(None));
        ordered.extend(team(self.behind));
        (made.unnumbered.clone(), ordered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sql::IntoValue;

    static PAIRS: Many = Many::new("WITH w(a, b) AS (VALUES ", 2, ") SELECT $1, a, b FROM w");

    static NAMES: Many = Many::new("WITH w(a) AS (VALUES ", 1, ") SELECT a FROM w");

    fn three_rows() -> Vec<Value> {
        ["team", "a1", "b1", "a2", "b2", "a3", "b3"]
            .map(IntoValue::into_value)
            .to_vec()
    }

    #[test]
    fn rows_that_are_left_are_null() {
        let (text, values) = PAIRS.numbered(three_rows());
        assert_eq!(
            &*text,
            "WITH w(a, b) AS (VALUES ($2, $3), ($4, $5), ($6, $7), ($8, $9)) SELECT $1, a, b FROM w"
        );
        let mut expected = three_rows();
        expected.extend([Value::Text(None), Value::Text(None)]);
        assert_eq!(values, expected);
    }

    #[test]
    fn without_numbers_the_values_stand_in_order() {
        let (text, values) = PAIRS.unnumbered(three_rows());
        assert_eq!(
            &*text,
            "WITH w(a, b) AS (VALUES (?, ?), (?, ?), (?, ?), (?, ?)) SELECT ?, a, b FROM w"
        );
        assert_eq!(values[..6], three_rows()[1..]);
        assert_eq!(values[6..8], [Value::Integer(None), Value::Integer(None)]);
        assert_eq!(values[8], "team".into_value());
    }

    #[test]
    fn what_is_of_no_team_begins_with_its_rows() {
        let name = || vec!["a".into_value()];
        let one = NAMES.numbered(name());
        assert_eq!(
            (&*one.0, one.1),
            ("WITH w(a) AS (VALUES ($1)) SELECT a FROM w", name())
        );
        let one = NAMES.unnumbered(name());
        assert_eq!(
            (&*one.0, one.1),
            ("WITH w(a) AS (VALUES (?)) SELECT a FROM w", name())
        );
    }

    #[test]
    fn a_statement_takes_no_more_rows_than_it_is_made_for() {
        let all: Vec<usize> = (0..600).collect();
        let sizes: Vec<usize> = Many::parts(&all).map(<[usize]>::len).collect();
        assert_eq!(sizes, [256, 256, 88]);
        assert_eq!(Many::parts::<u8>(&[]).count(), 0);
    }
}
