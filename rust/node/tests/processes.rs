//! Several processes on one session store: killed at any moment, stopped while they hold its locks, started again.
//!
//! The test binary starts itself again for each process; `play` is what those run.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that meets the unexpected should stop")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use edgewise_core::signal::Reading;
use edgewise_core::state::{
    Aggregate, AggregateKind, AggregateSpec, Event, Plan, Record, Scope, StateSource, StateUnavailable,
};
use edgewise_core::value::{Type, Value};
use edgewise_node::counters::{Counter, Counters, EventResult, Total, total};
use edgewise_node::sessions::{Options, SHARDS, SessionStore, Write, prepare};

const ROLE: &str = "EDGEWISE_TEST_ROLE";
const DIR: &str = "EDGEWISE_TEST_DIR";
const NAME: &str = "EDGEWISE_TEST_NAME";

const NOW_MS: i64 = 1_795_255_200_000;
const TTL_MS: i64 = 1_800_000;
const KEYS: usize = 50;
/// How often all files are damaged at random.
const ATTEMPTS: usize = 100;
const PATIENCE: Duration = Duration::from_secs(30);
/// How often the store is opened while another process writes.
const OPENS: usize = 100;

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

fn write(key: usize, id: &str) -> Write {
    let mut plan = Plan::default();
    plan.add(views()).unwrap();
    let event = Event { id: id.into(), name: "Product Viewed".into(), time_ms: NOW_MS, properties: Vec::new() };
    Write {
        scope: Scope::Session,
        key: format!("s-{key}"),
        ttl_ms: TTL_MS,
        update: plan.update(&[event], |_| false, &[]),
    }
}

fn open(dir: &Path) -> SessionStore {
    SessionStore::open(&dir.join("sessions"), Options::default()).unwrap()
}

fn data_file(dir: &Path, shard: usize) -> PathBuf {
    dir.join(format!("sessions/shard-{shard}/data.mdb"))
}

fn commit(store: &SessionStore, key: usize, id: &str, deadline: Duration) -> Result<(), StateUnavailable> {
    store.commit(vec![write(key, id)], NOW_MS, deadline).remove(0).map(|_| ())
}

fn counted(store: &SessionStore) -> u64 {
    (0..KEYS)
        .map(|key| {
            let Some(bytes) = store.read(Scope::Session, &format!("s-{key}"), NOW_MS).unwrap() else { return 0 };
            match Record::decode(&bytes).unwrap().read(&views(), NOW_MS) {
                Reading::Known(Value::Int(count)) => u64::try_from(count).unwrap(),
                other => panic!("a count is an int, not {other:?}"),
            }
        })
        .sum()
}

/// Commits without end and counts what was acknowledged where a kill does not reach.
fn write_on(dir: &Path, name: &str) {
    let store = open(dir);
    let counters = Counters::open(&dir.join(format!("{name}.counters"))).unwrap();
    for number in 0_usize.. {
        if commit(&store, number % KEYS, &format!("{name}-{}-{number}", std::process::id()), PATIENCE).is_ok() {
            counters.add(Counter::Events(EventResult::Accepted), 1);
        }
    }
}

/// Commits large batches without end, so that pages are moved all the time.
fn fill(dir: &Path) {
    let store = open(dir);
    for round in 0_usize.. {
        let batch = (0..500).map(|key| write((round * 500 + key) % 20_000, &format!("e{round}")));
        store.commit(batch.collect(), NOW_MS, PATIENCE);
    }
}

/// Does what a node does with a store it finds: prepares, opens, reads and writes every record.
fn survive(dir: &Path) {
    prepare(&dir.join("sessions")).unwrap();
    let store = open(dir);
    for key in 0..KEYS {
        // Damage inside of a value may come out as a record, as none, or as one that does not decode.
        if let Ok(Some(bytes)) = store.read(Scope::Session, &format!("s-{key}"), NOW_MS) {
            let _ = Record::decode(&bytes).map(|record| record.read(&views(), NOW_MS));
        }
        let _ = commit(&store, key, "after", PATIENCE);
    }
}

/// Takes the write locks of all files and keeps them.
fn hold(dir: &Path) {
    let environments: Vec<_> = (0..SHARDS)
        .map(|shard| {
            let mut options = heed::EnvOpenOptions::new();
            options.max_dbs(100);
            // SAFETY: the store has this file open in other processes, by the same rules.
            unsafe { options.open(dir.join(format!("sessions/shard-{shard}"))).unwrap() }
        })
        .collect();
    let _locks: Vec<_> = environments.iter().map(|environment| environment.write_txn().unwrap()).collect();
    std::fs::write(dir.join("held"), "").unwrap();
    loop {
        std::thread::park();
    }
}

#[test]
fn play() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let dir = PathBuf::from(std::env::var(DIR).unwrap());
    match role.as_str() {
        "writer" => write_on(&dir, &std::env::var(NAME).unwrap()),
        "filler" => fill(&dir),
        "holder" => hold(&dir),
        "survivor" => survive(&dir),
        other => panic!("no role is called {other}"),
    }
}

/// A process that dies with the test.
struct Process(Child);

impl Process {
    fn start(role: &str, dir: &Path, name: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "play"]).env(ROLE, role).env(DIR, dir).env(NAME, name);
        Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.0.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    fn ends_well(mut self) -> bool {
        self.0.wait().unwrap().success()
    }

    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The process may be gone already, which is what is wanted.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn acknowledged(dir: &Path, names: &[&str]) -> u64 {
    let families = total(names.iter().map(|name| dir.join(format!("{name}.counters")))).unwrap();
    let samples =
        families.iter().filter(|family| family.name == "edgewise_events_total").flat_map(|family| &family.samples);
    samples.map(|sample| if let Total::Count(count) = sample.total { count } else { 0 }).sum()
}

fn await_that(what: &str, condition: impl Fn() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < PATIENCE, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn prepared() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    prepare(&dir.path().join("sessions")).unwrap();
    dir
}

#[test]
fn killed_processes_lose_no_acknowledged_update_and_hinder_nobody() {
    let dir = prepared();
    let dir = dir.path();
    let names = ["steady", "killed"];
    let steady = Process::start("writer", dir, "steady");
    let kills = 12;
    for _ in 0..kills {
        let killed = Process::start("writer", dir, "killed");
        let before = [acknowledged(dir, &["steady"]), acknowledged(dir, &["killed"])];
        await_that("both write", || {
            acknowledged(dir, &["killed"]) > before[1] + 20 && acknowledged(dir, &["steady"]) > before[0] + 20
        });
        killed.kill();
        let before = acknowledged(dir, &["steady"]);
        await_that("the other goes on", || acknowledged(dir, &["steady"]) > before + 20);
    }
    steady.kill();
    let counted = counted(&open(dir));
    let acknowledged = acknowledged(dir, &names);
    assert!(
        (acknowledged..=acknowledged + kills + 1).contains(&counted),
        "{counted} written, {acknowledged} acknowledged: each kill may leave one update written and not yet acknowledged"
    );
}

#[test]
fn a_stopped_lock_holder_costs_a_deadline_and_no_reading() {
    let dir = prepared();
    let dir = dir.path();
    let store = open(dir);
    for key in 0..KEYS {
        commit(&store, key, "before", PATIENCE).unwrap();
    }
    let holder = Process::start("holder", dir, "");
    await_that("the locks are held", || dir.join("held").exists());
    holder.signal("-STOP");

    let deadline = Duration::from_millis(25);
    let mut waited = Duration::ZERO;
    for key in 0..200 {
        let started = Instant::now();
        assert_eq!(commit(&store, key % KEYS, "held", deadline), Err(StateUnavailable::Deadline));
        waited += started.elapsed();
        assert_eq!(counted(&store), 50);
    }
    // Each file lets only the first callers wait, until it is seen that its writer hangs: on an idle machine a tenth of
    // what all of them would wait. The rest is room for a busy one.
    assert!(waited < deadline * 100, "{waited:?} for 200 updates");

    holder.kill();
    await_that("a lock whose holder died is free", || commit(&store, 0, "after", deadline).is_ok());
    for key in 1..KEYS {
        commit(&store, key, "after", PATIENCE).unwrap();
    }
    assert_eq!(counted(&store), 100);
}

#[test]
fn a_worker_opens_the_store_while_another_writes_hard() {
    let dir = prepared();
    let dir = dir.path();
    let _writer = Process::start("filler", dir, "");
    let grown = || (0..SHARDS).all(|shard| data_file(dir, shard).metadata().is_ok_and(|file| file.len() > 1 << 19));
    await_that("the files have grown", grown);
    for opened in 0..OPENS {
        match SessionStore::open(&dir.join("sessions"), Options::default()) {
            Ok(store) => assert!(store.read(Scope::Session, "s-0", NOW_MS).is_ok()),
            Err(error) => panic!("open {opened}: {error}"),
        }
    }
}

/// Numbers that look random and are the same in each run.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % sides as u64).unwrap()
    }
}

/// Overwrites a few bytes, or a whole stretch, at random places of a file.
fn damage(file: &Path, dice: &mut Dice) {
    let mut bytes = std::fs::read(file).unwrap();
    let stretch = 1 << (dice.throw(7) * 2);
    for _ in 0..=dice.throw(4) {
        let at = dice.throw(bytes.len());
        bytes.iter_mut().skip(at).take(stretch).for_each(|byte| *byte = u8::try_from(dice.throw(256)).unwrap());
    }
    std::fs::write(file, bytes).unwrap();
}

#[test]
fn no_damage_to_a_file_takes_a_process_down() {
    let dir = prepared();
    let store = open(dir.path());
    for round in 0..6 {
        for key in 0..KEYS {
            commit(&store, key, &format!("e{round}"), PATIENCE).unwrap();
        }
    }
    drop(store);
    let files: Vec<_> = (0..SHARDS).map(|shard| data_file(dir.path(), shard)).collect();
    let sound: Vec<_> = files.iter().map(|file| std::fs::read(file).unwrap()).collect();
    let mut dice = Dice(2_026);
    for attempt in 0..ATTEMPTS {
        for (file, bytes) in files.iter().zip(&sound) {
            std::fs::write(file, bytes).unwrap();
            damage(file, &mut dice);
        }
        assert!(Process::start("survivor", dir.path(), "").ends_well(), "attempt {attempt}");
    }
}

#[test]
fn a_second_process_reads_what_the_first_wrote_under_another_lifetime() {
    let dir = prepared();
    let dir = dir.path();
    let store = open(dir);
    assert_eq!(counted(&store), 0);
    let writer = Process::start("writer", dir, "other");
    await_that("the other has written", || acknowledged(dir, &["other"]) > KEYS as u64);
    writer.kill();
    assert!(counted(&store) >= KEYS as u64, "tables that another process made are found");
}
