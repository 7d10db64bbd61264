#!/usr/bin/env python3
"""A day of jobs in fast time: films, decks and jobs are kept as short as `--hour` makes an hour, and what the server keeps is looked at each hour.

    benches/service/day.py [--hours N] [--hour SECONDS] [--warm N] [--rows]      24 hours of 25 s; with --rows as lines of benches/results/soak.md

A real day has thousands of jobs; so that the caches are as full as they would be after its first hours (SQLite fills 2 MB for each of five
connections), `--warm` jobs (3000) are submitted and cancelled before it begins.

What has to hold: from a tenth of the run on the server's memory stays within 1.1 times what it was then; what is kept, and the ledger's
file, come back to the same level after sweeps; and when nobody sends anything any more, nothing is left but the empty ledger.
"""

import argparse
import shutil
import threading
import time

from service import SHORT, SMALL, Server

# In hours: what is kept, how long.
KEEP = {"VIDEOS": 2, "UPLOADS": 1, "PROCESSED": 0.5, "TEMPORARY": 0.1, "EVENTS": 0.5, "JOBS": 3, "SWEEP": 0.1}
# From this hour on as much goes as comes.
SETTLED = 5
CLIENTS = 2
MOST = 1.1


class Client(threading.Thread):
    """Submits a job, waits for its end, reads its film, and so on."""

    def __init__(self, server, number):
        super().__init__(daemon=True)
        self.server, self.number, self.done, self.fault = server, number, 0, None
        self.stopping = threading.Event()
        self.start()

    def run(self):
        try:
            while not self.stopping.is_set():
                lesson = SHORT % f"{self.number}-{self.done}"
                # Another colour each time: what is in the cache makes no film for nothing.
                lesson = lesson.replace("#204060", f"#{(self.done * 2 + self.number) % (1 << 24):06x}")
                id = self.server.submit({"deck": self.server.deck("lesson.yaml", lesson.encode()), "looks": SMALL})
                job = self.server.wait(id)
                if job["state"] != "completed":
                    raise SystemExit(f"the job {id} is {job['state']}: {job['error']}")
                self.server.file(f"/v1/jobs/{id}/artifacts/film.mp4")
                self.done += 1
        except (SystemExit, Exception) as error:  # the main thread tells it
            self.fault = error


def memory(server):
    """Resident bytes of the server's own process."""
    with open(f"/proc/{server.process.pid}/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmRSS:"))


def ledger_bytes(server):
    return sum(file.stat().st_size for file in server.data.glob("ledger.db*"))


def look(server, hour, clients):
    storage, jobs = server.ask("GET", "/v1/storage"), server.ask("GET", "/v1/jobs?limit=1")
    seen = {"hour": hour, "jobs": sum(client.done for client in clients), "known": jobs["total"], "files": storage["total"]["files"],
            "bytes": storage["total"]["bytes"] - storage["other"]["bytes"], "memory": memory(server), "ledger": ledger_bytes(server)}
    print(f"hour {hour:4}: {seen['jobs']:5} films made, {seen['known']:4} jobs known, {seen['files']:5} files, {seen['bytes'] / 1e6:6.2f} MB kept; "
          f"memory {seen['memory'] / 1e6:6.1f} MB, ledger {seen['ledger'] / 1e6:5.2f} MB", flush=True)
    return seen


def is_empty(server):
    tiers = server.ask("GET", "/v1/storage")["tiers"].values()
    return not any(tier["files"] for tier in tiers) and server.ask("GET", "/v1/jobs?limit=1")["total"] == 0


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--hours", type=int, default=24)
    options.add_argument("--hour", type=float, default=25, metavar="SECONDS")
    options.add_argument("--warm", type=int, default=3000, metavar="JOBS")
    options.add_argument("--rows", action="store_true")
    options = options.parse_args()
    if options.hours <= SETTLED:
        raise SystemExit(f"--hours {options.hours} is too few: what goes and what comes is compared from hour {SETTLED} on")
    env = {f"LECTERN_RETENTION_{name}": f"{hours * options.hour * 1000:.0f}ms" for name, hours in KEEP.items()} | {"LECTERN_STORE_FLOOR": "0B"}
    server = Server(env=env)
    try:
        deck = server.deck("lesson.yaml", (SHORT % "warm").encode())
        for _ in range(options.warm):
            server.ask("POST", f"/v1/jobs/{server.submit({'deck': deck, 'looks': SMALL, 'hold': True})}/cancel")
        clients = [Client(server, number) for number in range(CLIENTS)]
        began, seen = time.monotonic(), []
        for hour in range(1, options.hours + 1):
            time.sleep(max(0, began + hour * options.hour - time.monotonic()))
            fault = next((client.fault for client in clients if client.fault), None)
            if fault:
                raise SystemExit(f"hour {hour}: {fault}; see {server.home}")
            seen.append(look(server, hour, clients))
        for client in clients:
            client.stopping.set()
            client.join()
        deadline = time.monotonic() + (2 * KEEP["JOBS"] + 1) * options.hour
        while not is_empty(server) and time.monotonic() < deadline:
            time.sleep(0.2)
        last = look(server, options.hours, clients)
        emptied = is_empty(server)
        server.stop()
    finally:
        server.kill()
    judge(options, seen, last, emptied)
    shutil.rmtree(server.home)


def judge(options, seen, last, emptied):
    """The figures beside their marks; ends with 1 where one is missed."""
    tenth = seen[max(0, -(-len(seen) // 10) - 1)]
    rest = [hour for hour in seen if hour["hour"] > tenth["hour"]]
    settled = [hour for hour in seen if hour["hour"] >= SETTLED]
    half = len(settled) // 2 or 1
    rows = [("films made; all of them read", f"{last['jobs']}", "all", True)]
    most = max(hour["memory"] for hour in rest)
    rows.append(("memory of the server, most from a tenth of the run on, against then", f"{most / 1e6:.1f} MB / {tenth['memory'] / 1e6:.1f} MB = {most / tenth['memory']:.3f}",
                 f"<= {MOST}", most <= MOST * tenth["memory"]))
    # As many jobs come in an hour as the machine makes of them, which is not the same each hour.
    made = {hour["hour"]: hour["jobs"] for hour in seen}
    kept = {hour["hour"]: hour["bytes"] / max(1, hour["jobs"] - made[hour["hour"] - KEEP["VIDEOS"]]) for hour in settled}
    parts = [("bytes kept for each film of the time that films stay", 1e3, "kB", list(kept.values())),
             ("ledger's files", 1e6, "MB", [hour["ledger"] for hour in settled])]
    for what, unit, name, values in parts:
        before, after = max(values[:half]), max(values[half:] or values)
        rows.append((f"{what}, most in the second half of the settled hours against the first",
                     f"{after / unit:.2f} {name} / {before / unit:.2f} {name} = {after / before:.3f}", f"<= {MOST}", after <= MOST * before))
    rows.append(("when nobody sends any more: files kept, jobs known", f"{last['files']} in all with the ledger's own, {last['known']}", "none but the ledger's own", emptied))
    for what, figure, mark, holds in rows:
        verdict = "holds" if holds else "**missed**"
        print(f"| {what} | {figure} | {mark} | {verdict} |" if options.rows else f"{what}: {figure}  {mark}  {verdict}")
    if not all(holds for *_, holds in rows):
        raise SystemExit(1)


main()
