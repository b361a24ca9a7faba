"""Reading the texts and taking them apart: words, sentences, syllables."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

#: A word, with the apostrophes and hyphens inside it: o'er, door-nail.
_WORD = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")
_TITLED = re.compile(r"\b(Mr|Mrs|Dr|St)\.")
_SENTENCE_END = re.compile(r"""(?<=[.!?])["')]*\s+|(?<=[.!?]["'])\s+""")
_VOWELS = re.compile(r"[aeiouy]+")

#: Words that say little about what a text is about.
STOP_WORDS = frozenset(
    """a about above after again all am an and any are as at be been before being but by can could
    did do does down each few for from further had has have he her here hers him his how i if in
    into is it its itself let may me more most must my no nor not now o of off on once one only or
    other our out over own said same shall she should so some such than that the thee their them
    then there these they thine this those thou though through thy till to too up upon us very was
    we were what when where which while who whom whose why will with without would ye yet you your
    'tis""".split()
)


class Text(NamedTuple):
    """One text of the library."""

    key: str
    title: str
    author: str
    year: int
    body: str
    words: tuple[str, ...]
    sentences: tuple[str, ...]


def words_of(text: str) -> list[str]:
    """The words of a text in lower case.

    >>> words_of("Marley was dead: to begin with.")
    ['marley', 'was', 'dead', 'to', 'begin', 'with']
    """
    return _WORD.findall(text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))


def telling_words(text: str) -> list[str]:
    """The words of a text without those that say little."""
    return [word for word in words_of(text) if word not in STOP_WORDS]


def sentences_of(text: str) -> list[str]:
    """The sentences of a text, each on one line. A paragraph always ends one.

    >>> sentences_of("How so? How can it\\naffect them?")
    ['How so?', 'How can it affect them?']
    """
    found = []
    for paragraph in re.split(r"\n\s*\n", text):
        # The dot of "Mr." ends no sentence; a character that is in no text keeps its place.
        line = _TITLED.sub("\\1\0", " ".join(paragraph.split()))
        found += [part.replace("\0", ".") for part in _SENTENCE_END.split(line) if part]
    return found


def syllables_in(word: str) -> int:
    """How many syllables an English word has: its groups of vowels, less a silent e at the end.

    >>> [syllables_in(word) for word in ("whale", "little", "universal")]
    [1, 2, 4]
    """
    groups = len(_VOWELS.findall(word))
    silent = word.endswith("e") and not word.endswith(("le", "ee")) and groups > 1
    if word.endswith("le") and len(word) > 2 and word[-3] in "aeiouy":
        silent = True
    return max(1, groups - silent)


def read(folder: Path) -> dict[str, Text]:
    """The texts of a folder by the names of their files.

    :raises ValueError: a file lacks one of the three lines of its header.
    """
    return {path.stem: _read(path) for path in sorted(folder.glob("*.txt"))}


def _read(path: Path) -> Text:
    head, _, body = path.read_text(encoding="utf-8").partition("\n\n")
    fields = dict(line.split(": ", 1) for line in head.splitlines() if ": " in line)
    missing = {"Title", "Author", "Year"} - fields.keys()
    if missing:
        raise ValueError(f"{path} has no line {', '.join(sorted(missing))} at its top")
    body = body.strip()
    return Text(
        path.stem,
        fields["Title"],
        fields["Author"],
        int(fields["Year"]),
        body,
        tuple(words_of(body)),
        tuple(sentences_of(body)),
    )
