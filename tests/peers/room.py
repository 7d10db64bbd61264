"""LiveKit's Python client as a subscriber that is not ours: joins a room, decodes what is published, reports as JSON.

    peer room-python --url ws://127.0.0.1:7880 --token-file FILE [--seconds 10 | --until-data streamEnd] [--since-ms EPOCH] [--send JSON]
                     [--answer MESSAGE JSON] [--out FILE] [--limit S]

Flash and click are compared by the moment at which the client hands them over: this client has no player, so the distance is that of
two jitter buffers, not of a screen and a loudspeaker; room.mjs measures that one. Frame rate and gaps are by the frames' own timestamps.
"""

import argparse
import asyncio
import json
import statistics
import sys
import time

import numpy
from livekit import rtc

RATE = 48_000


class Picture:
    """What the video track brought."""

    def __init__(self) -> None:
        self.stamps: list[int] = []  # microseconds
        self.flashes: list[float] = []  # seconds of time.monotonic()
        self.size = [0, 0]
        self.arrivals: list[float] = []  # seconds of time.monotonic()
        self.white = True  # a flash that has already begun does not count
        self.first: float | None = None

    async def read(self, track: rtc.Track, shown: asyncio.Event) -> None:
        async for event in rtc.VideoStream(track, format=rtc.VideoBufferType.I420):
            now, frame = time.monotonic(), event.frame
            if self.first is None:
                self.first = now
                shown.set()
            self.stamps.append(event.timestamp_us)
            self.arrivals.append(now)
            self.size = [frame.width, frame.height]
            luma = numpy.frombuffer(frame.data, numpy.uint8, count=frame.width * frame.height)[::997]
            white = luma.mean() > 180
            if white and not self.white:
                self.flashes.append(now)
            self.white = white

    def pauses(self, began: float) -> list[list[float]]:
        """Times without a frame of half a second or more: from the last one before to the first one after, in ms since `began`."""
        both = zip(self.arrivals, self.arrivals[1:])
        return [[round((one - began) * 1000, 1), round((other - began) * 1000, 1)] for one, other in both if other - one >= 0.5]

    def report(self) -> dict:
        steps = numpy.diff(self.stamps) / 1000
        return {
            "frames": len(self.stamps),
            "fps": round(1000 / steps.mean(), 3) if len(steps) else 0,
            "longest_step_ms": round(float(steps.max()), 2) if len(steps) else None,
            "width": self.size[0],
            "height": self.size[1],
        }


class Sound:
    """What the audio track brought."""

    def __init__(self) -> None:
        self.clicks: list[float] = []
        self.frames = self.samples = self.peak = 0
        self.squares = 0.0
        self.quiet = 0

    async def read(self, track: rtc.Track) -> None:
        async for event in rtc.AudioStream(track, sample_rate=RATE, num_channels=1):
            now = time.monotonic()
            samples = numpy.frombuffer(event.frame.data, numpy.int16).astype(numpy.int32)
            self.frames += 1
            self.samples += samples.size
            self.squares += float((samples**2).sum())
            self.peak = max(self.peak, int(abs(samples).max()))
            loud = numpy.flatnonzero(abs(samples) > 3277)
            if loud.size and self.quiet + loud[0] > RATE / 10:
                self.clicks.append(now - (samples.size - int(loud[0])) / RATE)
            self.quiet = samples.size - 1 - int(loud[-1]) if loud.size else self.quiet + samples.size

    def report(self) -> dict:
        return {
            "frames": self.frames,
            "seconds": round(self.samples / RATE, 2),
            "rms": (self.squares / self.samples) ** 0.5 / 32768 if self.samples else 0,
            "peak": self.peak / 32768,
        }


def together(flashes: list[float], clicks: list[float]) -> dict:
    """Distances of each flash to its nearest click; positive: the sound comes after the picture."""
    apart = [min((click - flash for click in clicks), key=abs) * 1000 for flash in flashes if clicks]
    apart = [round(distance, 2) for distance in apart if abs(distance) < 500]
    return {
        "flashes": len(flashes),
        "clicks": len(clicks),
        "pairs": len(apart),
        "median_ms": round(statistics.median(apart), 2) if apart else None,
        "max_abs_ms": max(map(abs, apart), default=None),
        "offsets_ms": apart,
    }


async def watch(options: argparse.Namespace, report: dict) -> None:
    room, began = rtc.Room(), time.monotonic()
    picture, sound = Picture(), Sound()
    shown, ended = asyncio.Event(), asyncio.get_running_loop().create_future()
    readers: list[asyncio.Task] = []
    answers: list[asyncio.Task] = []
    report |= {"connected_ms": None, "first_frame": None, "participants": [], "data": [], "events": []}

    def moment() -> float:
        return round((time.monotonic() - began) * 1000, 1)

    def note(event: str, **about: object) -> None:
        report["events"].append({"at_ms": moment(), "event": event, **about})

    def kind(track: rtc.Track | rtc.TrackPublication) -> str:
        return "video" if track.kind == rtc.TrackKind.KIND_VIDEO else "audio"

    async def send(text: str) -> None:
        await room.local_participant.publish_data(text, reliable=True, topic="avatar_events")
        note("sent")

    def end(problem: str | None) -> None:
        if not ended.done():
            ended.set_result(problem)

    @room.on("track_subscribed")
    def _(track: rtc.Track, publication: rtc.RemoteTrackPublication, sender: rtc.RemoteParticipant) -> None:
        note("subscribed", kind=kind(track), **{"from": sender.identity}, muted=publication.muted)
        # For those who wait for it.
        print(kind(track), "muted" if publication.muted else "on", file=sys.stderr, flush=True)
        readers.append(asyncio.create_task(picture.read(track, shown) if kind(track) == "video" else sound.read(track)))

    @room.on("track_muted")
    def _(sender: rtc.Participant, publication: rtc.TrackPublication) -> None:
        note("muted", kind=kind(publication), **{"from": sender.identity})

    @room.on("track_unmuted")
    def _(sender: rtc.Participant, publication: rtc.TrackPublication) -> None:
        note("unmuted", kind=kind(publication), **{"from": sender.identity})

    @room.on("participant_disconnected")
    def _(sender: rtc.RemoteParticipant) -> None:
        note("participant_disconnected", **{"from": sender.identity})

    @room.on("disconnected")
    def _(reason: object) -> None:
        note("disconnected", reason=str(reason))
        end("the room was left before the end")

    @room.on("data_received")
    def _(packet: rtc.DataPacket) -> None:
        text = packet.data.decode(errors="replace")
        try:
            message = json.loads(text)
        except ValueError:
            message = text
        sender = packet.participant.identity if packet.participant else None
        report["data"].append({"at_ms": moment(), "topic": packet.topic, "from": sender, "message": message})
        said = message.get("message") if isinstance(message, dict) else message
        if options.answer and said == options.answer[0]:
            answers.append(asyncio.create_task(send(options.answer[1])))
        if options.until_data and said == options.until_data:
            end(None)

    try:
        with open(options.token_file) as file:
            await room.connect(options.url, file.read().strip())
        report["connected_ms"] = connected = moment()
        await shown.wait()
        first = (picture.first - began) * 1000
        since = time.time() * 1000 - (time.monotonic() - picture.first) * 1000 - options.since_ms if options.since_ms else None
        report["first_frame"] = {
            "from_start_ms": round(first),
            "from_connected_ms": round(first - connected),
            "since_ms": since and round(since),
        }
        report["participants"] = [
            {"identity": one.identity, "name": one.name, "metadata": one.metadata} for one in room.remote_participants.values()
        ]
        if options.send:
            await send(options.send)
            # For those who wait for it.
            print("sent", file=sys.stderr, flush=True)
        if options.until_data is None:
            asyncio.get_running_loop().call_later(options.seconds, end, None)
        problem = await ended
        if problem:
            raise RuntimeError(problem)
    finally:
        report |= {"video": picture.report(), "pauses_ms": picture.pauses(began), "audio": sound.report(), "avsync_arrival": together(picture.flashes, sound.clicks)}
        for reader in readers:
            reader.cancel()
        await room.disconnect()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--token-file", required=True)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--until-data")
    parser.add_argument("--since-ms", type=float)
    parser.add_argument("--send")
    parser.add_argument("--answer", nargs=2, metavar=("MESSAGE", "JSON"), help="what is sent whenever this message comes")
    parser.add_argument("--out")
    parser.add_argument("--limit", type=float, default=120.0)
    options = parser.parse_args()
    report: dict = {}
    problem = None
    try:
        asyncio.run(asyncio.wait_for(watch(options, report), options.limit))
    except TimeoutError:
        problem = f"not done after {options.limit:g} s (--limit)"
    except Exception as error:  # whatever it was belongs into the report
        problem = str(error)
    if problem:
        report["error"] = problem
    text = json.dumps(report, indent=2) + "\n"
    if options.out:
        with open(options.out, "w") as file:
            file.write(text)
    else:
        sys.stdout.write(text)
    if problem:
        sys.exit(f"peer: {problem}")


main()
