//! One event as state sees it. Already validated: an id, a name, a time that is not ahead of the clock.

use std::borrow::Cow;

use crate::input::Input;

/// Something a visitor did.
#[derive(Clone, Debug, PartialEq)]
pub struct Event<'a> {
    /// The sender's id; an event sent again with it changes nothing.
    pub id: Cow<'a, str>,
    /// The name aggregates select by, as `Product Viewed`.
    pub name: Cow<'a, str>,
    /// When it happened, in ms since the epoch.
    pub time_ms: i64,
    /// What else is known of it.
    pub properties: Vec<(Cow<'a, str>, Input<'a>)>,
}

impl<'a> Event<'a> {
    /// The value of a property.
    pub fn property(&self, name: &str) -> Option<&Input<'a>> {
        self.properties.iter().find(|(property, _)| property == name).map(|(_, value)| value)
    }
}
