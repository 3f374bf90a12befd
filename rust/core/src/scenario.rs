//! A live scenario as it is decided: conditions by id, every experience merged and rendered when the bundle is compiled.
//! Owns what a pathway and a segment would be served; chooses neither.

use crate::bundle::Unit;
use crate::consent::PurposeSet;
use crate::index::ConditionId;
use crate::request::Arm;
use crate::signal::SignalId;
use crate::state::Scope;

/// Buckets that a unit may fall in.
const BUCKETS: f64 = 10_000.0;

/// A live scenario.
#[derive(Debug)]
pub struct Scenario {
    /// Its id.
    pub id: String,
    /// Digest of everything that decides what it serves.
    pub digest: String,
    /// Its context.
    pub context: ConditionId,
    /// Its branches in order; the last has no condition.
    pub pathways: Vec<Pathway>,
    /// Its experiment, if one runs.
    pub experiment: Option<Experiment>,
    /// Purposes of the signals that its context, pathways and named segments read.
    pub purposes: PurposeSet,
    /// The signals that its context, pathways and named segments read, in slot order.
    pub reads: Vec<SignalId>,
    /// What visitors are told.
    pub explanation: Option<String>,
}

/// One branch of a scenario.
#[derive(Debug)]
pub struct Pathway {
    /// Its id.
    pub id: String,
    /// Its condition; none for `otherwise`.
    pub when: Option<ConditionId>,
}

/// What a scenario serves at one decision point.
#[derive(Debug)]
pub struct Plan {
    /// Index of the scenario.
    pub scenario: usize,
    /// What each pathway serves, in the order of the pathways.
    pub pathways: Vec<PathwayPlan>,
}

/// What one pathway serves at one decision point.
#[derive(Debug)]
pub struct PathwayPlan {
    /// What arm `default` gets.
    pub base: Experience,
    /// The overlays that apply to this pathway, in order.
    pub overlays: Vec<Overlay>,
}

/// One segment's version of what a pathway serves.
#[derive(Debug)]
pub struct Overlay {
    /// Name of the segment.
    pub segment: String,
    /// Its condition.
    pub when: ConditionId,
    /// What is served.
    pub experience: Experience,
    /// Whether that differs from what arm `default` gets.
    pub differs: bool,
    /// What visitors are told.
    pub explain: Option<String>,
    /// How often it may be served.
    pub cap: Option<Cap>,
}

/// Something to show, or nothing at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Experience {
    /// Show this JSON value.
    Render(Vec<u8>),
    /// Show nothing.
    Omit,
}

/// A frequency cap on an overlay.
#[derive(Clone, Copy, Debug)]
pub struct Cap {
    /// Names the counter in a record.
    pub digest: u64,
    /// Times the overlay may be served.
    pub max: u32,
    /// The record that counts.
    pub scope: Scope,
}

/// A running experiment.
#[derive(Debug)]
pub struct Experiment {
    /// Which id is drawn.
    pub unit: Unit,
    /// Seed of the bucket.
    pub salt: String,
    as_is_below: f64,
    personalized_from: f64,
}

impl Experiment {
    /// An experiment whose outer arms hold these shares, in percent.
    pub fn new(unit: Unit, salt: String, as_is: f64, personalized: f64) -> Self {
        Self { unit, salt, as_is_below: edge(as_is), personalized_from: BUCKETS - edge(personalized) }
    }

    /// The arm of a bucket in [0, 1): `as_is` from the low end, `personalized` from the high end, `default` between.
    pub fn arm(&self, bucket: f64) -> Arm {
        let bucket = (bucket * BUCKETS).round();
        if bucket < self.as_is_below {
            Arm::AsIs
        } else if bucket >= self.personalized_from {
            Arm::Personalized
        } else {
            Arm::Default
        }
    }
}

/// A share of all units that is kept from every scenario.
#[derive(Debug)]
pub struct Holdout {
    /// Which id is drawn.
    pub unit: Unit,
    /// Seed of the bucket.
    pub salt: String,
    below: f64,
}

impl Holdout {
    /// A holdout of this share, in percent.
    pub fn new(unit: Unit, salt: String, percent: f64) -> Self {
        Self { unit, salt, below: edge(percent) }
    }

    /// Whether a bucket in [0, 1) is held out.
    pub fn holds(&self, bucket: f64) -> bool {
        (bucket * BUCKETS).round() < self.below
    }
}

/// Whole buckets for a share in percent: 0.45 and 1 - 0.55 are not the same float, but 4500 is 4500.
fn edge(percent: f64) -> f64 {
    (percent * BUCKETS / 100.0).round()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outer_arms_grow_from_the_ends_so_nobody_else_moves() {
        let arm = |as_is, personalized, bucket: f64| {
            Experiment::new(Unit::User, "s".to_owned(), as_is, personalized).arm(bucket)
        };
        assert_eq!(
            [0.0, 0.0999, 0.1, 0.5499, 0.55, 0.9999].map(|bucket| arm(10.0, 45.0, bucket)),
            [Arm::AsIs, Arm::AsIs, Arm::Default, Arm::Default, Arm::Personalized, Arm::Personalized]
        );
        for index in 0..10_000 {
            let bucket = f64::from(index) / 10_000.0;
            let (before, after) = (arm(10.0, 20.0, bucket), arm(20.0, 30.0, bucket));
            assert!(before == after || before == Arm::Default, "{bucket}");
        }
    }

    #[test]
    fn a_holdout_of_nothing_holds_nobody() {
        let holdout = |percent| Holdout::new(Unit::User, "s".to_owned(), percent);
        assert!(!holdout(0.0).holds(0.0));
        assert!(holdout(2.0).holds(0.0199) && !holdout(2.0).holds(0.02));
        assert!(holdout(100.0).holds(0.9999));
    }
}
