"""What a recogniser hears: Whisper base (int8, CPU), run so that equal recordings give equal text.

Run through `judge transcribe AUDIO...`, which finds the packages and the weights.
"""

import json
import os
import sys

THREADS = 2


def load():
    """The model, from the folder that scripts/setup-judge filled; nothing is downloaded."""
    from faster_whisper import WhisperModel

    weights = os.path.join(os.environ["LECTERN_JUDGE"], "weights")
    return WhisperModel(weights, device="cpu", compute_type="int8", cpu_threads=THREADS, num_workers=1, local_files_only=True)


def transcribe(model, path, language="en"):
    """{file, seconds, text, words: [{word, start, end}]}, times in seconds from the start of the recording."""
    segments, info = model.transcribe(
        path,
        language=language,
        beam_size=5,
        temperature=0.0,  # one temperature: no sampling, no second try
        word_timestamps=True,
        condition_on_previous_text=False,  # a mistake stays where it was made
        hallucination_silence_threshold=1.0,  # text invented over silence is skipped
    )
    segments = list(segments)
    words = [word for segment in segments for word in segment.words]
    return {
        "file": path,
        "seconds": round(info.duration, 3),
        "text": " ".join(segment.text.strip() for segment in segments),
        "words": [{"word": word.word.strip(), "start": round(word.start, 2), "end": round(word.end, 2)} for word in words],
    }


def main(paths):
    if not paths:
        sys.exit("transcribe: name at least one recording")
    for path in paths:
        if not os.path.isfile(path):
            sys.exit(f"transcribe: there is no file {path}")
    model = load()
    for path in paths:
        print(json.dumps(transcribe(model, path), ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
