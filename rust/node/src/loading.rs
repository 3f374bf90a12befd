//! Bundles made ready to decide, and given up again, while decisions go on. Decides nothing and reads no file.

use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use edgewise_core::engine::Engine;
use edgewise_core::error::BundleError;

use crate::background::{later, patiently};

/// A bundle of at most so many bytes is compiled, in a few milliseconds, before a thread could be asked to.
pub const SMALL_BYTES_MAX: usize = 64 << 10;
/// An engine of at most so many scenarios is freed in well under a millisecond.
const SMALL_SCENARIOS_MAX: usize = 64;

/// How long a compilation may be kept waiting by everything else, whatever it takes.
const PATIENCE: Duration = Duration::from_millis(500);
/// And how many bytes it has to get done in a second: a third of what it does on a processor of its own.
const BYTES_PER_S: usize = 8 << 20;
/// A golden decision gets so long, many times what it takes on a processor of its own,
const GOLDEN_PATIENCE: Duration = Duration::from_millis(1);
/// and all of a bundle together get no longer than this.
const GOLDENS_PATIENCE_MAX: Duration = Duration::from_secs(10);

/// Compiles a bundle with processor time that nobody else wants, as long as there is enough of that.
///
/// The background gets a copy: it may be the last to let go, and what the caller holds may take a lock to be let go of.
pub fn compile(bytes: &[u8]) -> Result<Engine, BundleError> {
    if bytes.len() <= SMALL_BYTES_MAX {
        return Engine::from_bundle(bytes);
    }
    let copy = bytes.to_vec();
    patiently(patience(bytes.len()), move |go_on| {
        let engine = Engine::from_bundle_while(&copy, go_on)?;
        engine.defaults();
        Ok(engine)
    })
}

/// How long a compilation may take in the background.
fn patience(size: usize) -> Duration {
    PATIENCE + Duration::from_millis((size / (BYTES_PER_S / 1000)) as u64)
}

/// How long a self-test may take in the background.
fn patience_with_goldens(count: usize) -> Duration {
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    PATIENCE + GOLDEN_PATIENCE.saturating_mul(count).min(GOLDENS_PATIENCE_MAX)
}

/// A compiled bundle that several hold. Whoever lets go of it last does not wait until it is freed.
#[derive(Clone, Debug)]
pub struct SharedEngine(ManuallyDrop<Arc<Engine>>);

impl SharedEngine {
    /// Shares an engine.
    pub fn new(engine: Engine) -> Self {
        Self(ManuallyDrop::new(Arc::new(engine)))
    }

    /// Replays the golden decisions as [`compile`] compiles.
    pub fn self_test_patiently(&self) -> Result<usize, BundleError> {
        let engine = self.clone();
        patiently(patience_with_goldens(self.golden_count()), move |go_on| engine.self_test_while(go_on))
    }
}

impl Deref for SharedEngine {
    type Target = Engine;

    fn deref(&self) -> &Engine {
        &self.0
    }
}

impl Drop for SharedEngine {
    fn drop(&mut self) {
        // SAFETY: taken once, here, and nothing uses it afterwards.
        let ours = unsafe { ManuallyDrop::take(&mut self.0) };
        let Some(last) = Arc::into_inner(ours) else { return };
        if last.scenario_count() > SMALL_SCENARIOS_MAX {
            later(move || drop(last));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn bundle(scenarios: usize) -> Vec<u8> {
        let scenario = |number: usize| {
            json!({
                "id": format!("s-{number}"), "version": 1, "digest": "", "priority": number,
                "context": format!("page.name == 'p{number}'"), "pathways": [{"id": "all", "when": null}],
                "decisionPoints": [{"id": "main", "default": {"content": "x".repeat(200)}}],
            })
        };
        json!({
            "format": "edgewise/bundle/1", "timezone": "UTC",
            "signals": {"page.name": {"type": "string", "source": "request"}},
            "decisionPoints": {"main": {"fallback": null}},
            "scenarios": (0..scenarios).map(scenario).collect::<Vec<_>>(),
        })
        .to_string()
        .into_bytes()
    }

    #[test]
    fn a_bundle_of_any_size_is_the_same_engine_as_when_it_is_compiled_at_once() {
        for scenarios in [1, 1000] {
            let bytes = bundle(scenarios);
            let (there, here) = (compile(&bytes).unwrap(), Engine::from_bundle(&bytes).unwrap());
            assert_eq!((there.digest(), there.defaults()), (here.digest(), here.defaults()));
            assert_eq!(there.scenario_count(), scenarios);
        }
        assert!(bundle(1000).len() > SMALL_BYTES_MAX);
    }

    #[test]
    fn a_large_bundle_that_is_wrong_is_refused_as_a_small_one_is() {
        let mut bytes = bundle(1000);
        bytes.truncate(bytes.len() - 1);
        assert!(compile(&bytes).is_err());
    }

    #[test]
    fn the_last_who_lets_go_frees_it_and_nobody_before() {
        let shared = SharedEngine::new(compile(&bundle(1000)).unwrap());
        let other = shared.clone();
        drop(shared);
        assert_eq!(other.scenario_count(), 1000);
        assert_eq!(other.self_test_patiently().unwrap(), 0);
    }

    #[test]
    fn patience_grows_with_the_work_and_has_an_end() {
        assert_eq!(patience(0), PATIENCE);
        assert!(patience(edgewise_core::bundle::BUNDLE_BYTES_MAX) < Duration::from_secs(70));
        assert_eq!(patience_with_goldens(0), PATIENCE);
        assert_eq!(patience_with_goldens(700), Duration::from_millis(1200));
        assert_eq!(patience_with_goldens(usize::MAX), PATIENCE + GOLDENS_PATIENCE_MAX);
    }
}
