"""Text as it is spoken: the words that two spellings of one sentence have in common.

`words("It's 3.5 %, isn't it?")` and `words("its three point five percent isn't it")` are equal. Only spelling is evened out, never
a word: a recogniser that heard something else still differs.
"""

import re
import unicodedata

UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
).split()
TENS = "zero ten twenty thirty forty fifty sixty seventy eighty ninety".split()
SCALES = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (1000, "thousand"), (100, "hundred"))
ORDINALS = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth", "twelve": "twelfth"}
SIGNS = {"%": " percent ", "&": " and ", "+": " plus ", "=": " equals ", "@": " at ", "°": " degrees "}
MONEY = {"$": "dollars", "£": "pounds", "€": "euros"}
# The recogniser writes American, abbreviates titles, and joins or parts a few words as it likes.
SPELLINGS = {
    "colour": "color", "colours": "colors", "coloured": "colored", "grey": "gray", "centre": "center", "centres": "centers",
    "metre": "meter", "metres": "meters", "programme": "program", "programmes": "programs", "behaviour": "behavior",
    "neighbour": "neighbor", "neighbours": "neighbors", "favour": "favor", "licence": "license", "catalogue": "catalog",
    "dialogue": "dialog", "judgement": "judgment", "modelling": "modeling", "labelled": "labeled", "cancelled": "canceled",
    "travelled": "traveled", "mr": "mister", "dr": "doctor", "vs": "versus", "ok": "okay",
}  # fmt: skip


def cardinal(number):
    """'two hundred five' for 205; any integer from 0 to 10**15 - 1, without 'and'."""
    if number < 20:
        return UNITS[number]
    if number < 100:
        return TENS[number // 10] + ("" if number % 10 == 0 else " " + UNITS[number % 10])
    size, name = next(scale for scale in SCALES if number >= scale[0])
    head = cardinal(number // size) + " " + name
    return head if number % size == 0 else head + " " + cardinal(number % size)


def ordinal(number):
    """'twenty first' for 21."""
    head, _, last = cardinal(number).rpartition(" ")
    last = ORDINALS.get(last) or (last[:-1] + "ieth" if last.endswith("y") else last + "th")
    return (head + " " + last).strip()


def year(number):
    """'nineteen eighty four' for 1984: what both voices and recognisers make of four digits standing alone."""
    century, rest = divmod(number, 100)
    if rest == 0:
        return cardinal(century) + " hundred"
    return cardinal(century) + (" oh " if rest < 10 else " ") + cardinal(rest)


def spoken(match):
    digits, fraction, suffix = match.group("whole").replace(",", ""), match.group("fraction"), match.group("suffix")
    if len(digits) > 15 or (len(digits) > 1 and digits[0] == "0"):
        text = " ".join(UNITS[int(digit)] for digit in digits)
    elif suffix:
        return f" {ordinal(int(digits))} "
    elif fraction is None and "," not in match.group("whole") and (1100 <= int(digits) < 2000 or 2010 <= int(digits) < 2100):
        text = year(int(digits))
    else:
        text = cardinal(int(digits))
    if fraction:
        text += " point " + " ".join(UNITS[int(digit)] for digit in fraction)
    return f" {text} "


NUMBER = re.compile(r"(?P<whole>\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.(?P<fraction>\d+)|(?P<suffix>st|nd|rd|th)\b)?")


def words(text):
    """The spoken words of `text`, lower case, without punctuation."""
    text = unicodedata.normalize("NFKC", text).lower().replace("’", "'").replace("‘", "'")
    text = re.sub(r"([$£€])\s*(\d[\d,]*(?:\.\d+)?)", lambda m: f"{m.group(2)} {MONEY[m.group(1)]} ", text)
    for sign, name in SIGNS.items():
        text = text.replace(sign, name)
    text = NUMBER.sub(spoken, text)
    text = re.sub(r"\bper cent\b", "percent", text)
    text = re.sub(r"\b(hundred|thousand|million) and\b", r"\1", text)
    text = re.sub(r"\btwo thousand ([a-z]+teen|ten|eleven|twelve|twenty)\b", r"twenty \1", text)
    text = re.sub(r"(?<=[a-z])'(?=[a-z])", "", text)
    text = "".join(" " if unicodedata.category(c)[0] in "PSZC" else c for c in text)
    return [SPELLINGS.get(word, word) for word in text.split()]
