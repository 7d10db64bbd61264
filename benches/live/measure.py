#!/usr/bin/env python3
"""Measures live lectures with real peers and writes benches/results/live.md.

    benches/live/measure.py [PART...]      parts: joins skew say sessions livekit robust soak   (all but soak without one)

Ends with an error when a mark is missed.
Every figure comes from a peer (tests/peers) or from the program's own report; each part starts what it needs on loopback.
"""

import json
import os
import pathlib
import platform
import random
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
PEER = ROOT / "tests/peers/peer"
LECTERN = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug/lectern"
DEMO = ROOT / "graphs/demo/lectern.pptx"
KEY = {"LIVEKIT_API_KEY": "devkey", "LIVEKIT_API_SECRET": "secretsecretsecretsecretsecretsecret"}
SMALL = ["--set", "size=854x480", "--set", "fps=25"]
# Sessions that are tried at most.
MOST_SESSIONS = 16
SOAK_SECONDS = int(os.environ.get("LECTERN_SOAK", "1800"))

rows: list[tuple[str, str, str, bool | None]] = []


def row(what: str, figure: str, mark: str = "", holds: bool | None = None) -> None:
    rows.append((what, figure, mark, holds))
    print(f"{what}: {figure}  {mark}  {'' if holds is None else 'holds' if holds else 'MISSED'}", flush=True)


class Live:
    """A lecture that is being given, with a folder of its own for caches and state."""

    def __init__(self, deck, *more, env=None, home=None):
        self.home = pathlib.Path(home or tempfile.mkdtemp(prefix="lectern-live-"))
        self.ended = None
        env = os.environ | {"RUST_BACKTRACE": "1", "XDG_CACHE_HOME": str(self.home / "cache"), "XDG_STATE_HOME": str(self.home / "state")} | (env or {})
        self.report = self.home / "report.json"
        arguments = [LECTERN, "live", deck, "--listen", "127.0.0.1:0", "--json", "--report", self.report, *more]
        self.began = time.time()
        self.complaints = self.home / "stderr"
        with open(self.complaints, "w") as stderr:
            self.process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=stderr, env=env, text=True, cwd=ROOT)
        self.lines = []
        self.ready = None
        for line in self.process.stdout:
            self.lines.append(json.loads(line))
            if self.lines[-1]["event"] == "ready":
                self.ready = self.lines[-1]
                break
            if self.lines[-1]["event"] == "error":
                raise SystemExit(f"the lecture does not begin: {self.lines[-1]}")
        threading.Thread(target=lambda: [self.lines.append(json.loads(line)) for line in self.process.stdout], daemon=True).start()
        self.token_file = self.home / "token"
        self.token_file.write_text(self.ready["token"])
        self.origin = self.ready["viewer_url"].split("/live/")[0]
        self.page = self.ready["viewer_url"].split("#")[0]

    def ask(self, path, body=None, token=None, method=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.origin + path, data, {"Authorization": "Bearer " + (token or self.ready["control_token"])}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"null")

    def command(self, command):
        status, answer = self.ask(f"/v1/live/{self.ready['room']}/commands", command)
        if status != 202:
            raise SystemExit(f"{command} is not taken: {status} {answer}")

    def graph(self, room=None):
        return self.ask(f"/v1/live/{room or self.ready['room']}/graph", token=self.operator() if room else None)[1]

    def operator(self):
        env = os.environ | {"XDG_STATE_HOME": str(self.home / "state")}
        return subprocess.run([LECTERN, "token", "--role", "operator"], env=env, capture_output=True, text=True, check=True).stdout.strip()

    def rss(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024

    def held(self):
        return {what: len(os.listdir(f"/proc/{self.process.pid}/{what}")) for what in ("task", "fd")}

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(timeout=60)
        if code:
            raise SystemExit(f"the lecture ended with {code}: {self.lines[-1]}")
        return json.loads(self.report.read_text())


def peer(name, *arguments, check=True):
    done = subprocess.run([PEER, name, *map(str, arguments)], capture_output=True, text=True)
    if check and done.returncode:
        raise SystemExit(f"{name} {arguments} ended with {done.returncode}: {done.stderr}\n{done.stdout[-2000:]}")
    return json.loads(done.stdout)


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class LiveKit:
    """A real LiveKit server on loopback."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="lectern-livekit-"))
        self.port = free_port()
        udp = free_port(socket.SOCK_DGRAM)
        (self.folder / "config.yaml").write_text(
            f"port: {self.port}\nbind_addresses: ['127.0.0.1']\nkeys: {{devkey: {KEY['LIVEKIT_API_SECRET']}}}\nlogging: {{level: error}}\n"
            f"rtc: {{tcp_port: 0, udp_port: {udp}, use_external_ip: false, node_ip: 127.0.0.1, enable_loopback_candidate: true, interfaces: {{includes: [lo]}}}}\n"
            "room: {auto_create: true}\n")
        self.url = f"ws://127.0.0.1:{self.port}"
        self.start()

    def start(self):
        self.process = subprocess.Popen([PEER, "livekit-server", "--config", self.folder / "config.yaml"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.02)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def token(self, room, identity):
        made = subprocess.run([LECTERN, "token", "--livekit", "--room", room, "--identity", identity], env=os.environ | KEY, capture_output=True, text=True, check=True)
        file = self.folder / f"token-{identity}"
        file.write_text(made.stdout)
        return file


def joins():
    live = Live(DEMO, "--loop")
    peer("viewer", "--url", live.page, "--token-file", live.token_file, "--transport", "mse", "--seconds", 1)  # the first viewer begins the lecture
    for transport in ("whep", "mse"):
        seen = peer("viewer", "--url", live.page, "--token-file", live.token_file, "--transport", transport, "--joins", 20, "--seconds", 3, "--limit", 300)
        own = seen["joins"]
        row(f"Chromium by {transport.upper()}: token to first frame, 20 joins", f"median {own['median'] / 1000:.2f} s, 95 % {own['p95'] / 1000:.2f} s",
            "median <= 2 s, 95 % <= 3 s", own["median"] <= 2000 and own["p95"] <= 3000)
    live.stop()


def skew():
    live = Live(ROOT / "graphs/avsync.yaml", "--set", "size=640x360")
    counted = peer("whep", "--url", live.ready["whep_url"], "--token-file", live.token_file, "--seconds", 12)
    own = counted["visits"][0].get("arrival_skew_ms")
    (live.home / "whep.json").write_text(json.dumps(counted))
    if own is not None:
        row("A/V skew at a subscriber, by RTCP sender reports (WHEP)", f"{own:.2f} ms", "<= 20 ms", abs(own) <= 20)
    # How a flash and a click are timed, and how exact that is: tests/peers/README.md.
    for transport in ("mse", "whep"):
        seen = peer("viewer", "--url", live.page, "--token-file", live.token_file, "--transport", transport, "--seconds", 20)
        away = seen["avsync"]
        own = f"; by the browser's own account {away['playout_skew_ms']} ms" if away["playout_skew_ms"] is not None else ""
        row(f"A/V skew as rendered by headless Chromium, {transport.upper()} ({away['pairs']} flashes and clicks)",
            f"median {away['median_ms']} ms, most {away['max_abs_ms']} ms{own}", "<= 45 ms", away["median_ms"] is not None and away["pairs"] >= 15 and abs(away["median_ms"]) <= 45)
    live.stop()


def say():
    live = Live(DEMO, "--wait")
    live.command({"command": "start"})
    spans, silent = [], []
    texts = ["Let me stop here for one short remark.", "Are there any questions up to this point?", "This is worth a second look, I think.", "Please write that last number down now.",
             "We will come back to this later today."]
    listener = Events(live)
    for text in texts:
        time.sleep(4)
        sent = time.monotonic()
        status, body = live.ask(f"/v1/live/{live.ready['room']}/commands", {"command": "say", "text": text, "interrupt": True})
        if status != 202:
            raise SystemExit(f"not taken: {status} {body}")
        silent.append((time.monotonic() - sent) * 1000)
        spans.append((listener.caption(text.split(",")[0][:12], sent) - sent) * 1000)
    live.stop()
    row("`say` at once: command to the first new sample out of playout, 5 answers, cold", f"median {statistics.median(spans):.0f} ms, most {max(spans):.0f} ms", "<= 500 ms", max(spans) <= 500)
    row("`say` at once: command to the flush being done (old speech is silent), 5 answers", f"median {statistics.median(silent):.0f} ms, most {max(silent):.0f} ms", "<= 60 ms", max(silent) <= 60)


class Events:
    """The event socket, heard by the Node that the peers use, so that no library is needed here."""

    def __init__(self, live):
        script = pathlib.Path(__file__).with_name("events.mjs")
        peers = pathlib.Path(os.environ.get("LECTERN_PEERS", pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "lectern-test/peers"))
        node = peers / "browser/node"
        url = live.ready["media_ws_url"].replace("/media", "/events")
        self.process = subprocess.Popen([node, "--experimental-websocket", script, url, live.ready["token"]], stdout=subprocess.PIPE, text=True)
        self.heard = []
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.heard.append((time.monotonic(), json.loads(line)))

    def caption(self, beginning, since):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            for at, news in list(self.heard):
                if at >= since and news.get("type") == "caption" and news["text"].startswith(beginning):
                    return at
            time.sleep(0.002)
        raise SystemExit(f"nothing was said that begins with {beginning!r}: {self.heard[-5:]}")


WHO = "a teacher|the engineer|every student|our guide|the captain|a doctor|the baker|an author|the pilot|a painter|the farmer|a singer".split("|")
DOES = "explains|measures|draws|repeats|forgets|compares|improves|describes|collects|observes|questions|remembers".split("|")
WHAT = "the long road|a narrow bridge|seven green bottles|the weather report|an empty harbour|the second chapter|a broken clock|the winter garden".split("|")
WHEN = "before breakfast|in the evening|without any hurry|on a rainy Monday|after the meeting|once in a while|near the old station|for the first time".split("|")


def lesson(folder, number):
    """A lesson like no other: the demo deck's pages, four minutes of sentences that have not been spoken before."""
    chance = random.Random(number)
    folder.mkdir(parents=True)
    subprocess.run([LECTERN, "lesson", "export", DEMO, "-o", folder / "demo/lesson.yaml"], check=True, capture_output=True)
    document = next((folder / "demo/media").glob("*.pdf"))
    document.rename(folder / "pages.pdf")
    shutil.rmtree(folder / "demo")
    slides = []
    for slide in range(16):
        sentences = [f"{chance.choice(WHO)} {chance.choice(DOES)} {chance.choice(WHAT)} {chance.choice(WHEN)}, and {chance.choice(WHO)} {chance.choice(DOES)} {chance.choice(WHAT)}"
                     for _ in range(4)]
        text = ". ".join(sentence[0].upper() + sentence[1:] for sentence in sentences)
        slides.append(f"- {{ page: {{ document: pages.pdf, number: {slide % 6 + 1} }}, narration: \"{text}.\" }}\n")
    (folder / "lesson.yaml").write_text("version: 1\nslides:\n" + "".join(slides))
    return folder / "lesson.yaml"


def watch(live, room, file, seconds):
    return subprocess.Popen([PEER, "whep", "--url", f"{live.origin}/v1/live/{room}/whep", "--token-file", file, "--seconds", str(seconds), "--pli"], stdout=subprocess.PIPE, text=True)


def sessions():
    """One after the other until the next one is refused, each with a viewer; then all of them are watched for half a minute."""
    lessons = pathlib.Path(tempfile.mkdtemp(prefix="lectern-lessons-"))
    files = [lesson(lessons / f"lesson-{number}", number) for number in range(MOST_SESSIONS + 1)]
    live = Live(files[0], "--loop", "--lessons", lessons, "--wait", "--room", "room-0", *SMALL)
    (live.home / "operator").write_text(operator := live.operator())
    live.command({"command": "start"})
    rooms, refused, longest = [live.ready["room"]], None, 3600
    viewers = [watch(live, rooms[0], live.home / "operator", longest)]
    for number in range(1, MOST_SESSIONS + 1):
        time.sleep(14)
        body = {"room": f"room-{number}", "lesson": f"lesson-{number}/lesson.yaml", "size": "854x480", "fps": "25", "loop": True, "start": True,
                "avatar": "maya" if number % 2 else "henrik"}
        status, answer = live.ask("/v1/live", body, token=operator)
        if status == 503:
            refused = answer
            break
        if status != 201:
            raise SystemExit(f"{status} {answer}")
        rooms.append(body["room"])
        viewers.append(watch(live, body["room"], live.home / "operator", longest))
    before = [live.graph(room)["playout"] for room in rooms]
    watchers = []
    for room in rooms:
        watchers.append(watch(live, room, live.home / "operator", 30))
        time.sleep(1)  # all at one moment would measure joining, too
    reports = [json.loads(watcher.communicate()[0]) for watcher in watchers]
    after = [live.graph(room)["playout"] for room in rooms]
    for viewer in viewers:
        viewer.kill()
        viewer.wait()
    fps = [(report["video"].get("frames") or 0) / 30 for report in reports]
    underruns, skipped = [playout["underruns"] for playout in after], [now["skipped"] - then["skipped"] for now, then in zip(after, before)]
    row(f"sessions at 854x480@25 at once, different lessons, nothing spoken before, two WHEP clients each, {os.cpu_count()} cores",
        f"{len(rooms)}, {min(fps):.1f} to {max(fps):.1f} pictures a second, underruns {underruns} since each began, pictures skipped {skipped}",
        ">= 4, full rate, 0 underruns", len(rooms) >= 4 and not any(underruns) and min(fps) > 24.5)
    row("the next session", "refused: " + refused["detail"] if refused else "not refused", "refused by measured CPU", refused is not None)
    live.stop()


def livekit():
    server = LiveKit()
    token = server.token("bench", "python")
    watcher = subprocess.Popen([PEER, "room-python", "--url", server.url, "--token-file", token, "--seconds", "20"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    live = Live(DEMO, "--loop", "--livekit", server.url, "--room", "bench", *SMALL, env=KEY)
    seen = json.loads(watcher.communicate()[0])
    subscribed = next(event["at_ms"] for event in seen["events"] if event["event"] == "subscribed")
    first = seen["first_frame"]["from_start_ms"] - subscribed
    fps = seen["video"]["fps"]
    row("real livekit-server: published to first frame at a subscriber", f"{first / 1000:.2f} s", "<= 2 s", first <= 2000)
    row("854x480@25 as seen by that subscriber", f"{fps:.2f} pictures a second", "24.5 to 25.5", 24.5 <= fps <= 25.5)
    watcher = subprocess.Popen([PEER, "room-python", "--url", server.url, "--token-file", token, "--until-data", "streamEnd"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    [watcher.stderr.readline() for _ in range(2)]
    for _ in range(5):
        time.sleep(3)
        live.command({"command": "embed", "url": "https://example.org/"})
        time.sleep(2)
        live.command({"command": "resume_embed"})
    time.sleep(3)
    live.stop()
    seen = json.loads(watcher.communicate()[0])
    at = lambda name: [event["at_ms"] for event in seen["events"] if event["event"] == name and event.get("kind") == "video"]
    pauses = [pause for pause in seen["pauses_ms"] if any(pause[0] - 300 < muted < pause[1] for muted in at("muted"))]
    back = [end - unmuted for (_, end), unmuted in zip(pauses, at("unmuted"))]
    row("a page is shown 5 times: tracks muted and unmuted, unmuted to the next picture at a subscriber",
        f"{len(at('muted'))} and {len(at('unmuted'))} times, most {max(back, default=0):.0f} ms", "5 times, <= 1000 ms", len(at("muted")) == len(at("unmuted")) == len(back) == 5 and max(back) <= 1000)
    server.kill()


def robust():
    server = LiveKit()
    film = pathlib.Path(tempfile.mkdtemp()) / "film.mp4"
    live = Live(DEMO, "--loop", "--livekit", server.url, "--room", "bench", "--record", film, *SMALL, env=KEY)
    token = server.token("bench", "python")
    before = live.held()
    server.process.send_signal(signal.SIGSTOP)
    time.sleep(5)
    server.process.send_signal(signal.SIGCONT)
    seen = peer("room-python", "--url", server.url, "--token-file", token, "--seconds", 4)
    row("LiveKit server stopped for 5 s (SIGSTOP): a subscriber after it", f"{seen['video']['fps']:.1f} pictures a second", "goes on", seen["video"]["fps"] > 20)
    server.kill()
    time.sleep(3)
    server.start()
    began = time.monotonic()
    seen = peer("room-python", "--url", server.url, "--token-file", token, "--seconds", 4)
    row("LiveKit server killed and restarted: a subscriber after it", f"{seen['video']['fps']:.1f} pictures a second, first frame {seen['first_frame']['from_start_ms'] / 1000:.1f} s after it joined", "goes on", seen["video"]["fps"] > 20)
    counted = peer("whep", "--url", live.ready["whep_url"], "--token-file", live.token_file, "--joins", 4, "--sessions", 4, "--seconds", 0.5)
    settled, memory = live.held(), live.rss()
    counted = peer("whep", "--url", live.ready["whep_url"], "--token-file", live.token_file, "--joins", 100, "--sessions", 4, "--seconds", 0.5, check=False)
    peer("whep", "--url", live.ready["whep_url"], "--token-file", live.token_file, "--joins", 8, "--sessions", 4, "--seconds", 0.5, "--rude", check=False)
    peer("viewer", "--url", live.page, "--token-file", live.token_file, "--transport", "mse", "--joins", 50, "--seconds", 1, "--limit", 600)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and (live.held()["task"] > settled["task"] + 2):
        time.sleep(0.5)
    after = live.held()
    row("100 WHEP joins and leaves, 8 rude ones, 50 page loads: threads and open files", f"{settled} before, {after} after; {counted['failed']} joins failed",
        "none left", after["task"] <= settled["task"] + 2 and after["fd"] <= settled["fd"] + 6 and not counted["failed"])
    row("the same: memory of the process", f"{memory:.0f} MB before, {live.rss():.0f} MB after", "no leak", live.rss() <= memory * 1.25 + 20)
    report = live.stop()
    row("underruns of that lecture meanwhile", str(report["playout"]["underruns"]), "0", report["playout"]["underruns"] == 0)
    panics = live.complaints.read_text().count("panicked at")
    row("panics that it printed, to its end", str(panics), "0", panics == 0)
    server.kill()


def soak():
    live = Live(DEMO, "--loop", *SMALL)
    watcher = subprocess.Popen([PEER, "whep", "--url", live.ready["whep_url"], "--token-file", live.token_file, "--seconds", str(SOAK_SECONDS), "--pli"], stdout=subprocess.PIPE, text=True)
    time.sleep(SOAK_SECONDS / 6)
    early = live.rss()
    watcher.communicate()
    late = live.rss()
    report = live.stop()
    row(f"{SOAK_SECONDS // 60} minutes with a viewer: underruns", str(report["playout"]["underruns"]), "0", report["playout"]["underruns"] == 0)
    row("the same: memory after a sixth and at the end", f"{early:.0f} MB, {late:.0f} MB", "flat", late <= early * 1.1 + 10)


PARTS = {"joins": joins, "skew": skew, "say": say, "sessions": sessions, "livekit": livekit, "robust": robust, "soak": soak}


def kept(path):
    """What the results say of each part that was measured before, as lines."""
    parts, name = {}, None
    for line in path.read_text().splitlines() if path.exists() else []:
        if line.startswith("## "):
            name = line[3:]
            parts[name] = []
        elif name:
            parts[name].append(line)
    return {name: "\n".join(lines).strip() for name, lines in parts.items()}


def main():
    asked = sys.argv[1:] or [name for name in PARTS if name != "soak"]
    for name in asked:
        if name not in PARTS:
            raise SystemExit(f"there is no part {name}; there are: {' '.join(PARTS)}")
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), platform.machine())
    path = ROOT / "benches/results/live.md"
    missed = 0
    for name in asked:
        print(f"== {name}", flush=True)
        rows.clear()
        PARTS[name]()
        missed += sum(holds is not None and not holds for *_, holds in rows)
        lines = [f"{time.strftime('%Y-%m-%d')}, {model}, {os.cpu_count()} cores.", "", "| what | figure | mark | |", "| --- | --- | --- | --- |"]
        lines += [f"| {what} | {figure} | {mark} | {'' if holds is None else 'holds' if holds else '**missed**'} |" for what, figure, mark, holds in rows]
        parts = kept(path) | {name: "\n".join(lines)}
        text = "".join(f"\n## {part}\n{parts[part]}\n" for part in PARTS if part in parts)
        path.write_text("# Live lectures, measured with real peers\n\nWritten by `benches/live/measure.py [PART...]`; each part stands as it was measured last.\n" + text)
    print(f"written to {path}")
    if missed:
        raise SystemExit(f"{missed} marks missed")


main()
