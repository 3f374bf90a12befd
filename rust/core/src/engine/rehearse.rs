//! Deciding without a node: tests of a book and golden decisions. Stateless, with a fixed clock, signals of every source.
//! Running a model is up to whoever rehearses; golden decisions bring the outputs they were made with.

use jiff::Timestamp;
use serde_json::Value as Json;

use super::{Engine, heed};
use crate::answer::Committed;
use crate::bundle::GoldenDocument;
use crate::decide::{Call, Prepared, Switches, Waiting};
use crate::error::{BundleError, RequestError};
use crate::model::GivenUp;
use crate::state::FreshState;

/// The instant of a rehearsal that names none: 2026-01-01T12:00:00Z.
const REHEARSAL_SECOND: i64 = 1_767_268_800;

impl Engine {
    /// The answer to a request whose signals may be of every source; nothing is kept. `run` gives the outputs of a model by
    /// name for one row of ids and values, or nothing; it is asked only where a decision waits for it, once a model.
    pub fn rehearse(
        &self,
        body: &[u8],
        mut run: impl FnMut(&str, &[i32], &[f32]) -> Option<Vec<f32>>,
    ) -> Result<Vec<u8>, RequestError> {
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
        let switches = Switches::default();
        let mut prepared = self.prepare(body, &call, &FreshState)?;
        for _ in &self.models {
            prepared = match self.try_decide(prepared, &switches) {
                Ok(decided) => return Ok(decided.render(&call, Committed::DryRun)),
                Err(waiting) => self.settled(*waiting, &mut run),
            };
        }
        Ok(self.decide(prepared, &switches).render(&call, Committed::DryRun))
    }

    fn settled<'b>(
        &self,
        mut waiting: Waiting<'b>,
        run: &mut impl FnMut(&str, &[i32], &[f32]) -> Option<Vec<f32>>,
    ) -> Prepared<'b> {
        for (index, model) in waiting.wanted(self).collect::<Vec<_>>() {
            let (mut ids, mut vals) = (vec![0; model.spec.slots()], vec![0.0; model.spec.slots()]);
            waiting.extract(model, &mut ids, &mut vals);
            waiting.settle(self, index, run(&model.name, &ids, &vals).as_deref().ok_or(GivenUp::Absent));
        }
        waiting.into_prepared()
    }

    /// Replays the golden decisions and returns how many there are; the first that differs refuses the bundle.
    pub fn self_test(&self) -> Result<usize, BundleError> {
        self.self_test_while(&|| true)
    }

    /// The same, given up as soon as `go_on`, which is asked before each of them, says no.
    pub fn self_test_while(&self, go_on: &dyn Fn() -> bool) -> Result<usize, BundleError> {
        for golden in &self.golden {
            heed(go_on)?;
            self.replay(golden)?;
        }
        Ok(self.golden_count())
    }

    fn replay(&self, golden: &GoldenDocument) -> Result<(), BundleError> {
        let place = || format!("golden `{}`", golden.name);
        let answer = self
            .rehearse(golden.request.to_string().as_bytes(), |model, _, _| golden.outputs.get(model).cloned())
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
