"""A small library service: search, key words, readability and summaries of real texts; statistics of tables.

Standard library only. Every worker loads the texts once, before it takes a request; that is what a warm
worker is for.
"""

from __future__ import annotations

import asyncio
import difflib
import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Optional, Union

from snakepit import command, context, emit, on_start, on_stop, span

import prose
import tables
from index import Index

log = logging.getLogger("library")
_FOLDER = Path(__file__).resolve().parent / "texts"
_index = Index({})


@on_start
def load() -> None:
    """Reads the texts and builds the index."""
    global _index
    _index = Index(prose.read(_FOLDER))
    log.info("loaded %d texts, %d words", len(_index.texts), len(_index.postings))


@on_stop
def unload() -> None:
    """Says good-bye; a real service would close what it holds open."""
    log.info("the library closes")


@command
def titles() -> list[dict[str, Any]]:
    """Lists the texts: the title that other commands take, its full name, author, year, number of words."""
    return [
        {"title": key, "name": text.title, "author": text.author, "year": text.year, "words": len(text.words)}
        for key, text in _index.texts.items()
    ]


@command
def search(query: str, limit: int = 5) -> list[dict[str, Any]]:
    """Finds the texts that fit a query best, each with the sentence that fits best (BM25)."""
    if not prose.telling_words(query):
        raise ValueError(f"the query {query!r} has no word to search for; try 'white whale' or 'liberty'")
    with span("library.search"):
        found = _index.search(query)
    emit("library.searched", {"hits": len(found)}, {"found": bool(found)})
    if not found:
        log.info("nothing found for %r", query)
    return [
        {"title": key, "score": round(score, 3), "snippet": _snippet(key, query)}
        for key, score in found[: max(0, limit)]
    ]


@command
def keywords(title: str, limit: int = 10) -> list[dict[str, Any]]:
    """Tells the words that set a text apart from the others (tf-idf)."""
    text = _text(title)
    best = _index.keywords(text.key)[: max(0, limit)]
    return [
        {"word": word, "weight": round(weight, 4), "count": _index.counts[text.key][word]}
        for word, weight in best
    ]


@command
def readability(title: Optional[str] = None, text: Optional[str] = None) -> dict[str, Any]:
    """Measures how easy a title of the library, or any English text, is to read (Flesch, Flesch-Kincaid)."""
    if (title is None) == (text is None):
        raise ValueError("give either title (of the library) or text (any English text)")
    body = _text(title).body if title is not None else text or ""
    words, sentences = prose.words_of(body), prose.sentences_of(body)
    if not words:
        raise ValueError("the text has no words")
    syllables = sum(map(prose.syllables_in, words))
    words_per_sentence = len(words) / len(sentences)
    syllables_per_word = syllables / len(words)
    return {
        "words": len(words),
        "sentences": len(sentences),
        "reading_ease": round(206.835 - 1.015 * words_per_sentence - 84.6 * syllables_per_word, 1),
        "grade": round(0.39 * words_per_sentence + 11.8 * syllables_per_word - 15.59, 1),
    }


@command
def similar(title: str, limit: int = 5) -> list[dict[str, Any]]:
    """Finds the texts most like one of them (cosine of tf-idf vectors)."""
    text = _text(title)
    scores = [(_index.similarity(text.key, key), key) for key in _index.texts if key != text.key]
    scores.sort(key=lambda scored: (-scored[0], scored[1]))
    return [{"title": key, "similarity": round(score, 4)} for score, key in scores[: max(0, limit)]]


@command
def summarize(title: str, sentences: int = 3) -> Iterator[dict[str, Any]]:
    """Streams the sentences that say most of what a text is about, the weightiest first."""
    text = _text(title)
    ranked = sorted(text.sentences, key=lambda sentence: -_index.weight(text.key, sentence))
    for rank, sentence in enumerate(ranked[: max(0, sentences)], start=1):
        yield {"rank": rank, "weight": round(_index.weight(text.key, sentence), 4), "sentence": sentence}


@command
async def digest(title: str) -> dict[str, Any]:
    """Tells all about a text at once; its parts are computed side by side, off the event loop."""
    facts, words, alike = await asyncio.gather(
        asyncio.to_thread(readability, title),
        asyncio.to_thread(keywords, title, 5),
        asyncio.to_thread(similar, title, 3),
    )
    text = _text(title)
    return {
        "name": text.title,
        "author": text.author,
        "year": text.year,
        "readability": facts,
        "keywords": [entry["word"] for entry in words],
        "similar": [entry["title"] for entry in alike],
    }


@command
async def read_aloud(title: str, words_per_second: float = 20.0, words: int = 30) -> AsyncIterator[str]:
    """Streams the beginning of a text word by word, at a pace, as far as the deadline lets it."""
    if not words_per_second > 0:
        raise ValueError(f"words_per_second must be above 0, got {words_per_second}")
    pause, running, read = 1 / words_per_second, context(), 0
    try:
        for word in _text(title).body.split()[: max(0, words)]:
            yield word
            read += 1
            left = running.remaining()
            if left is not None and left < pause:
                return  # An end in time is worth more to the reader than an error in the middle.
            await asyncio.sleep(pause)
    finally:
        # Reached, too, when the reader has left.
        log.info("read %d words of %s", read, title)


@command
def table_statistics(csv: Union[bytes, str]) -> dict[str, Any]:
    """Describes each column of a table in CSV, given as text or as the bytes of a file."""
    return tables.describe(csv.decode("utf-8-sig") if isinstance(csv, bytes) else csv)


def _text(title: str) -> prose.Text:
    found = _index.texts.get(title)
    if found is not None:
        return found
    close = difflib.get_close_matches(title, _index.texts, 1)
    hint = f"did you mean {close[0]!r}?" if close else "the command 'titles' lists them"
    raise ValueError(f"the library has no title {title!r}; {hint}")


def _snippet(key: str, query: str) -> str:
    wanted = set(prose.telling_words(query))

    def fit(sentence: str) -> float:
        return sum(map(_index.rarity, wanted.intersection(prose.words_of(sentence))))

    best = max(_index.texts[key].sentences, key=fit)
    return best if len(best) <= 160 else best[:159].rstrip() + "…"
