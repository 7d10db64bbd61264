#!/usr/bin/env python3
"""Kills the server, its workers and nats-server at random moments while jobs go through the HTTP API, and looks whether every job ends once.

    benches/service/kills.py [--kills N] [--seed N]      50 kills; the seed is printed, and the same one kills the same at the same moments
    benches/service/kills.py --local                     a server that makes the films itself, with nobody else to kill

What has to hold: every job that was taken ends once, completed, or cancelled where that was asked for; what it lists is whole (size, SHA-256,
and ffprobe opens it), at any moment and after each kill; the same lesson gives the same film; the ledger is consistent by `ledger.py`.
"""

import argparse
import hashlib
import http.client
import json
import pathlib
import random
import shutil
import subprocess
import tempfile
import threading
import time

import ledger
from service import OVER, SMALL, Nats, Process, Server, free_port

WORKERS = 2
# So many jobs wait or are at work.
OPEN = 6
# A job of those is cancelled.
CANCEL = 0.1
# A lesson is one that was rendered before.
AGAIN = 0.25
# Everything has to be over so soon after the last kill, in seconds: what a dead worker held is given to another one after 6.
PATIENCE = 180


class Site:
    """All processes, and which of them are dead."""

    def __init__(self, is_local):
        self.home = tempfile.mkdtemp(prefix="lectern-kills-")
        self.nats, self.port = None if is_local else Nats(), free_port()
        self.server = self.serve()
        self.workers = [] if is_local else [self.work() for _ in range(WORKERS)]
        self.victims = ["server"] if is_local else ["server", "nats-server", *(f"worker {number}" for number in range(WORKERS))]

    def serve(self):
        env = {"LECTERN_STORE_FLOOR": "0B"}
        how = ["--nats", self.nats.url] if self.nats else ["--slots", "2"]
        return Server(*how, home=self.home, env=env, listen=f"127.0.0.1:{self.port}")

    def work(self):
        return Process(self.home, "worker", "--nats", self.nats.url, "--data", f"{self.home}/data", "--slots", "1", env={"LECTERN_STORE_FLOOR": "0B"})

    def kill(self, victim):
        """Kills one and starts it again."""
        if victim == "server":
            self.server.kill()
            self.server = self.serve()
        elif victim == "nats-server":
            self.nats.kill()
            self.nats.start()
        else:
            number = int(victim.split()[1])
            self.workers[number].kill()
            self.workers[number] = self.work()

    def ask(self, method, path, body=None, raw=False, headers=None):
        """Until somebody answers: the server may be dead just now."""
        deadline = time.monotonic() + 60
        while True:
            server = self.server
            try:
                return server.ask(method, path, body, raw, headers)
            except (OSError, http.client.HTTPException):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def end(self):
        for process in (self.server, *self.workers):
            process.stop()

    def abandon(self):
        """Nothing is left running, whatever happened."""
        for process in (self.server, *self.workers):
            process.kill()
        if self.nats:
            self.nats.kill()
            shutil.rmtree(self.nats.folder)


class Load(threading.Thread):
    """Submits jobs, waits for them, and reads what comes of them."""

    def __init__(self, site, seed):
        super().__init__(daemon=True)
        self.site, self.random = site, random.Random(f"{seed} load")
        self.open, self.cancelled, self.ended = {}, set(), {}
        self.films, self.lessons, self.faults = {}, [], []
        # Jobs that were at work at the last look.
        self.working = 0
        self.stopping = threading.Event()

    def lesson(self):
        if self.lessons and self.random.random() < AGAIN:
            return self.random.choice(self.lessons)
        # A presenter moves, and takes work; a colour is made at once.
        slides = "".join(f'- {{ id: s{number}, color: "#{self.random.randrange(1 << 24):06x}", silence: {self.random.randint(1, 6)}s, '
                         f'presenter: {{ visible: {self.random.choice(["true", "false"])} }} }}\n' for number in range(self.random.randint(1, 5)))
        self.lessons.append(f"version: 1\nid: short\ntitle: Short\nslides:\n{slides}")
        return self.lessons[-1]

    def submit(self):
        lesson = self.lesson()
        key = f"{self.random.getrandbits(64):016x}"
        deck = self.site.ask("POST", "/v1/decks?name=lesson.yaml", lesson.encode(), raw=True)["id"]
        # Whether it was taken before the server died is not known: the same key makes one job of both.
        job = self.site.ask("POST", "/v1/jobs", {"deck": deck, "looks": SMALL}, headers={"Idempotency-Key": key})["id"]
        self.open[job] = lesson
        if self.random.random() < CANCEL:
            self.cancel(job)

    def cancel(self, job):
        try:
            self.site.ask("POST", f"/v1/jobs/{job}/cancel")
        except SystemExit as refused:
            # It was over sooner, or was cancelled by the request whose answer was lost.
            if " 409 " not in str(refused):
                raise
        self.cancelled.add(job)

    def look(self):
        working = 0
        for id, lesson in list(self.open.items()):
            job = self.site.ask("GET", f"/v1/jobs/{id}")
            if job["state"] in OVER:
                del self.open[id]
                self.ended[id] = job
                self.check(job, lesson)
            working += job["state"] == "processing"
        self.working = working

    def check(self, job, lesson):
        id, state = job["id"], job["state"]
        if state not in (("completed", "cancelled") if id in self.cancelled else ("completed",)):
            self.faults.append(f"the job {id} is {state}: {job['error']}")
        names = set()
        for file in self.site.ask("GET", f"/v1/jobs/{id}/artifacts")["artifacts"]:
            names.add(file["name"])
            content = self.read(file["url"])
            if (len(content), hashlib.sha256(content).hexdigest()) != (file["size"], file["sha256"]):
                self.faults.append(f"{file['url']} is not what it is listed as")
            if file["name"].endswith((".mp4", ".jpg")) and not opens(content, file["name"]):
                self.faults.append(f"{file['url']} cannot be opened")
            if file["name"] == "film.mp4" and self.films.setdefault(lesson, file["sha256"]) != file["sha256"]:
                self.faults.append(f"{file['url']} is another film than the same lesson gave before")
        if (state == "completed") != ("film.mp4" in names):
            self.faults.append(f"the job {id} is {state} and has published {sorted(names)}")

    def read(self, url):
        while True:
            try:
                return self.site.server.file(url)
            except (OSError, http.client.HTTPException):
                time.sleep(0.05)

    def run(self):
        try:
            while self.open or not self.stopping.is_set():
                while len(self.open) < OPEN and not self.stopping.is_set():
                    self.submit()
                self.look()
                time.sleep(0.1)
        except (SystemExit, Exception) as error:  # whatever it is, it is a finding, and the main thread tells it
            self.faults.append(f"the client broke off: {error!r}")


def opens(content, name):
    with tempfile.NamedTemporaryFile(suffix=pathlib.Path(name).suffix) as file:
        file.write(content)
        file.flush()
        said = subprocess.run(["ffprobe", "-v", "error", "-show_entries", "stream=codec_type", "-of", "csv=p=0", file.name], capture_output=True, text=True, check=False)
        return said.returncode == 0 and not said.stderr and "video" in said.stdout


def half_published(data):
    """Files that a manifest names and that are not there as it says, on the disk itself."""
    for manifest in data.glob("artifacts/job/*/manifest.json"):
        said = json.loads(manifest.read_text())
        for file in said["files"]:
            path = manifest.parent / said["generation"] / file["tier"] / file["name"]
            content = path.read_bytes() if path.exists() else b""
            if (len(content), hashlib.sha256(content).hexdigest()) != (file["size"], file["sha256"]):
                yield f"{path} is not what its manifest says"


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--kills", type=int, default=50)
    options.add_argument("--local", action="store_true")
    options.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    options = options.parse_args()
    print(f"seed {options.seed}", flush=True)
    chance = random.Random(options.seed)
    began = time.monotonic()
    site = Site(options.local)
    try:
        watch(site, options, chance, began)
    finally:
        site.abandon()
    shutil.rmtree(site.home)


def watch(site, options, chance, began):
    load = Load(site, options.seed)
    load.start()
    # Each of them is killed, whatever the seed is.
    plan = [site.victims[kill % len(site.victims)] for kill in range(options.kills)]
    chance.shuffle(plan)
    for kill, victim in enumerate(plan):
        # A stage that is lost five times has failed, and a server that makes films itself takes all of them with it: between its deaths
        # something comes to an end. Otherwise it is enough that there is something to disturb.
        ended, deadline = len(load.ended), time.monotonic() + PATIENCE
        is_due = (lambda: len(load.ended) > ended) if options.local else (lambda: load.working)
        while load.is_alive() and not is_due() and time.monotonic() < deadline:
            time.sleep(0.02)
        # Any moment: there is nothing to wait for.
        time.sleep(chance.uniform(0, 1.5))
        site.kill(victim)
        load.faults += half_published(site.server.data)
        if load.faults or not load.is_alive():
            break
        print(f"kill {kill + 1}: {victim}; {len(load.ended)} jobs over", flush=True)
    load.stopping.set()
    load.join(PATIENCE)
    for id in load.open:
        load.faults.append(f"the job {id} is not over {PATIENCE} s after the last kill: {site.ask('GET', f'/v1/jobs/{id}')}")
    site.end()
    wrong, states = ledger.faults(site.server.data / "ledger.db")
    load.faults += wrong
    load.faults += half_published(site.server.data)
    if sum(states.values()) != len(load.ended) + len(load.open):
        load.faults.append(f"{len(load.ended) + len(load.open)} jobs were taken, and the ledger has {sum(states.values())}")
    resumed = sum(any(stage["attempt"] > 1 for stage in job["stages"]) for job in load.ended.values())
    counts = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    print(f"{options.kills} kills, {len(load.ended)} jobs: {counts}; {resumed} of them went on after a kill; {time.monotonic() - began:.0f} s")
    if load.faults:
        raise SystemExit("\n".join([f"seed {options.seed}; what is left lies in {site.home}:", *load.faults]))


main()
