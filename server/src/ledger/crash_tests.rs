//! A process that writes is killed at any moment; what it had been told to be written is there, and all of it makes sense.

use super::tests::new_job;
use super::*;
use serde_json::json;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

/// Set in the child: where it writes.
const PLACE: &str = "LECTERN_TEST_LEDGER";

/// The child: does jobs until it is killed, and prints each that the ledger said was completed.
#[tokio::test]
async fn child_that_writes() {
    let Some(path) = std::env::var_os(PLACE) else { return };
    let ledger = Ledger::open(path.as_ref()).unwrap();
    ledger.write(|write| write.recover()).await.unwrap();
    loop {
        let jobs: Vec<_> = (0..8).map(|_| tokio::spawn(one_job(ledger.clone()))).collect();
        for job in jobs {
            println!("completed {}", job.await.unwrap());
        }
    }
}

async fn one_job(ledger: Ledger) -> JobId {
    let job = new_job(&["read", "make"]);
    let id = job.id;
    let Submitted::New(mut next) = ledger.write(move |write| write.submit(&job)).await.unwrap() else { panic!("it is new") };
    while let Some(ticket) = next {
        let begun = ledger.write(move |write| {
            assert!(write.begin(&ticket, "child")?);
            write.progress(&ticket, 0.5, &json!({ "half": true }))?;
            Ok(ticket)
        });
        let ticket = begun.await.unwrap();
        let done = Verdict::Completed { result: json!(1), note: None };
        next = ledger.write(move |write| write.finish(&ticket, &done)).await.unwrap().unwrap().0;
    }
    id
}

#[test]
fn killed_at_any_moment_the_ledger_is_consistent_and_keeps_what_it_promised() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let mut promised = BTreeSet::new();
    for round in 0..10 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "ledger::crash_tests::child_that_writes", "--nocapture"])
            .env(PLACE, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // Another moment each time, in the midst of what comes next.
        let said = |line: std::io::Result<String>| line.ok()?.split_once("completed ").map(|(_, id)| id.trim().to_string());
        promised.extend(lines.by_ref().filter_map(said).take(1 + 7 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        promised.extend(lines.filter_map(said));
        assert_eq!(faults_of(&path).unwrap(), [""; 0]);
    }
    let ledger = Ledger::open(&path).unwrap();
    for id in &promised {
        assert_eq!(ledger.job(id.parse().unwrap()).unwrap().unwrap().state, JobState::Completed, "{id}");
    }
    assert!(promised.len() >= 300, "{}", promised.len());
}
