"""An index over the texts: which words stand where, how much each says, how alike two texts are."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping

from prose import STOP_WORDS, Text, telling_words

#: The usual constants of BM25: how soon repetition stops counting, and how much long texts are held back.
_K1, _B = 1.5, 0.75


class Index:
    """Built once per worker; every command reads it."""

    def __init__(self, texts: Mapping[str, Text]) -> None:
        self.texts = texts
        #: How often each word stands in each text.
        self.counts = {
            key: Counter(word for word in text.words if word not in STOP_WORDS) for key, text in texts.items()
        }
        #: The inverted index: word to the texts that have it.
        self.postings: defaultdict[str, set[str]] = defaultdict(set)
        for key, counts in self.counts.items():
            for word in counts:
                self.postings[word].add(key)
        self._lengths = {key: sum(counts.values()) for key, counts in self.counts.items()}
        self._mean_length = sum(self._lengths.values()) / max(1, len(texts))
        self._vectors = {key: self._unit_vector(counts) for key, counts in self.counts.items()}

    def rarity(self, word: str) -> float:
        """The inverse document frequency: high for a word that few texts have."""
        having = len(self.postings.get(word, ()))
        return math.log(1 + (len(self.texts) - having + 0.5) / (having + 0.5))

    def search(self, query: str) -> list[tuple[str, float]]:
        """The texts that have a word of the query, best first, each with its BM25 score."""
        scores: defaultdict[str, float] = defaultdict(float)
        for word in set(telling_words(query)):
            for key in self.postings.get(word, ()):
                scores[key] += self.rarity(word) * self._saturated(key, word)
        return sorted(scores.items(), key=lambda scored: (-scored[1], scored[0]))

    def keywords(self, key: str) -> list[tuple[str, float]]:
        """The words of a text by tf-idf: often here, seldom elsewhere. Best first."""
        length = max(1, self._lengths[key])
        weighed = ((word, count / length * self.rarity(word)) for word, count in self.counts[key].items())
        return sorted(weighed, key=lambda scored: (-scored[1], scored[0]))

    def similarity(self, first: str, second: str) -> float:
        """The cosine of two texts' tf-idf vectors: 0 nothing in common, 1 the same words."""
        one, other = self._vectors[first], self._vectors[second]
        if len(other) < len(one):
            one, other = other, one
        return sum(weight * other.get(word, 0.0) for word, weight in one.items())

    def weight(self, key: str, sentence: str) -> float:
        """How much a sentence says of what its text is about: the mean tf-idf of its telling words."""
        vector, words = self._vectors[key], telling_words(sentence)
        # Very short sentences would win by one rare word.
        return sum(vector.get(word, 0.0) for word in words) / max(5, len(words))

    def _saturated(self, key: str, word: str) -> float:
        count = self.counts[key][word]
        return count * (_K1 + 1) / (count + _K1 * (1 - _B + _B * self._lengths[key] / self._mean_length))

    def _unit_vector(self, counts: Counter[str]) -> dict[str, float]:
        vector = {word: (1 + math.log(count)) * self.rarity(word) for word, count in counts.items()}
        norm = math.sqrt(sum(weight * weight for weight in vector.values())) or 1.0
        return {word: weight / norm for word, weight in vector.items()}
