//! The session store as its users see it: what is written is read, expires, moves, is erased, and never makes them wait.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use edgewise_core::input::Input;
use edgewise_core::signal::Reading;
use edgewise_core::state::{
    Aggregate, AggregateKind, AggregateSpec, Applied, Event, Plan, Record, Scope, StateSource, StateUnavailable, Update,
};
use edgewise_core::value::{Type, Value};

use super::layout::enter;
use super::{Clocks, Options, SHARDS, SessionStore, SessionsError, Wiped, Write, mark_clean, prepare};

const NOW_MS: i64 = 1_795_255_200_000;
const TTL_MS: i64 = 1_800_000;
const YEAR_MS: i64 = 365 * 86_400_000;
const DEADLINE: Duration = Duration::from_secs(5);

fn views() -> Aggregate {
    Aggregate::new(AggregateSpec {
        kind: AggregateKind::Count,
        event: "Product Viewed".into(),
        property: None,
        half_life_ms: None,
        size: None,
        equals: None,
        cap_ms: None,
        value_type: Type::Int,
    })
    .unwrap()
}

fn viewed(id: &str, time_ms: i64) -> Update {
    let mut plan = Plan::default();
    plan.add(views()).unwrap();
    let properties = vec![("category".into(), Input::Null)];
    let event = Event { id: id.into(), name: "Product Viewed".into(), time_ms, properties };
    plan.update(&[event], |_| false, &[])
}

fn write(key: &str, id: &str, ttl_ms: i64, now_ms: i64) -> Write {
    Write { scope: Scope::Session, key: key.into(), ttl_ms, update: viewed(id, now_ms) }
}

fn open(dir: &Path) -> SessionStore {
    prepare(dir).unwrap();
    SessionStore::open(dir, Options::default()).unwrap()
}

fn view(store: &SessionStore, key: &str, id: &str, ttl_ms: i64, now_ms: i64) -> Result<Applied, StateUnavailable> {
    store.commit(vec![write(key, id, ttl_ms, now_ms)], now_ms, DEADLINE).remove(0)
}

fn count(store: &SessionStore, key: &str, now_ms: i64) -> Option<i64> {
    let bytes = store.read(Scope::Session, key, now_ms).unwrap()?;
    match Record::decode(&bytes).unwrap().read(&views(), now_ms) {
        Reading::Known(Value::Int(count)) => Some(count),
        other => panic!("a count is an int, not {other:?}"),
    }
}

#[test]
fn what_is_committed_is_read_until_it_expires() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    assert_eq!(count(&store, "s-1", NOW_MS), None);
    assert_eq!(view(&store, "s-1", "e1", TTL_MS, NOW_MS).map(|applied| applied.accepted), Ok(1));
    assert_eq!(view(&store, "s-1", "e1", TTL_MS, NOW_MS).map(|applied| applied.duplicates), Ok(1));
    assert_eq!(view(&store, "s-1", "e2", TTL_MS, NOW_MS + 1_000).map(|applied| applied.accepted), Ok(1));

    assert_eq!(count(&store, "s-1", NOW_MS + TTL_MS + 999), Some(2));
    assert_eq!(count(&store, "s-1", NOW_MS + TTL_MS + 1_000), None);
    view(&store, "s-1", "e3", TTL_MS, NOW_MS + 2 * TTL_MS).unwrap();
    assert_eq!(count(&store, "s-1", NOW_MS + 2 * TTL_MS), Some(1));
}

#[test]
fn an_update_that_changes_nothing_prolongs_a_record_but_makes_none() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let touch = |key: &str, now_ms| {
        let write = Write { update: Update::default(), ..write(key, "", TTL_MS, now_ms) };
        store.commit(vec![write], now_ms, DEADLINE).remove(0).unwrap()
    };
    view(&store, "s-1", "e1", TTL_MS, NOW_MS).unwrap();
    touch("s-1", NOW_MS + TTL_MS - 1);
    touch("s-2", NOW_MS);
    assert_eq!(count(&store, "s-1", NOW_MS + 2 * TTL_MS - 2), Some(1));
    assert_eq!(count(&store, "s-2", NOW_MS), None);
}

#[test]
fn a_touched_record_moves_from_bucket_to_bucket() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    for step in 0..20 {
        let now_ms = NOW_MS + step * TTL_MS * 2 / 3;
        view(&store, "s-1", &format!("e{step}"), TTL_MS, now_ms).unwrap();
        assert_eq!(count(&store, "s-1", now_ms), Some(step + 1));
    }
}

#[test]
fn time_frees_what_has_expired() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let fill = |now_ms| {
        let writes = (0..2_000).map(|key| write(&format!("s-{key}-{now_ms}"), "e1", TTL_MS, now_ms)).collect();
        assert!(store.commit(writes, now_ms, DEADLINE).iter().all(Result::is_ok));
        store.shards.iter().map(|(shard, _)| shard.pages().unwrap()).sum::<usize>()
    };
    let pages: Vec<_> = (0..8).map(|step| fill(NOW_MS + step * 4 * TTL_MS)).collect();
    assert!(pages.iter().max() <= pages.iter().min().map(|least| least * 2).as_ref(), "{pages:?}");
    drop(store);
    assert_eq!(prepare(dir.path()).unwrap().wiped, None, "a file that was used hard is no damaged one");
}

#[test]
fn a_lifetime_that_is_no_longer_declared_is_swept_too() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let fill = |ttl_ms, now_ms| {
        let writes = (0..2_000).map(|key| write(&format!("s-{key}-{now_ms}"), "e1", ttl_ms, now_ms)).collect();
        assert!(store.commit(writes, now_ms, DEADLINE).iter().all(Result::is_ok));
        store.shards.iter().map(|(shard, _)| shard.pages().unwrap()).sum::<usize>()
    };
    let pages = fill(TTL_MS, NOW_MS);
    assert!(fill(2 * TTL_MS, NOW_MS + 8 * TTL_MS) <= pages + 8);
}

#[test]
fn bundles_with_other_lifetimes_share_a_record() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    for (step, ttl_ms) in [TTL_MS, 20 * TTL_MS, TTL_MS, 300 * TTL_MS, TTL_MS].into_iter().enumerate() {
        let now_ms = NOW_MS + i64::try_from(step).unwrap() * 1_000;
        view(&store, "s-1", &format!("e{step}"), ttl_ms, now_ms).unwrap();
    }
    assert_eq!(count(&store, "s-1", NOW_MS + 10_000), Some(5));
    assert_eq!(count(&store, "s-1", NOW_MS + 2 * TTL_MS), None);
}

#[test]
fn a_clock_set_back_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    view(&store, "s-1", "e1", TTL_MS, NOW_MS).unwrap();
    view(&store, "s-2", "e1", TTL_MS, NOW_MS - 86_400_000).unwrap();
    assert_eq!(count(&store, "s-1", NOW_MS), Some(1));
    assert_eq!(count(&store, "s-2", NOW_MS - 86_400_000), Some(1));
}

#[test]
fn a_moved_clock_does_not_reach_the_buckets() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    for key in 0..100 {
        view(&store, &format!("s-{key}"), "e1", TTL_MS, NOW_MS).unwrap();
    }
    let moved_ms = NOW_MS + 73 * YEAR_MS;
    for key in 0..8 {
        let clocks = Clocks { now_ms: moved_ms, wall_ms: NOW_MS };
        let write = write(&format!("moved-{key}"), "e1", TTL_MS, moved_ms);
        assert!(store.commit(vec![write], clocks, DEADLINE).iter().all(Result::is_ok));
    }
    assert!((0..100).all(|key| count(&store, &format!("s-{key}"), NOW_MS + TTL_MS - 1) == Some(1)));
    assert_eq!(count(&store, "moved-0", moved_ms + TTL_MS - 1), Some(1));
    assert_eq!(count(&store, "moved-0", moved_ms + TTL_MS), None);
    let fill = |now_ms| {
        let writes = (0..100).map(|key| write(&format!("later-{key}-{now_ms}"), "e1", TTL_MS, now_ms)).collect();
        assert!(store.commit(writes, now_ms, DEADLINE).iter().all(Result::is_ok));
    };
    (1..4).for_each(|step| fill(NOW_MS + step * 2 * TTL_MS));
    assert_eq!(count(&store, "moved-0", NOW_MS), None, "its bucket has turned by the wall clock");
}

#[test]
fn a_record_that_a_moved_clock_rewrites_lies_in_one_bucket() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    view(&store, "s-1", "e1", TTL_MS, NOW_MS).unwrap();
    view(&store, "s-1", "e2", TTL_MS, NOW_MS + 1).unwrap();
    let (wall_ms, moved_ms) = (NOW_MS + TTL_MS - 1, NOW_MS + YEAR_MS);
    let moved = vec![write("s-1", "e3", TTL_MS, moved_ms)];
    assert!(store.commit(moved, Clocks { now_ms: moved_ms, wall_ms }, DEADLINE).iter().all(Result::is_ok));
    assert_eq!(count(&store, "s-1", wall_ms), Some(1), "what had expired for the moved clock is not found again");
}

#[test]
fn buckets_of_a_clock_that_ran_ahead_take_their_turn() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let fill = |now_ms: i64| {
        let writes = (0..2_000).map(|key| write(&format!("s-{key}-{now_ms}"), "e1", TTL_MS, now_ms)).collect();
        assert!(store.commit(writes, now_ms, DEADLINE).iter().all(Result::is_ok));
        store.shards.iter().map(|(shard, _)| shard.pages().unwrap()).sum::<usize>()
    };
    let ahead_ms = NOW_MS + 73 * YEAR_MS;
    fill(ahead_ms);
    fill(ahead_ms + TTL_MS);
    assert_eq!(count(&store, &format!("s-0-{ahead_ms}"), NOW_MS), Some(1), "a clock that is set back loses nothing");
    let pages: Vec<_> = (0..12).map(|step| fill(NOW_MS + step * 2 * TTL_MS)).collect();
    assert!(pages[4..].iter().max() < pages[..2].iter().max(), "{pages:?}");
    assert_eq!(count(&store, &format!("s-0-{ahead_ms}"), NOW_MS), None);
}

#[test]
fn scopes_and_keys_are_apart() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let long = "k".repeat(5_000);
    view(&store, &long, "e1", TTL_MS, NOW_MS).unwrap();
    assert_eq!(count(&store, &long, NOW_MS), Some(1));
    assert_eq!(count(&store, &long[1..], NOW_MS), None);
    assert_eq!(store.read(Scope::Journey, &long, NOW_MS), Ok(None));
}

#[test]
fn a_record_that_does_not_decode_starts_anew() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    view(&store, "s-1", "e1", TTL_MS, NOW_MS).unwrap();
    let mut bytes = store.read(Scope::Session, "s-1", NOW_MS).unwrap().unwrap();
    let end = bytes.len() - 3;
    bytes.truncate(end);
    let (shard, _) = &store.shards[super::key::shard(Scope::Session, "s-1")];
    shard.put(Scope::Session, "s-1", TTL_MS, NOW_MS, &bytes).unwrap();

    let applied = view(&store, "s-1", "e1", TTL_MS, NOW_MS).unwrap();
    assert_eq!((applied.accepted, applied.restarted), (1, true));
    assert_eq!(count(&store, "s-1", NOW_MS), Some(1));
    assert_eq!(store.stats().decode_failures, 1);
    assert!(!view(&store, "s-1", "e2", TTL_MS, NOW_MS).unwrap().restarted);
}

#[test]
fn erasing_reaches_every_bucket() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    view(&store, "s-1", "e1", TTL_MS, NOW_MS).unwrap();
    view(&store, "s-2", "e1", TTL_MS, NOW_MS).unwrap();
    assert_eq!(store.erase(Scope::Session, "s-1", NOW_MS, DEADLINE), Ok(true));
    assert_eq!(store.erase(Scope::Session, "s-1", NOW_MS, DEADLINE), Ok(false));
    assert_eq!([count(&store, "s-1", NOW_MS), count(&store, "s-2", NOW_MS)], [None, Some(1)]);
}

#[test]
fn a_batch_is_answered_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    view(&store, "s-7", "e1", TTL_MS, NOW_MS).unwrap();
    let writes = (0..3_000).map(|key| write(&format!("s-{key}"), "e1", TTL_MS, NOW_MS)).collect();
    let applied = store.commit(writes, NOW_MS, DEADLINE);
    for (key, applied) in applied.into_iter().enumerate() {
        assert_eq!(applied.unwrap().duplicates, u32::from(key == 7), "{key}");
    }
    assert_eq!(store.stats().commits, 3_001);
}

#[test]
fn threads_that_write_the_same_records_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let store = &store;
            scope.spawn(move || {
                for number in 0..100 {
                    let id = format!("e-{thread}-{number}");
                    let writes = ["s-1", "s-2", "s-3"].map(|key| write(key, &id, TTL_MS, NOW_MS)).into();
                    assert!(store.commit(writes, NOW_MS, DEADLINE).iter().all(Result::is_ok));
                }
            });
        }
    });
    assert_eq!(["s-1", "s-2", "s-3"].map(|key| count(&store, key, NOW_MS)), [Some(400); 3]);
    assert!(store.stats().transactions <= store.stats().commits, "what has gathered shares a transaction");
}

#[test]
fn a_full_file_gives_up_what_expires_soonest() {
    let dir = tempfile::tempdir().unwrap();
    prepare(dir.path()).unwrap();
    let store = SessionStore::open(dir.path(), Options { map_bytes: 1 << 19 }).unwrap();
    let caps: Vec<_> = (0..60).collect();
    let large = |key: String, now_ms| {
        let mut write = write(&key, "e1", TTL_MS, now_ms);
        for cap in &caps {
            write.update.count_cap(*cap);
        }
        write
    };
    for round in 0..40 {
        let now_ms = NOW_MS + round * 60_000;
        let writes = (0..100).map(|key| large(format!("s-{round}-{key}"), now_ms)).collect();
        assert!(store.commit(writes, now_ms, DEADLINE).iter().all(Result::is_ok), "round {round}");
    }
    assert!(store.stats().evictions > 0);
    assert_eq!(count(&store, "s-39-99", NOW_MS + 40 * 60_000), Some(1));
}

#[test]
fn a_reader_that_hangs_costs_updates_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    prepare(dir.path()).unwrap();
    let store = SessionStore::open(dir.path(), Options { map_bytes: 1 << 19 }).unwrap();
    let fill = |round: usize| {
        let writes = (0..400).map(|key| write(&format!("s-{key}"), &format!("e{round}"), TTL_MS, NOW_MS)).collect();
        store.commit(writes, NOW_MS, DEADLINE).into_iter().filter(Result::is_err).count()
    };
    assert_eq!(fill(0), 0);
    let readers: Vec<_> = store.shards.iter().map(|(shard, _)| shard.env.clone().static_read_txn().unwrap()).collect();
    let fails = (1..1_000).any(|round| fill(round) > 0);
    assert!(fails, "pages that a reader may still see are not used again, so the file fills up");
    assert!(store.stats().commit_failures > 0);
    drop(readers);
    assert_eq!(fill(1_000), 0);
}

#[test]
fn a_forked_process_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    store.process = 0;
    assert_eq!(store.read(Scope::Session, "s-1", NOW_MS), Err(StateUnavailable::Forked));
    assert_eq!(view(&store, "s-1", "e1", TTL_MS, NOW_MS), Err(StateUnavailable::Forked));
    store.process = std::process::id();
}

#[test]
fn a_process_opens_a_store_once() {
    let dir = tempfile::tempdir().unwrap();
    let _store = open(dir.path());
    let again = SessionStore::open(dir.path(), Options::default());
    assert!(matches!(again, Err(SessionsError::Database(..))));
}

#[test]
fn nobody_waits_longer_than_the_deadline_for_a_held_lock() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    view(&store, "s-1", "e1", TTL_MS, NOW_MS).unwrap();
    let deadline = Duration::from_millis(20);
    let locks: Vec<_> = store.shards.iter().map(|(shard, _)| shard.env.write_txn().unwrap()).collect();

    let started = Instant::now();
    for attempt in 0..50 {
        let outcome = store.commit(vec![write("s-1", &format!("held-{attempt}"), TTL_MS, NOW_MS)], NOW_MS, deadline);
        assert_eq!(outcome, [Err(StateUnavailable::Deadline)]);
        assert_eq!(count(&store, "s-1", NOW_MS), Some(1));
    }
    assert!(started.elapsed() < deadline * 10, "fails at once when the writer hangs: {:?}", started.elapsed());
    drop(locks);

    let recovered = (0..100).any(|attempt| {
        std::thread::sleep(Duration::from_millis(5));
        view(&store, "s-1", &format!("free-{attempt}"), TTL_MS, NOW_MS).is_ok()
    });
    assert!(recovered);
    assert_eq!(count(&store, "s-1", NOW_MS), Some(2), "abandoned updates are not written later");
    assert_eq!(store.stats().commit_failures, 50);
}

#[test]
fn records_survive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    view(&store, "s-1", "e1", TTL_MS, NOW_MS).unwrap();
    drop(store);
    let store = open(dir.path());
    assert_eq!(count(&store, "s-1", NOW_MS), Some(1));
    drop(store);
    mark_clean(dir.path()).unwrap();
    assert_eq!(count(&open(dir.path()), "s-1", NOW_MS), Some(1));
}

#[test]
fn a_closed_store_fails_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.close();
    assert_eq!(view(&store, "s-1", "e1", TTL_MS, NOW_MS), Err(StateUnavailable::Closed));
    assert_eq!(store.read(Scope::Session, "s-1", NOW_MS), Err(StateUnavailable::Closed));
    assert_eq!((store.stats().read_failures, store.stats().commit_failures), (1, 1));
}

fn damage(dir: &Path, harm: impl Fn(&Path)) -> Option<Wiped> {
    let store = open(dir);
    let writes = (0..4_000).map(|key| write(&format!("s-{key}"), "e1", TTL_MS, NOW_MS)).collect();
    assert!(store.commit(writes, NOW_MS, DEADLINE).iter().all(Result::is_ok));
    drop(store);
    harm(&dir.join("shard-2").join("data.mdb"));
    let wiped = prepare(dir).unwrap().wiped;
    let store = SessionStore::open(dir, Options::default()).unwrap();
    let kept = (0..4_000).filter(|key| count(&store, &format!("s-{key}"), NOW_MS).is_some()).count();
    assert!((2_700..=4_000).contains(&kept), "the other files are kept: {kept}");
    assert_eq!(kept == 4_000, wiped.is_none());
    view(&store, "s-1", "e9", TTL_MS, NOW_MS).unwrap();
    wiped
}

#[test]
fn an_undamaged_file_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(damage(dir.path(), |_| ()), None);
}

#[test]
fn a_truncated_file_starts_empty() {
    for left in [0.1, 0.5, 0.9] {
        let dir = tempfile::tempdir().unwrap();
        let truncate = |file: &Path| {
            let file = std::fs::OpenOptions::new().write(true).open(file).unwrap();
            let bytes = file.metadata().unwrap().len();
            #[allow(
                clippy::cast_precision_loss,
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a test"
            )]
            file.set_len((bytes as f64 * left) as u64).unwrap();
        };
        assert_eq!(damage(dir.path(), truncate), Some(Wiped::Damaged(1)), "{left}");
    }
}

#[test]
fn a_file_with_a_zeroed_head_starts_empty() {
    let dir = tempfile::tempdir().unwrap();
    let zero = |file: &Path| {
        let mut bytes = std::fs::read(file).unwrap();
        bytes[..8_192].fill(0);
        std::fs::write(file, bytes).unwrap();
    };
    assert_eq!(damage(dir.path(), zero), Some(Wiped::Damaged(1)));
}

/// A store that nobody has open yet, and a file of it.
fn left(dir: &Path) -> PathBuf {
    drop(open(dir));
    dir.join("shard-1").join("data.mdb")
}

#[test]
fn a_worker_that_is_alone_repairs_the_damage_it_finds() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(left(dir.path()), "not a database").unwrap();
    let store = SessionStore::open(dir.path(), Options::default()).unwrap();
    view(&store, "s-1", "e1", TTL_MS, NOW_MS).unwrap();
}

#[test]
fn a_worker_beside_others_leaves_damage_alone() {
    let dir = tempfile::tempdir().unwrap();
    let file = left(dir.path());
    let other = enter(dir.path()).unwrap();
    std::fs::write(&file, "not a database").unwrap();
    let beside = SessionStore::open(dir.path(), Options::default());
    assert!(matches!(beside, Err(SessionsError::Database(..))));
    assert_eq!(std::fs::read(&file).unwrap(), b"not a database");
    drop(other);
    let alone = SessionStore::open(dir.path(), Options::default()).unwrap();
    view(&alone, "s-1", "e1", TTL_MS, NOW_MS).unwrap();
}

#[test]
fn what_kept_a_store_from_opening_can_be_removed() {
    for shard in 0..SHARDS {
        let dir = tempfile::tempdir().unwrap();
        prepare(dir.path()).unwrap();
        let obstacle = dir.path().join(format!("shard-{shard}")).join("lock.mdb");
        std::fs::create_dir_all(&obstacle).unwrap();
        assert!(SessionStore::open(dir.path(), Options::default()).is_err());
        std::fs::remove_dir(&obstacle).unwrap();
        let store = SessionStore::open(dir.path(), Options::default()).unwrap();
        view(&store, "s-1", "e1", TTL_MS, NOW_MS).unwrap();
    }
}
