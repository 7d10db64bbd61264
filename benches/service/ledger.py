#!/usr/bin/env python3
"""Looks whether a ledger makes sense, without any code of Lectern's: what its tables mean is told here a second time.

    benches/service/ledger.py FILE      prints what is wrong, and how many jobs it has; exit status 1 where something is
"""

import json
import sqlite3
import sys
from collections import Counter

DONE = {"completed", "skipped"}
OVER = {"completed", "failed", "cancelled"}
# How the last attempt at a stage in a state may have ended.
LAST = {
    "processing": {None},
    "completed": {"completed"},
    "skipped": {"skipped"},
    "failed": {"failed", "lost"},
    "pending": {"failed", "returned", "lost"},
    "cancelled": {"cancelled", "failed", "returned", "lost"},
}


def rows(database, query, *values):
    return database.execute(query, values).fetchall()


def state_of(stages):
    """The state that a job has by those of its stages, or those that it may have."""
    states = Counter(stage["state"] for stage in stages)
    if not stages or states["failed"] > 1 or states["processing"] > 1:
        return set()
    if states["failed"]:
        return {"failed"}
    if states["cancelled"]:
        return {"cancelled"} if not states["pending"] and not states["processing"] else set()
    if all(stage["state"] in DONE for stage in stages):
        return {"completed"}
    return {"processing"} if states["processing"] else {"pending", "processing"}


def wrong_attempts(stage, attempts):
    """What is wrong with the attempts at one stage, in their order."""
    if [attempt["attempt"] for attempt in attempts] != list(range(1, stage["attempt"] + 1)):
        yield f"counts {stage['attempt']} attempts and has {[attempt['attempt'] for attempt in attempts]}"
        return
    if any(attempt["outcome"] is None for attempt in attempts[:-1]):
        yield "has an earlier attempt under way"
    counted = [attempt for attempt in attempts if attempt["attempt"] > stage["forgiven"]]
    # Of those before, somebody asked for a new beginning.
    if counted and counted[-1]["outcome"] not in LAST[stage["state"]]:
        yield f"is {stage['state']}, and its last attempt {counted[-1]['outcome'] or 'is under way'}"
    if not counted and stage["state"] not in ("pending", "cancelled"):
        yield f"is {stage['state']} without an attempt"
    if sum(attempt["outcome"] in DONE for attempt in counted) > 1:
        yield "was done twice"
    for before, after in zip(attempts, attempts[1:]):
        if before["finished_at"] is not None and after["started_at"] < before["finished_at"]:
            yield f"has attempts {before['attempt']} and {after['attempt']} at the same time"


def wrong_job(job, stages, attempts, events):
    """What is wrong with one job."""
    if [stage["position"] for stage in stages] != list(range(len(stages))):
        yield "has stages that are not numbered from 0 on"
    if job["state"] not in state_of(stages):
        yield f"is {job['state']}, and its stages {[stage['state'] for stage in stages]}"
    if (job["error"] is not None) != (job["state"] == "failed"):
        yield "has failed without an error, or has one and has not"
    if (job["finished_at"] is not None) != (job["state"] in OVER):
        yield "is over without an end, or has one and is not"
    times = [time for time in (job["created_at"], job["started_at"], job["finished_at"]) if time is not None]
    if times != sorted(times):
        yield f"has times in another order: {times}"
    passed = True
    for stage in stages:
        mine = attempts.get((job["id"], stage["position"]), [])
        yield from (f"stage {stage['name']} {text}" for text in wrong_attempts(stage, mine))
        if not passed and stage["state"] not in ("pending", "cancelled"):
            yield f"stage {stage['name']} is {stage['state']} before those in front of it are done"
        passed = passed and stage["state"] in DONE
    ends = [event["seq"] for event in events if event["kind"] == "complete"]
    again = sum(json.loads(event["data"]).get("message") == "tried again" for event in events)
    if job["state"] in OVER and (not ends or ends[-1] != events[-1]["seq"]):
        yield "is over, and its last event does not say so"
    # Events that came before an end may have been forgotten, ends are not.
    if len(ends) > again + 1 and len(events) > len(ends):
        yield f"has ended {len(ends)} times and was tried again {again} times"
    if job["state"] not in OVER and len(ends) > again:
        yield "has told its end and goes on"


def faults(path):
    """All that is wrong with a ledger's file, and how many jobs are in each state."""
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)
    database.row_factory = sqlite3.Row
    with database:
        # One moment for all of it.
        database.execute("BEGIN")
        found = [row[0] for row in rows(database, "PRAGMA integrity_check") if row[0] != "ok"]
        found += [f"a row of {row[0]} belongs to nothing" for row in rows(database, "PRAGMA foreign_key_check")]
        jobs = rows(database, "SELECT * FROM jobs")
        by_job = {"stages": {}, "events": {}}
        for table, order in (("stages", "position"), ("events", "seq")):
            for row in rows(database, f"SELECT * FROM {table} ORDER BY job, {order}"):
                by_job[table].setdefault(row["job"], []).append(row)
        attempts = {}
        for row in rows(database, "SELECT * FROM attempts ORDER BY job, position, attempt"):
            attempts.setdefault((row["job"], row["position"]), []).append(row)
    database.close()
    for job in jobs:
        mine = [by_job[table].get(job["id"], []) for table in ("stages", "events")]
        found += [f"the job {job['id']} {text}" for text in wrong_job(job, mine[0], attempts, mine[1])]
    return found, Counter(job["state"] for job in jobs)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    wrong, states = faults(sys.argv[1])
    print("\n".join(wrong) or "consistent")
    print(", ".join(f"{count} {state}" for state, count in sorted(states.items())) or "no jobs")
    raise SystemExit(bool(wrong))
