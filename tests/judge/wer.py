"""Word error rate: the least number of words to change, leave out or put in, over the number of words that should be there.

Run through `judge wer --reference TEXT_FILE AUDIO`. Definition: (S + D + I) / N, Levenshtein distance over the words of
`normalise.words`; in addition two neighbours may meet one joined word ("live stream", "livestream") free of charge.
"""

import argparse
import json
import os
import sys

from normalise import words


def align(reference, heard):
    """The cheapest way from `reference` to `heard`, two lists of words: a list of (reference words, heard words), equal ones too."""
    rows, columns = len(reference), len(heard)
    steps = ((1, 1), (1, 0), (0, 1), (2, 1), (1, 2))
    cost = [[0] * (columns + 1) for _ in range(rows + 1)]
    came = [[None] * (columns + 1) for _ in range(rows + 1)]
    for i in range(rows + 1):
        for j in range(columns + 1):
            best = None
            for down, right in steps:
                if down > i or right > j:
                    continue
                same = "".join(reference[i - down : i]) == "".join(heard[j - right : j])
                if down + right == 3 and not same:
                    continue
                total = cost[i - down][j - right] + (0 if same else 1)
                if best is None or total < best:
                    best, came[i][j] = total, (down, right)
            cost[i][j] = best or 0
    pairs, i, j = [], rows, columns
    while i or j:
        down, right = came[i][j]
        pairs.append((reference[i - down : i], heard[j - right : j]))
        i, j = i - down, j - right
    return pairs[::-1]


def compare(reference, heard):
    """Counts and differences between two texts: {reference_words, errors, substitutions, deletions, insertions, wer, differences}."""
    expected = words(reference)
    pairs = align(expected, words(heard))
    differences = [pair for pair in pairs if "".join(pair[0]) != "".join(pair[1])]
    deletions = sum(not heard for _, heard in differences)
    insertions = sum(not said for said, _ in differences)
    return {
        "reference_words": len(expected),
        "errors": len(differences),
        "substitutions": len(differences) - deletions - insertions,
        "deletions": deletions,
        "insertions": insertions,
        "wer": round(len(differences) / max(len(expected), 1), 4),
        "differences": [{"reference": " ".join(said), "heard": " ".join(heard)} for said, heard in differences],
    }


def main(arguments):
    parser = argparse.ArgumentParser(prog="judge wer", description="word error rate of a recording against what should be said")
    parser.add_argument("--reference", required=True, metavar="TEXT_FILE", help="what should be said, UTF-8")
    parser.add_argument("--language", default="en", help="what is spoken, as two letters")
    parser.add_argument("audio", help="a file with a sound track")
    options = parser.parse_args(arguments)
    for path in (options.reference, options.audio):
        if not os.path.isfile(path):
            sys.exit(f"judge wer: there is no file {path}")
    with open(options.reference, encoding="utf-8") as file:
        reference = file.read()

    import transcribe

    heard = transcribe.transcribe(transcribe.load(), options.audio, options.language)
    result = {"file": options.audio, "seconds": heard["seconds"], **compare(reference, heard["text"]), "text": heard["text"]}
    print(json.dumps(result, ensure_ascii=False))


if __name__ == "__main__":
    main(sys.argv[1:])
