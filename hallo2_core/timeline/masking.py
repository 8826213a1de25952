"""Masked terms: found among a prompt's words and removed, alone or with their sentence."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

import torch.nn.functional as F
from torch import Tensor

from ..errors import SettingsError
from .spans import WHITE_SPACE

Embed = Callable[[Sequence[str]], Tensor]  # texts → (n d)

MATCHES = ("exact", "pattern", "similarity")
UNITS = ("word", "sentence")

_WORD = re.compile(r"\w+(?:['’]\w+)*")
_SENTENCE = re.compile(r"[^.!?;]+[.!?;]*|[.!?;]+")
_COMMAS = re.compile(r"\s*,(?:\s*,)+")


@dataclass(frozen=True)
class Masking:
    """terms: one or more words each. by: how a term is found. unit: what is removed with it."""

    terms: tuple[str, ...]
    by: Literal["exact", "pattern", "similarity"] = "exact"
    similarity: float = 0.85  # minimum cosine between the embeddings of a term and a word
    unit: Literal["word", "sentence"] = "word"

    def __post_init__(self) -> None:
        for name, found, known in (("way of finding terms", self.by, MATCHES), ("unit", self.unit, UNITS)):
            if found not in known:
                raise SettingsError(f"The {name} is '{found}'; choose one of {', '.join(known)}.")
        if not 0 <= self.similarity <= 1:
            raise SettingsError(f"The similarity is {self.similarity}; choose 0 to 1.")


@dataclass(frozen=True)
class Masked:
    """A prompt after masking."""

    text: str  # empty if nothing is left to encode
    taken_out: tuple[str, ...]


def read_terms(text: str) -> tuple[str, ...]:
    """One term per line, or separated by commas."""
    terms = (term.strip() for term in re.split(r"[,\n]", text))
    return tuple(dict.fromkeys(term for term in terms if term))


def mask_text(text: str, masking: Masking, embed: Embed) -> Masked:
    """The prompt without the terms. A prompt that contains none of them is returned unchanged."""
    words = list(_WORD.finditer(text))
    found = [(words[first].start(), words[last].end()) for first, last in _matches(words, masking, embed)]
    if masking.unit == "sentence":
        sentences = [sentence.span() for sentence in _SENTENCE.finditer(text)]
        found = [(a, b) for a, b in sentences if any(a < stop and start < b for start, stop in found)]
    if not found:
        return Masked(text, ())
    kept, taken_out, at = [], [], 0
    for start, stop in _joined(found):
        kept.append(text[at:start])
        taken_out.append(text[start:stop].strip())
        at = stop
    left = "".join([*kept, text[at:]])
    return Masked(_tidied(left) if _WORD.search(left) else "", tuple(taken_out))


def _matches(words: list[re.Match], masking: Masking, embed: Embed) -> list[tuple[int, int]]:
    """(first word, last word) of every match."""
    if not words or not masking.terms:
        return []
    spoken = [word[0].casefold() for word in words]
    if masking.by == "similarity":
        close = _similarities(spoken, masking.terms, embed) >= masking.similarity
        return [(i, i) for i in range(len(words)) if close[i]]
    found = []
    for term in masking.terms:
        wanted = _term_words(term, masking.by)
        for first in range(len(spoken) - len(wanted) + 1 if wanted else 0):
            if all(fnmatchcase(spoken[first + i], pattern) for i, pattern in enumerate(wanted)):
                found.append((first, first + len(wanted) - 1))
    return found


def _term_words(term: str, by: str) -> list[str]:
    """One pattern per word: `*` stands for any letters, `?` for one, nothing else is special. Not regular expressions,
    because some of them take hours to match."""
    term = term.casefold()
    return re.findall(r"(?:[\w*?]|(?<=[\w*?])['’](?=[\w*?]))+", term) if by == "pattern" else _WORD.findall(term)


def _similarities(words: Sequence[str], terms: Sequence[str], embed: Embed) -> Tensor:
    """(words): the cosine to the nearest term."""
    rows = {word: row for row, word in enumerate(dict.fromkeys(words))}
    embedded = F.normalize(embed([*rows, *terms]).double(), dim=-1)
    nearest = (embedded[: len(rows)] @ embedded[len(rows) :].T).amax(dim=-1)
    return nearest[[rows[word] for word in words]]


def _joined(stretches: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """In order, with overlapping ones merged."""
    joined: list[tuple[int, int]] = []
    for start, stop in sorted(stretches):
        if joined and start < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], stop))
        else:
            joined.append((start, stop))
    return joined


def _tidied(text: str) -> str:
    """Without the commas and spaces left around what was removed."""
    text = re.sub(rf"[{WHITE_SPACE}]+", " ", _COMMAS.sub(",", text))
    return re.sub(r" (?=[,.!?;])", "", text).strip(f"{WHITE_SPACE},")
