"""Input of unknown origin is read, or refused with a Hallo2Error. The same examples each time; `run.py` tries more.

The kept corpus has inputs that once ended in a traceback, a hang, or a changed file of somebody else.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from fuzz.targets import TARGETS, Target, outcome
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

CORPUS = Path(__file__).parent / "corpus"
KEPT = sorted(path for path in CORPUS.rglob("*") if path.is_file())
EXAMPLES = 150
FEWER = {"journal": 50, "file": 80, "pickle": 80, "video": 30, "clips": 50, "shapes": 4}  # of those that take longer


def edited(seed: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    """Each edit replaces some bytes somewhere by others."""
    data = bytearray(seed)
    for at, length, piece in edits:
        at %= len(data) + 1
        data[at : at + length] = piece
    return bytes(data)


def inputs_of(target: Target) -> st.SearchStrategy[bytes]:
    """Pieces of the format put together, and valid inputs with some bytes changed."""
    piece = st.sampled_from(target.pieces) | st.binary(max_size=4)
    edit = st.tuples(st.integers(0, 1 << 14), st.sampled_from((0, 0, 1, 2, 4, 8)), piece)
    seeds = target.seeds()
    return st.lists(piece, max_size=16).map(b"".join) | st.builds(
        edited, st.sampled_from(seeds), st.lists(edit, min_size=1, max_size=4)
    )


@pytest.mark.parametrize("name", TARGETS)
def test_any_input_is_read_or_refused(name, tmp_path):
    target = TARGETS[name]

    @settings(
        max_examples=FEWER.get(name, EXAMPLES),
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(inputs_of(target))
    def every(data: bytes) -> None:
        outcome(target, data, tmp_path)

    assert "value" in {outcome(target, seed, tmp_path) for seed in target.seeds()}
    every()


@pytest.mark.parametrize("path", KEPT, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_kept_input_is_read_or_refused(path, tmp_path):
    target = TARGETS[path.parent.name]
    target.seeds()  # builds what they are made from, outside the time of an input
    outcome(target, path.read_bytes(), tmp_path)


def test_the_corpus_is_small_and_of_known_targets():
    assert sum(path.stat().st_size for path in KEPT) < 100_000
    assert {path.parent.name for path in KEPT} <= set(TARGETS)
