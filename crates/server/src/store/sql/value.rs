//! What goes into queries and comes out of rows: four types that both engines have, and ours made of them.

use jiff::Timestamp;
use uuid::Uuid;

use super::{Fetched, Row};
use crate::store::{StoreError, bad_row, time_from_row};

/// A value for a `$n`. `None` is NULL of that type: PostgreSQL wants to know which.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Integer(Option<i64>),
    Real(Option<f64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
}

impl Value {
    /// NULL of the same type.
    pub(super) fn null(&self) -> Self {
        match self {
            Self::Integer(_) => Self::Integer(None),
            Self::Real(_) => Self::Real(None),
            Self::Text(_) => Self::Text(None),
            Self::Bytes(_) => Self::Bytes(None),
        }
    }
}

/// What can be bound to a query.
pub trait IntoValue {
    /// NULL of this type.
    const NULL: Value;
    fn into_value(self) -> Value;
}

impl<T: IntoValue> IntoValue for Option<T> {
    const NULL: Value = T::NULL;
    fn into_value(self) -> Value {
        self.map_or(T::NULL, T::into_value)
    }
}

macro_rules! into_value {
    ($($type:ty as $variant:ident: |$value:ident| $made:expr),* $(,)?) => {$(
        impl IntoValue for $type {
            const NULL: Value = Value::$variant(None);
            fn into_value(self) -> Value {
                let $value = self;
                Value::$variant(Some($made))
            }
        }
    )*};
}

into_value! {
    i64 as Integer: |value| value,
    bool as Integer: |value| i64::from(value),
    Timestamp as Integer: |value| value.as_microsecond(),
    f64 as Real: |value| value,
    String as Text: |value| value,
    &String as Text: |value| value.clone(),
    &str as Text: |value| value.to_owned(),
    Uuid as Text: |value| value.to_string(),
    Vec<u8> as Bytes: |value| value,
    &[u8] as Bytes: |value| value.to_vec(),
}

/// One of the four types as a row holds it.
pub trait Raw: Sized {
    fn fetch(row: &Row, column: &str) -> Result<Option<Self>, sqlx::Error>;
}

macro_rules! raw {
    ($($type:ty),*) => {$(
        impl Raw for $type {
            fn fetch(row: &Row, column: &str) -> Result<Option<Self>, sqlx::Error> {
                match &row.0 {
                    Fetched::Sqlite(row) => sqlx::Row::try_get(row, column),
                    Fetched::Postgres(row) => sqlx::Row::try_get(row, column),
                }
            }
        }
    )*};
}

raw!(i64, f64, String, Vec<u8>);

/// A type that is kept in a column.
pub trait Cell: Sized {
    type Raw: Raw;
    /// An error for a value that no code of ours writes.
    fn from_raw(raw: Self::Raw) -> Result<Self, StoreError>;
}

macro_rules! cell {
    ($($type:ty as $raw:ty: |$value:ident| $made:expr),* $(,)?) => {$(
        impl Cell for $type {
            type Raw = $raw;
            fn from_raw($value: $raw) -> Result<Self, StoreError> {
                $made
            }
        }
    )*};
}

cell! {
    i64 as i64: |value| Ok(value),
    bool as i64: |value| Ok(value != 0),
    u64 as i64: |value| u64::try_from(value).map_err(|_| bad_row(format!("a count is {value}"))),
    Timestamp as i64: |value| time_from_row(value),
    f64 as f64: |value| Ok(value),
    String as String: |value| Ok(value),
    Uuid as String: |value| value.parse().map_err(|error| bad_row(format!("an id is {value:?}: {error}"))),
    Vec<u8> as Vec<u8>: |value| Ok(value),
}

/// What [`Row::get`] gives.
pub trait Column: Sized {
    fn read(row: &Row, column: &str) -> Result<Self, StoreError>;
}

impl<T: Cell> Column for T {
    fn read(row: &Row, column: &str) -> Result<Self, StoreError> {
        let raw = T::Raw::fetch(row, column)?.ok_or_else(|| bad_row(format!("{column} is NULL")))?;
        T::from_raw(raw)
    }
}

impl<T: Cell> Column for Option<T> {
    fn read(row: &Row, column: &str) -> Result<Self, StoreError> {
        T::Raw::fetch(row, column)?.map(T::from_raw).transpose()
    }
}
