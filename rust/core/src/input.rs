//! Untyped values as callers send them. Owns their shape; a signal's declaration decides what they mean.

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};

/// One JSON value out of a request, borrowing its text where it can.
#[derive(Clone, Debug, PartialEq)]
pub enum Input<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number without fraction that fits.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// Text.
    String(Cow<'a, str>),
    /// An array.
    List(Vec<Input<'a>>),
    /// An instant, from callers that have a type for it.
    Timestamp(Timestamp),
    /// A length of time, from callers that have a type for it.
    Duration(SignedDuration),
    /// Whatever no signal can hold.
    Other,
}
