"""The judge judged: `python3 -m unittest discover --start-directory tests/judge`. Needs no recogniser."""

import unittest

from normalise import cardinal, ordinal, words
from wer import compare


class Normalise(unittest.TestCase):
    def same(self, one, other):
        self.assertEqual(words(one), words(other), f"{one!r} and {other!r}")

    def test_case_punctuation_and_quotes_do_not_count(self):
        self.same("Hello, World! It’s “fine” — isn't it?", "hello world it's fine isn't it")

    def test_numbers_are_read_out(self):
        self.same("23 nodes", "twenty-three nodes")
        self.same("1,250,000", "one million two hundred and fifty thousand")
        self.same("3.5%", "three point five per cent")
        self.same("the 21st and the 3rd", "the twenty-first and the third")
        self.same("$5 and 1080p", "five dollars and one thousand eighty p")
        self.same("In 1984 and 2019", "in nineteen eighty-four and two thousand nineteen")
        self.same("007", "zero zero seven")
        self.assertEqual(cardinal(10**15 - 1).split()[:4], ["nine", "hundred", "ninety", "nine"])
        self.assertEqual(ordinal(40), "fortieth")

    def test_spelling_does_not_count_but_words_do(self):
        self.same("The colour of Dr. Smith's grey programme", "the color of doctor smith's gray program")
        self.assertNotEqual(words("not a tree"), words("a tree"))
        self.assertNotEqual(words("15"), words("50"))


class WordErrors(unittest.TestCase):
    def test_each_kind_of_error_is_counted_once(self):
        result = compare("one graph makes a film of your many slides", "so one graph makes the film of your slides")
        counts = {name: result[name] for name in ("reference_words", "errors", "substitutions", "deletions", "insertions")}
        self.assertEqual(counts, {"reference_words": 9, "errors": 3, "substitutions": 1, "deletions": 1, "insertions": 1})
        self.assertEqual(result["wer"], 0.3333)
        self.assertIn({"reference": "a", "heard": "the"}, result["differences"])

    def test_joined_words_are_no_error(self):
        self.assertEqual(compare("the live stream and the livestream", "the livestream and the live stream")["errors"], 0)

    def test_silence_and_nothing_expected(self):
        self.assertEqual(compare("all of this", "")["wer"], 1.0)
        self.assertEqual(compare("", "")["wer"], 0.0)
        self.assertEqual(compare("", "ghost words")["insertions"], 2)


if __name__ == "__main__":
    unittest.main()
