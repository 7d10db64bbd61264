"""A Lectern server, its workers and nats-server as real processes, and what a client asks of them: what the programs of this folder share."""

import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
LECTERN = pathlib.Path(os.environ.get("LECTERN") or pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug/lectern")
DEMO = ROOT / "graphs/demo/lectern.pptx"
SMALL = {"size": "160x90", "set": {"fps": "10", "preset": "ultrafast"}}
SHORT = """version: 1
id: short-%s
title: Short
slides:
- { id: one, color: "#204060", silence: 500ms, presenter: { visible: false } }
"""
OVER = ("completed", "failed", "cancelled")


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Nats:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="lectern-nats-")
        self.port = free_port()
        self.url = f"nats://127.0.0.1:{self.port}"
        self.start()

    def start(self):
        command = [shutil.which("nats-server") or "/usr/sbin/nats-server", "-a", "127.0.0.1", "-js", "-p", str(self.port), "-sd", self.folder]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if self.process.poll() is not None:
                    raise SystemExit(f"nats-server ended with {self.process.returncode}") from None
                time.sleep(0.02)

    def kill(self):
        self.process.kill()
        self.process.wait()

    stop = kill


class Process:
    """One of our processes, which says in JSON when it is ready."""

    def __init__(self, home, *arguments, cores=None, env=None):
        env = os.environ | {"XDG_CACHE_HOME": f"{home}/cache", "XDG_STATE_HOME": f"{home}/state", "LECTERN_GUARD_ENABLED": "false"} | (env or {})
        pinned = ["taskset", "-c", cores] if cores else []
        with open(f"{home}/log", "ab") as log:
            self.process = subprocess.Popen([*pinned, LECTERN, *arguments, "--json"], stdout=subprocess.PIPE, stderr=log, env=env, text=True)
        said = self.process.stdout.readline()
        if not said.startswith("{"):
            raise SystemExit(f"lectern {arguments[0]} did not start: {said or 'it said nothing'}; see {home}/log")
        self.ready = json.loads(said)
        threading.Thread(target=self.process.stdout.read, daemon=True).start()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(timeout=60):
            raise SystemExit(f"it ended with {self.process.returncode}")

    def kill(self):
        self.process.kill()
        self.process.wait()


class Server(Process):
    def __init__(self, *more, home=None, cores=None, env=None, listen="127.0.0.1:0"):
        self.home = home or tempfile.mkdtemp(prefix="lectern-serve-")
        self.data = pathlib.Path(self.home, "data")
        super().__init__(self.home, "serve", "--listen", listen, "--data", str(self.data), *more, cores=cores, env=env)
        self.address, self.token = self.ready["listen"], self.ready["admin_token"]
        self.local = threading.local()

    def ask(self, method, path, body=None, raw=False, headers=None):
        """By a connection of the thread's own, which is kept."""
        data = body if raw or body is None else json.dumps(body).encode()
        for again in (True, False):
            connection = getattr(self.local, "connection", None)
            if connection is None:
                connection = self.local.connection = http.client.HTTPConnection(self.address, timeout=120)
            try:
                connection.request(method, path, data, {"Authorization": f"Bearer {self.token}"} | (headers or {}))
                answer = connection.getresponse()
                text = answer.read()
                break
            except (http.client.HTTPException, ConnectionError):
                self.local.connection = None
                if not again:
                    raise
        if answer.status >= 400:
            raise SystemExit(f"{method} {path}: {answer.status} {text}")
        return json.loads(text) if text else None

    def file(self, path):
        """The bytes of a file."""
        connection = http.client.HTTPConnection(self.address, timeout=120)
        connection.request("GET", path, headers={"Authorization": f"Bearer {self.token}"})
        answer = connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{path}: {answer.status} {content[:300]}")
        return content

    def deck(self, name, content):
        return self.ask("POST", f"/v1/decks?name={name}", content, raw=True)["id"]

    def submit(self, request):
        return self.ask("POST", "/v1/jobs", request)["id"]

    def job(self, id):
        return self.ask("GET", f"/v1/jobs/{id}")

    def wait(self, id):
        while True:
            connection = http.client.HTTPConnection(self.address, timeout=400)
            connection.request("GET", f"/v1/jobs/{id}", headers={"Authorization": f"Bearer {self.token}", "Prefer": "wait=300"})
            job = json.loads(connection.getresponse().read())
            if job["state"] in OVER:
                return job


def moment(text):
    """Seconds of an RFC 3339 time in UTC."""
    whole, part = re.fullmatch(r"(.*?)(\.\d+)?Z", text).groups()
    return time.mktime(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) + float(part or 0)


def short_job(server, number):
    deck = server.deck("lesson.yaml", (SHORT % number).encode())
    return server.submit({"deck": deck, "looks": SMALL})
