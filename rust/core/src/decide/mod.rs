//! Deciding: which scenario a visitor is in at each decision point and what that serves. Owns the order of the steps and the
//! reasons; conditions, experiences and state are worked out elsewhere.

mod explain;
mod point;
mod prepare;
mod waiting;

use std::borrow::Cow;
use std::collections::HashSet;

use sha2::{Digest, Sha256};

use crate::consent::PurposeSet;
use crate::engine::Engine;
use crate::events::{self, KeyedUpdate};
use crate::model::ModelSet;
use crate::request::{Arm, Explain, Text};
use crate::scenario::{Cap, Scenario};
use crate::warning::Warning;

pub(crate) use explain::{Explanation, Told};
pub use prepare::{Call, Prepared};
pub(crate) use prepare::{derived_id, unique};
pub use waiting::Waiting;

/// What the page does at a decision point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Shows the value.
    Render,
    /// Shows nothing.
    Omit,
    /// Shows what it would without us.
    Own,
}

impl Action {
    /// The word in answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Render => "render",
            Self::Omit => "omit",
            Self::Own => "own",
        }
    }
}

/// Why a decision came out as it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// No scenario's context is true.
    Fallback,
    /// The unit is in the global holdout.
    Holdout,
    /// The experiment assigned an arm.
    Split,
    /// The scenario applies, outside an experiment.
    TargetingMatch,
    /// The overlay was served as often as it may be.
    Capped,
    /// The decision point is switched off.
    Disabled,
    /// The node had no time left to decide.
    Shed,
    /// This decision point failed or is unknown.
    Error,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 8] = [
        Self::Fallback,
        Self::Holdout,
        Self::Split,
        Self::TargetingMatch,
        Self::Capped,
        Self::Disabled,
        Self::Shed,
        Self::Error,
    ];

    /// The word in answers and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fallback => "FALLBACK",
            Self::Holdout => "HOLDOUT",
            Self::Split => "SPLIT",
            Self::TargetingMatch => "TARGETING_MATCH",
            Self::Capped => "CAPPED",
            Self::Disabled => "DISABLED",
            Self::Shed => "SHED",
            Self::Error => "ERROR",
        }
    }
}

/// What is switched off at run time, whatever the bundle says.
#[derive(Clone, Debug, Default)]
pub struct Switches {
    /// Scenarios that are passed over.
    pub scenarios: HashSet<String>,
    /// Decision points that serve their fallback.
    pub points: HashSet<String>,
}

/// The decision for one decision point.
#[derive(Debug)]
pub struct Decision<'e> {
    /// What the page does.
    pub action: Action,
    /// The JSON value to render.
    pub value: Option<&'e [u8]>,
    /// Why.
    pub reason: Reason,
    /// The scenario the visitor is in.
    pub scenario: Option<&'e Scenario>,
    /// The pathway, once a scenario applies.
    pub pathway: Option<&'e str>,
    /// The segment whose overlay would be served in arm `personalized`.
    pub would_be_segment: Option<&'e str>,
    /// Whether that overlay changes what is served.
    pub differs: bool,
    /// The segment whose overlay was served.
    pub segment: Option<&'e str>,
    /// The arm.
    pub arm: Option<Arm>,
    /// Whether this counts in the experiment.
    pub in_experiment: bool,
    pub(crate) told: Option<Told<'e>>,
    pub(crate) explanation: Option<Explanation<'e>>,
    pub(crate) limited_by: PurposeSet,
    pub(crate) cap: Option<Cap>,
}

impl<'e> Decision<'e> {
    /// A decision that no scenario has a part in.
    const fn bare(action: Action, value: Option<&'e [u8]>, reason: Reason) -> Self {
        Self {
            action,
            value,
            reason,
            scenario: None,
            pathway: None,
            would_be_segment: None,
            differs: false,
            segment: None,
            arm: None,
            in_experiment: false,
            told: None,
            explanation: None,
            limited_by: PurposeSet::EMPTY,
            cap: None,
        }
    }
}

/// All decisions of one request, before anything is written.
#[derive(Debug)]
pub struct Decided<'e, 'b> {
    pub(crate) engine: &'e Engine,
    pub(crate) prepared: Prepared<'b>,
    /// Decisions with the name of their decision point and their id, in the order asked.
    pub decisions: Vec<(Cow<'b, str>, String, Decision<'e>)>,
}

impl Engine {
    /// Decides every decision point of a request, or says which models have to run first: only those that a condition on
    /// the way waits for, so a request that no model can change runs none.
    pub fn try_decide<'e, 'b>(
        &'e self,
        prepared: Prepared<'b>,
        switches: &Switches,
    ) -> Result<Decided<'e, 'b>, Box<Waiting<'b>>> {
        let (decisions, wanted) = self.decide_points(&prepared, switches);
        if wanted.is_empty() {
            Ok(self.decided(prepared, decisions))
        } else {
            Err(Box::new(Waiting { prepared, wanted }))
        }
    }

    /// Decides every decision point of a request; outputs of models that have not run are missing.
    pub fn decide<'e, 'b>(&'e self, prepared: Prepared<'b>, switches: &Switches) -> Decided<'e, 'b> {
        let (decisions, _) = self.decide_points(&prepared, switches);
        self.decided(prepared, decisions)
    }

    fn decide_points<'e>(&'e self, prepared: &Prepared<'_>, switches: &Switches) -> (Vec<Decision<'e>>, ModelSet) {
        let matcher = self.index.matcher(&prepared.row);
        let mut decider = point::Decider::new(self, prepared, switches, &matcher);
        let decisions = prepared.points.iter().map(|point| decider.decide(point.as_str())).collect();
        (decisions, decider.wanted())
    }

    fn decided<'e, 'b>(&'e self, mut prepared: Prepared<'b>, decisions: Vec<Decision<'e>>) -> Decided<'e, 'b> {
        let points = std::mem::take(&mut prepared.points).into_iter().map(Text::into_inner);
        let decisions = points.zip(decisions).map(|(point, decision)| {
            let id = decision_id(&prepared.request_id, &point);
            (point, id, decision)
        });
        let decisions = decisions.collect();
        Decided { engine: self, prepared, decisions }
    }
}

impl Decided<'_, '_> {
    /// What has to be written before the answer is sent; nothing for a dry run.
    pub fn updates(&self) -> Vec<KeyedUpdate> {
        if self.prepared.dry_run {
            return Vec::new();
        }
        let mut updates = self.prepared.held.iter().filter_map(|held| self.keyed_update(held)).collect();
        events::join(&mut updates, self.prepared.beside.clone());
        updates
    }

    fn keyed_update(&self, held: &prepare::Held) -> Option<KeyedUpdate> {
        let served = self.decisions.iter().filter_map(|(_, _, decision)| decision.cap);
        let caps: Vec<u64> = served.filter(|cap| cap.scope == held.scope).map(|cap| cap.digest).collect();
        if !held.writes && caps.is_empty() {
            return None;
        }
        let mut update = held.update.clone();
        for digest in caps {
            update.count_cap(digest);
        }
        let ttl_ms = self.engine.scope(held.scope)?.ttl_ms;
        Some(KeyedUpdate { scope: held.scope, key: self.prepared.key(held.scope)?.to_owned(), ttl_ms, update })
    }

    /// The instant the request was decided at, in ms since the epoch.
    pub fn now_ms(&self) -> i64 {
        self.prepared.now_ms
    }

    /// What the request got wrong, as far as it is listed.
    pub fn warnings(&self) -> &[Warning] {
        self.prepared.warnings.listed()
    }

    /// Whether a record could not be read.
    pub fn state_failed(&self) -> bool {
        self.prepared.state_failed
    }

    /// Whether nothing may be written.
    pub fn is_dry_run(&self) -> bool {
        self.prepared.dry_run
    }

    /// How many inline events were acceptable.
    pub fn events_accepted(&self) -> usize {
        self.prepared.events_accepted
    }

    pub(crate) fn explain(&self) -> Explain {
        self.prepared.explain
    }
}

pub(crate) fn decision_id(request_id: &str, point: &str) -> String {
    hex_id(Sha256::new_with_prefix(request_id.as_bytes()).chain_update([0]).chain_update(point.as_bytes()))
}

/// Half of a hash as text: enough that two never meet.
pub(crate) fn hex_id(hash: Sha256) -> String {
    let digest: [u8; 32] = hash.finalize().into();
    let mut text = [0; 32];
    for (digits, byte) in text.chunks_exact_mut(2).zip(digest) {
        digits.copy_from_slice(&[hex_digit(byte >> 4), hex_digit(byte & 0xf)]);
    }
    String::from_utf8_lossy(&text).into_owned()
}

fn hex_digit(value: u8) -> u8 {
    if value < 10 { b'0' + value } else { b'a' - 10 + value }
}
