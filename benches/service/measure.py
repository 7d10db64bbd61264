#!/usr/bin/env python3
"""Measures the service with real clients and writes benches/results/service.md.

    benches/service/measure.py [PART...]      parts: many start reads progress cancel workers   (all without one)

Ends with an error when a mark is missed. `reads` takes `wrk` (a package of Debian's), `start` and `workers` take nats-server (scripts/setup-peers).
"""

import concurrent.futures
import http.client
import os
import pathlib
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

from service import DEMO, ROOT, Nats, Process, Server, moment, short_job

rows: list[tuple[str, str, str, bool | None]] = []


def row(what: str, figure: str, mark: str = "", holds: bool | None = None) -> None:
    rows.append((what, figure, mark, holds))
    print(f"{what}: {figure}  {mark}  {'' if holds is None else 'holds' if holds else 'MISSED'}", flush=True)


def many():
    server = Server()
    for count, at_once in ((100, 10), (1000, 10)):
        began = time.time()
        with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
            ends = list(pool.map(lambda number: server.wait(short_job(server, f"{count}-{number}"))["state"], range(count)))
        good = ends.count("completed")
        row(f"{count} films, {at_once} clients at once", f"{good} completed, in {time.time() - began:.0f} s", "all", good == count)
    server.stop()


def long_job(server):
    """A render that keeps a processor busy for as long as it is needed."""
    deck = server.deck("lectern.pptx", DEMO.read_bytes())
    id = server.submit({"deck": deck, "looks": {"size": "1920x1080"}, "priority": 1})
    while server.job(id)["state"] == "pending" or server.job(id)["stages"][1]["progress"] < 0.01:
        time.sleep(0.05)
    return id


def start():
    for name, limit in (("local", 50), ("NATS", 100)):
        nats = Nats() if name == "NATS" else None
        server = Server(*(["--nats", nats.url] if nats else ["--slots", "2"]))
        worker = Process(server.home, "worker", "--nats", nats.url, "--data", f"{server.home}/data", "--slots", "2") if nats else None
        server.wait(short_job(server, "first"))
        for state in ("idle", "one render running"):
            busy = long_job(server) if state != "idle" else None
            waits = []
            for number in range(40):
                job = server.wait(short_job(server, f"{state}-{number}"))
                waits.append(1000 * (moment(job["started_at"]) - moment(job["created_at"])))
            median = statistics.median(waits)
            row(f"enqueue to start, {name}, {state} (40 jobs)", f"median {median:.0f} ms, most {max(waits):.0f} ms", f"median <= {limit} ms", median <= limit)
            if busy:
                server.ask("POST", f"/v1/jobs/{busy}/cancel")
        server.stop()
        if nats:
            worker.stop()
            nats.stop()


def reads():
    if not shutil.which("wrk"):
        raise SystemExit("wrk is missing: apt-get install wrk")
    server = Server()
    done = short_job(server, "read")
    server.wait(done)
    busy = long_job(server)
    command = ["wrk", "-t1", "-c32", "-d20s", "--latency", "-H", f"Authorization: Bearer {server.token}", f"http://{server.address}/v1/jobs/{done}"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    still = server.job(busy)["state"]
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1])
    number, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", said).groups()
    p99 = float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]
    wrong = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    fine = not wrong and still == "processing"
    row(f"status reads, 32 connections kept, a 1080p render running ({still})", f"{rate:.0f} a second, 99 % within {p99:.1f} ms, {wrong[1] if wrong else 0} refused",
        ">= 2000/s, p99 <= 50 ms", fine and rate >= 2000 and p99 <= 50)
    server.ask("POST", f"/v1/jobs/{busy}/cancel")
    server.stop()


class Follower(threading.Thread):
    """Somebody who follows a job by SSE."""

    def __init__(self, server, id):
        super().__init__(daemon=True)
        self.server, self.id, self.times, self.kinds = server, id, [], []
        self.asked = time.monotonic()
        self.start()

    def run(self):
        connection = http.client.HTTPConnection(self.server.address, timeout=300)
        connection.request("GET", f"/v1/jobs/{self.id}/events", headers={"Authorization": f"Bearer {self.server.token}"})
        for line in connection.getresponse():
            if line.startswith(b"event:"):
                self.times.append(time.monotonic())
                self.kinds.append(line.split(b":")[1].strip().decode())


def progress():
    server = Server()
    deck = server.deck("lectern.pptx", DEMO.read_bytes())
    id = server.submit({"deck": deck, "looks": {"size": "640x360"}})
    one = Follower(server, id)
    one.join()
    first = one.times[0] - one.asked
    gap = max(after - before for before, after in zip(one.times, one.times[1:]))
    row("progress of a film: first event; longest gap while working", f"{first * 1000:.0f} ms; {gap:.2f} s", "<= 0.5 s; <= 2 s", first <= 0.5 and gap <= 2)
    id = server.submit({"deck": deck, "looks": {"size": "640x360"}, "title": "again", "hold": True})
    crowd = [Follower(server, id) for _ in range(500)]
    server.ask("POST", f"/v1/jobs/{id}/start")
    for follower in crowd:
        follower.join(timeout=300)
    whole = sum(follower.kinds[-1:] == ["complete"] for follower in crowd)
    gaps = [max(after - before for before, after in zip(follower.times[1:], follower.times[2:])) for follower in crowd if len(follower.times) > 2]
    row("500 listeners on one job", f"{whole} heard its end, longest gap of any {max(gaps):.2f} s", "all", whole == 500)
    server.stop()


def cancel():
    server = Server()
    took = []
    for _ in range(5):
        id = long_job(server)
        asked = time.monotonic()
        server.ask("POST", f"/v1/jobs/{id}/cancel")
        took.append(time.monotonic() - asked)
        work = pathlib.Path(server.home, "data/work", id)
        left = [part for part in ("processing", "output") if (work / part).exists()]
        if left or server.job(id)["state"] != "cancelled":
            raise SystemExit(f"{left} are left of a cancelled job")
    row("cancel while a segment renders (5 times): stopped, files gone", f"at most {max(took):.2f} s", "<= 1 s", max(took) <= 1)
    server.stop()


def workers():
    """A lecture of 20 slides by one worker on one core, and by two on a core each; the server shares the first."""
    slides = "".join(f'- {{ id: s{number}, color: "#2040{8 * number:02x}", narration: "This is slide number {number + 1}. It says a few words, '
                     f'so that there is something to be drawn and to be heard." }}\n' for number in range(20))
    lesson = f"version: 1\nid: twenty\ntitle: Twenty\nlanguage: en\nslides:\n{slides}".encode()
    walls, films = [], []
    for cores in (["0"], ["0", "1"]):
        nats, home = Nats(), tempfile.mkdtemp(prefix="lectern-serve-")
        server = Server("--nats", nats.url, home=home, cores="0")
        crew = [Process(home, "worker", "--nats", nats.url, "--data", f"{home}/data", "--slots", "1", cores=core) for core in cores]
        id = server.submit({"deck": server.deck("lesson.yaml", lesson), "looks": {"size": "1280x720"}})
        job = server.wait(id)
        if job["state"] != "completed":
            raise SystemExit(f"the job is {job['state']}: {job['error']}")
        walls.append(moment(job["finished_at"]) - moment(job["started_at"]))
        films.append(pathlib.Path(home, "data/artifacts").rglob("film.mp4").__next__().read_bytes())
        server.stop()
        for worker in crew:
            worker.stop()
        nats.stop()
    row("20 slides by two pinned workers against one", f"{walls[1]:.1f} s / {walls[0]:.1f} s = {walls[1] / walls[0]:.2f}; the same bytes: {films[0] == films[1]}",
        "<= 0.6, the same bytes", walls[1] <= 0.6 * walls[0] and films[0] == films[1])


PARTS = {"many": many, "start": start, "reads": reads, "progress": progress, "cancel": cancel, "workers": workers}


def main():
    asked = sys.argv[1:] or list(PARTS)
    for name in asked:
        if name not in PARTS:
            raise SystemExit(f"there is no part {name}; there are: {' '.join(PARTS)}")
    for name in asked:
        print(f"== {name}", flush=True)
        PARTS[name]()
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), platform.machine())
    path = ROOT / "benches/results/service.md"
    lines = ["# The service, measured with real clients", "",
             f"Written by `benches/service/measure.py`, last for `{' '.join(asked)}` on {time.strftime('%Y-%m-%d')}: {model}, {os.cpu_count()} cores. Rows of parts that were "
             "not run again stay.", "",
             "| what | figure | mark | |", "| --- | --- | --- | --- |"]
    new = {what: f"| {what} | {figure} | {mark} | {'' if holds is None else 'holds' if holds else '**missed**'} |" for what, figure, mark, holds in rows}
    for line in path.read_text().splitlines()[6:] if path.exists() else []:
        lines.append(new.pop(line.split(" | ")[0].removeprefix("| "), line))
    lines += new.values()
    path.write_text("\n".join(lines) + "\n")
    missed = sum(holds is not None and not holds for *_, holds in rows)
    print(f"written to {path}")
    if missed:
        raise SystemExit(f"{missed} marks missed")


main()
