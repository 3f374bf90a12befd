//! Deciding without a node: tests of a book and golden decisions. Stateless, with a fixed clock, signals of every source.

use jiff::Timestamp;
use serde_json::Value as Json;

use super::Engine;
use crate::answer::Committed;
use crate::bundle::GoldenDocument;
use crate::decide::{Call, Switches};
use crate::error::{BundleError, RequestError};
use crate::state::FreshState;

/// The instant of a rehearsal that names none: 2026-01-01T12:00:00Z.
const REHEARSAL_SECOND: i64 = 1_767_268_800;

impl Engine {
    /// The answer to a request whose signals may be of every source; nothing is kept.
    pub fn rehearse(&self, body: &[u8]) -> Result<Vec<u8>, RequestError> {
        let now = Timestamp::from_second(REHEARSAL_SECOND).unwrap_or_default();
        let call = Call {
            now,
            item: 0,
            gpc: false,
            debug: true,
            allow_at: true,
            trusted: true,
            node: "rehearsal",
            generation: 0,
        };
        let prepared = self.prepare(body, &call, &FreshState)?;
        Ok(self.decide(prepared, &Switches::default()).render(&call, Committed::DryRun))
    }

    /// Replays the golden decisions and returns how many there are; the first that differs refuses the bundle.
    pub fn self_test(&self) -> Result<usize, BundleError> {
        self.golden.iter().try_for_each(|golden| self.replay(golden))?;
        Ok(self.golden.len())
    }

    fn replay(&self, golden: &GoldenDocument) -> Result<(), BundleError> {
        let place = || format!("golden `{}`", golden.name);
        let answer = self
            .rehearse(golden.request.to_string().as_bytes())
            .map_err(|error| BundleError::new(place(), error.to_string()))?;
        let answer: Json =
            serde_json::from_slice(&answer).map_err(|error| BundleError::new(place(), error.to_string()))?;
        let decisions = answer.get("decisions").unwrap_or(&Json::Null);
        if *decisions == golden.decisions {
            return Ok(());
        }
        Err(BundleError::new(place(), format!("expected {} and got {decisions}", golden.decisions)))
    }
}
