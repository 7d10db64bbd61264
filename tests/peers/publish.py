"""Publishes a white picture and a click at every full second to a LiveKit room, until its standard input is closed.

It stands for no part of Lectern: it is there to show that the subscribers (room.mjs, room.py) measure what they say they do.
`--late-ms` holds the click back, so that a subscriber has something to find. `--data JSON` is sent every second on `avatar_events`.
"""

import argparse
import asyncio
import sys

import numpy
from livekit import rtc

RATE = 48_000
FPS = 30


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--token-file", required=True)
    parser.add_argument("--size", default="640x360")
    parser.add_argument("--codec", default="VP8", choices=["VP8", "H264"])
    parser.add_argument("--late-ms", type=float, default=0.0)
    parser.add_argument("--data")
    parser.add_argument("--mute-after", type=float, help="seconds after which the sound is muted for one second")
    options = parser.parse_args()
    width, height = map(int, options.size.split("x"))

    room = rtc.Room()
    await room.connect(options.url, open(options.token_file).read().strip())
    picture = rtc.VideoSource(width, height)
    sound = rtc.AudioSource(RATE, 1, queue_size_ms=100)
    audio_track = rtc.LocalAudioTrack.create_audio_track("sound", sound)
    publish = room.local_participant.publish_track
    codec = getattr(rtc.VideoCodec, options.codec)
    encoding = rtc.VideoEncoding(max_bitrate=1_500_000, max_framerate=FPS)
    await publish(
        rtc.LocalVideoTrack.create_video_track("picture", picture),
        rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_CAMERA, video_codec=codec, simulcast=False, video_encoding=encoding),
    )
    await publish(audio_track, rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE, dtx=False))
    print("published", flush=True)

    done = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, done.set)
    begin = asyncio.get_running_loop().time()
    tasks = [
        asyncio.create_task(show(picture, width, height, begin)),
        asyncio.create_task(play(sound, begin, round(options.late_ms * RATE / 1000))),
    ]
    if options.data:
        tasks.append(asyncio.create_task(talk(room, options.data)))
    if options.mute_after is not None:
        tasks.append(asyncio.create_task(mute(audio_track, options.mute_after)))
    await asyncio.wait([*tasks, asyncio.create_task(done.wait())], return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        if task.done():
            task.result()
        task.cancel()
    await room.disconnect()


async def show(picture: rtc.VideoSource, width: int, height: int, begin: float) -> None:
    """Grey with a moving bar, so that there is something to encode; the first three frames of every second are white."""
    grey = numpy.full((height * 3 // 2, width), 128, numpy.uint8)
    grey[:height] = 60
    index = 0
    while True:
        await asyncio.sleep(max(0, begin + index / FPS - asyncio.get_running_loop().time()))
        image = grey.copy()
        at = index * 8 % (width - 16)
        image[:height, at : at + 16] = 90
        if index % FPS < 3:
            image[:height] = 235
        frame = rtc.VideoFrame(width, height, rtc.VideoBufferType.I420, image.tobytes())
        picture.capture_frame(frame, timestamp_us=round(index * 1e6 / FPS) + 1)
        index += 1


async def play(sound: rtc.AudioSource, begin: float, late: int) -> None:
    """Blocks of 20 ms on the same clock as the pictures; a click is 10 ms of 1 kHz."""
    size = RATE // 50
    second = numpy.zeros(RATE, numpy.int16)
    wave = numpy.sin(numpy.arange(RATE // 100) * 2 * numpy.pi * 1000 / RATE) * 20_000
    second[numpy.arange(late, late + wave.size) % RATE] = wave.astype(numpy.int16)
    index = 0
    while True:
        await asyncio.sleep(max(0, begin + index / 50 - asyncio.get_running_loop().time()))
        at = index * size % RATE
        await sound.capture_frame(rtc.AudioFrame(second[at : at + size].tobytes(), RATE, 1, size))
        # What could not be sent in time (while muted nothing is taken) is left out: the sound stays with the picture.
        index = max(index + 1, int((asyncio.get_running_loop().time() - begin) * 50))


async def talk(room: rtc.Room, data: str) -> None:
    while True:
        await room.local_participant.publish_data(data, reliable=True, topic="avatar_events")
        await asyncio.sleep(1)


async def mute(track: rtc.LocalAudioTrack, after: float) -> None:
    await asyncio.sleep(after)
    track.mute()
    await asyncio.sleep(1)
    track.unmute()
    await asyncio.Event().wait()


asyncio.run(main())
