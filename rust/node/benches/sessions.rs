//! How long a worker waits for its records, and how many it reads in a second. Run with `cargo bench -p edgewise-node`.
#![allow(clippy::print_stdout, reason = "a benchmark reports")]
#![allow(clippy::unwrap_used, reason = "a benchmark that meets the unexpected should stop")]

use std::time::{Duration, Instant};

use edgewise_core::input::Input;
use edgewise_core::state::{Aggregate, AggregateKind, AggregateSpec, Event, Plan, Record, Scope, StateSource, Update};
use edgewise_core::value::Type;
use edgewise_node::sessions::{Options, SessionStore, Write, prepare};

const NOW_MS: i64 = 1_795_255_200_000;
const TTL_MS: i64 = 1_800_000;
const KEYS: usize = 200_000;
const DEADLINE: Duration = Duration::from_secs(10);

fn plan() -> Plan {
    let mut plan = Plan::default();
    let standard = [
        (AggregateKind::Count, None, Type::Int),
        (AggregateKind::Since, None, Type::Duration),
        (AggregateKind::Sum, Some("price"), Type::Float),
        (AggregateKind::Last, Some("category"), Type::String),
        (AggregateKind::Decay, None, Type::Float),
        (AggregateKind::Ring, Some("category"), Type::StringSet),
    ];
    for (kind, property, value_type) in standard {
        let spec = AggregateSpec {
            kind,
            event: "Product Viewed".into(),
            property: property.map(Into::into),
            half_life_ms: (kind == AggregateKind::Decay).then_some(600_000),
            size: (kind == AggregateKind::Ring).then_some(8),
            equals: None,
            cap_ms: None,
            value_type,
        };
        plan.add(Aggregate::new(spec).unwrap()).unwrap();
    }
    plan
}

fn update(plan: &Plan, id: &str) -> Update {
    let event = Event {
        id: id.into(),
        name: "Product Viewed".into(),
        time_ms: NOW_MS,
        properties: vec![("category".into(), Input::String("shoes".into())), ("price".into(), Input::Float(49.9))],
    };
    plan.update(&[event], |_| false, &[])
}

fn write(plan: &Plan, key: usize, id: &str) -> Write {
    Write { scope: Scope::Session, key: format!("session-{key}"), ttl_ms: TTL_MS, update: update(plan, id) }
}

/// Keys in an order without pattern.
fn scattered(count: usize) -> impl Iterator<Item = usize> {
    (0..count).map(|number| number.wrapping_mul(2_654_435_761) % KEYS)
}

fn quantiles(name: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |quantile: usize| times.get((times.len() - 1) * quantile / 1_000).copied().unwrap();
    println!("{name:<32} p50 {:>9.1?}  p99 {:>9.1?}  p99.9 {:>9.1?}  n {}", at(500), at(990), at(999), times.len());
}

fn rate(name: &str, count: usize, elapsed: Duration) {
    #[allow(clippy::cast_precision_loss, reason = "a rate is rounded anyway")]
    let per_second = count as f64 / elapsed.as_secs_f64();
    println!("{name:<32} {per_second:>12.0} /s");
}

fn main() {
    let dir = tempfile::tempdir().unwrap();
    prepare(dir.path()).unwrap();
    let store = SessionStore::open(dir.path(), Options::default()).unwrap();
    let plan = plan();

    let started = Instant::now();
    for first in (0..KEYS).step_by(1_000) {
        let writes = (first..first + 1_000).map(|key| write(&plan, key, "e0")).collect();
        assert!(store.commit(writes, NOW_MS, DEADLINE).iter().all(Result::is_ok));
    }
    rate("new records, batches of 1000", KEYS, started.elapsed());

    let one = |round: &str, count| {
        let mut times = Vec::with_capacity(count);
        for (number, key) in scattered(count).enumerate() {
            let writes = vec![write(&plan, key, &format!("{round}{number}"))];
            let started = Instant::now();
            assert!(store.commit(writes, NOW_MS, DEADLINE).iter().all(Result::is_ok));
            times.push(started.elapsed());
        }
        times
    };
    quantiles("commit of one update", one("a", 20_000));

    let started = Instant::now();
    let found =
        scattered(KEYS).filter(|key| store.read(Scope::Session, &format!("session-{key}"), NOW_MS).unwrap().is_some());
    assert_eq!(found.count(), KEYS);
    rate("reads, one thread", KEYS, started.elapsed());

    let started = Instant::now();
    for (batch, first) in (0..100).zip((0..KEYS).step_by(1_000)) {
        let writes = (first..first + 1_000).map(|key| write(&plan, key, &format!("b{batch}"))).collect();
        assert!(store.commit(writes, NOW_MS, DEADLINE).iter().all(Result::is_ok));
    }
    rate("updates, batches of 1000", 100_000, started.elapsed());

    let bytes = store.read(Scope::Session, "session-1", NOW_MS).unwrap().unwrap();
    let started = Instant::now();
    for number in 0..100_000 {
        let mut record = Record::decode(&bytes).unwrap();
        record.apply(&update(&plan, &number.to_string()));
        let mut out = Vec::new();
        record.encode(NOW_MS, &mut out);
        assert!(!out.is_empty());
    }
    println!(
        "decode, apply, encode            {:>9.1?} each, record of {} bytes",
        started.elapsed() / 100_000,
        bytes.len()
    );

    drop(store);
    let started = Instant::now();
    assert_eq!(prepare(dir.path()).unwrap().wiped, None);
    println!("check of the files at start        {:>9.1?}", started.elapsed());
    let store = SessionStore::open(dir.path(), Options::default()).unwrap();

    // Everything so far has expired: one update empties the buckets.
    let later_ms = NOW_MS + 4 * TTL_MS;
    let started = Instant::now();
    assert!(store.commit(vec![write(&plan, 0, "z")], later_ms, DEADLINE).iter().all(Result::is_ok));
    println!("first update after expiry of all {:>9.1?}", started.elapsed());
    let mut times = Vec::with_capacity(5_000);
    for number in 0..5_000 {
        let writes = vec![write(&plan, number, "c")];
        let started = Instant::now();
        assert!(store.commit(writes, later_ms, DEADLINE).iter().all(Result::is_ok));
        times.push(started.elapsed());
    }
    quantiles("commit of one update after that", times);
    println!("{:?}", store.stats());
}
