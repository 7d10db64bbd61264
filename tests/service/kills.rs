//! What runs may be killed at any moment; `scripts/soak service` does it more often.

use crate::support::root;
use std::process::Command;

#[test]
fn every_job_ends_once_whoever_is_killed() {
    let seed = u64::from(std::process::id()) << 32 | u64::from(std::time::UNIX_EPOCH.elapsed().unwrap().subsec_nanos());
    let mut command = Command::new(root().join("benches/service/kills.py"));
    command.env("LECTERN", env!("CARGO_BIN_EXE_lectern")).env("PYTHONDONTWRITEBYTECODE", "1").args(["--kills", "5"]);
    let output = command.args(["--seed", &seed.to_string()]).output().expect("benches/service/kills.py starts");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    println!("{out}");
    assert!(output.status.success(), "{out}\n{err}");
    assert!(out.contains("\n5 kills, "), "{out}");
}
