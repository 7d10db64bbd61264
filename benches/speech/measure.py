#!/usr/bin/env python3
"""Measures how well the voices are understood and how far the times of their words are from the sound, as rows of a table in Markdown:
those of benches/results/look-and-sound.md that are about speech.

    benches/speech/measure.py [PART...]      parts: understood pauses   (all without one)

Takes `lectern` from target/debug (LECTERN names another one), Kokoro (scripts/setup kokoro) and the recogniser (scripts/setup-judge).
The texts: `darwin.txt`, how "On the Origin of Species" begins (1859); `harvard.txt`, lists 1 and 2 of the IEEE Recommended Practice for
Speech Quality Measurements (1969); `pauses.txt`, three of our own with many commas.
"""

import array
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import wave

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
LECTERN = os.environ.get("LECTERN") or pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug/lectern"
VOICES = ("joe", "kokoro:af_heart", "kokoro:bm_george", "kokoro:am_michael")
WORD_ERROR, MILLIS = 0.07, 100
# Sound is what is louder than -40 dB of the loudest block; a pause is this long without any. A silence inside a word that is not longer
# than the last number is the closure of a p, t or k.
BLOCK, QUIET, PAUSE, CLOSURE = 0.005, 1e-4, 0.1, 0.15


def row(what, figure, mark, misses):
    print(f"| {what} | {figure} | {mark} | {'holds' if not misses else 'does not hold: ' + ', '.join(misses)} |", flush=True)


def speak(text, voice, folder):
    """The sound and the words {word, start, end}, in seconds."""
    sound, times = folder / "said.wav", folder / "said.json"
    command = [LECTERN, "speak", text, "--voice", voice, "-o", sound, "--times", times]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return sound, json.loads(times.read_text())["words"]


def understood(folder):
    """Words that a recogniser hears otherwise."""
    for name in ("darwin", "harvard"):
        reference = HERE / f"{name}.txt"
        figures, misses = [], []
        for voice in VOICES:
            sound, _ = speak(reference.read_text(), voice, folder)
            command = [ROOT / "tests/judge/judge", "wer", "--reference", reference, sound]
            heard = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
            figures.append(f"{voice} {100 * heard['wer']:.1f} %")
            if heard["wer"] > WORD_ERROR:
                misses.append(voice)
            print(f"{name}, {voice}: {heard['errors']} of {heard['reference_words']} words: {heard['differences']}", file=sys.stderr)
        row(f"word error by Whisper base, {name}.txt", "; ".join(figures), f"<= {100 * WORD_ERROR:.0f} %", misses)


def silences(sound):
    """Where nothing is heard for at least a pause, as pairs of seconds."""
    with wave.open(str(sound)) as file:
        if file.getsampwidth() != 2 or file.getnchannels() != 1:
            raise SystemExit(f"{sound} is not mono of 16 bits")
        samples, rate = array.array("h", file.readframes(file.getnframes())), file.getframerate()
    size = int(rate * BLOCK)
    powers = [sum(sample * sample for sample in samples[at : at + size]) for at in range(0, len(samples) - size, size)]
    quiet = max(powers) * QUIET
    began = None
    for index, power in enumerate(powers + [float("inf")]):
        if power <= quiet:
            began = index if began is None else began
        elif began is not None:
            if (index - began) * BLOCK >= PAUSE:
                yield began * BLOCK, index * BLOCK
            began = None


def pauses(folder):
    """Words before and after a pause, against where the sound ends and begins; positive: the time is later."""
    for voice in VOICES:
        found = {"begin": [], "end": []}
        for text in (HERE / "pauses.txt").read_text().split("\n\n"):
            sound, words = speak(text.strip(), voice, folder)
            for since, until in silences(sound):
                if until - since <= CLOSURE and any(word["start"] < since and until < word["end"] for word in words):
                    continue
                middle = (since + until) / 2
                before = [word for word in words if word["start"] < middle]
                after = [word for word in words if word["start"] >= middle]
                if before:
                    found["end"].append((round(1000 * (before[-1]["end"] - since)), before[-1]["word"]))
                if after:
                    found["begin"].append((round(1000 * (after[0]["start"] - until)), after[0]["word"]))
        for what, late in found.items():
            late.sort()
            figure = f"{len(late)} words, {late[0][0]} to {late[-1][0]} ms, middle {late[len(late) // 2][0]}"
            misses = [f"{word} {millis} ms" for millis, word in late if abs(millis) > MILLIS]
            row(f"words at pauses, {voice}: where they {what}", figure, f"<= {MILLIS} ms", misses)


PARTS = {"understood": understood, "pauses": pauses}


def main():
    asked = sys.argv[1:] or list(PARTS)
    for name in asked:
        if name not in PARTS:
            raise SystemExit(f"there is no part {name}; there are: {' '.join(PARTS)}")
    print("| what | figure | mark | |\n| --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory(prefix="lectern-speech-") as folder:
        for name in asked:
            PARTS[name](pathlib.Path(folder))


main()
