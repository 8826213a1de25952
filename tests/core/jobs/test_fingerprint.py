from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import combinations

import pytest
import torch

from hallo2_core.animation.motion_settings import PatchDropConfig
from hallo2_core.animation.sampler_config import RegionWeights, SamplerConfig
from hallo2_core.jobs.fingerprint import fingerprint


@dataclass(frozen=True)
class Pair:
    a: object
    b: object


@dataclass(frozen=True)
class Couple:
    a: object
    b: object


def test_equal_inputs_have_equal_names():
    def parts():
        return [SamplerConfig(), {"b": 1, "a": torch.arange(6.0)}, (Fraction(25), None), torch.zeros(2).bfloat16()]

    assert fingerprint(*parts()) == fingerprint(*parts())
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})


def test_the_name_is_the_same_in_every_process_and_version():
    """Jobs outlive runs: changing this one makes all unfinished videos start over."""
    named = fingerprint(Pair(0.5, ["a", None]), torch.arange(4), Fraction(30000, 1001), {"b": True})
    assert named == "c5b913bca4b029dcd697c9ea87cc801a"


def test_different_inputs_have_different_names():
    numbers = torch.arange(6.0)
    different = [
        [], [None], [0], [0.0], [False], [""], ["0"], [[]], [{}], [[[]]],
        [1, 23], [12, 3], [123], [[1, 23]], [[12, 3]], ["1", "23"], ["12", "3"], ["2 items", 1, 23],
        [[1], 23], [[1, [23]]],
        [{"a": 1}], [{"a": "1"}], [{"b": 1}], ["a", 1], [{"a": 1}, {"b": 2}], [{"a": 1, "b": 2}],
        [Fraction(25)], ["25"], [25], ["fraction 25"], [Fraction(25, 2)],
        [Pair(1, 2)], [Couple(1, 2)], [Pair(2, 1)], [Pair(1, Pair(2, 3))],
        [numbers], [numbers.reshape(2, 3)], [numbers.reshape(3, 2)], [numbers.reshape(2, 3).T],
        [numbers[:5]], [-numbers], [numbers.double()], [numbers.half()], [numbers.int()],
        [torch.zeros(0)], [torch.zeros(1, 0)], [torch.tensor(1.0)], [torch.tensor([1.0])],
    ]  # fmt: skip
    names = [fingerprint(*parts) for parts in different]
    for one, other in combinations(range(len(names)), 2):
        assert names[one] != names[other], f"{different[one]} and {different[other]}"


@pytest.mark.parametrize(
    "change",
    [{"steps": 39}, {"guidance": 3.4}, {"seed": 43}, {"legacy_rng": True}, {"weights": RegionWeights(lip=1.1)}],
    ids=str,
)
def test_every_setting_counts(change):
    assert fingerprint(SamplerConfig()) != fingerprint(replace(SamplerConfig(), **change))
    assert fingerprint(PatchDropConfig()) != fingerprint(PatchDropConfig(seed=41))


def test_tensors_count_by_their_numbers_and_not_by_how_they_lie_in_memory():
    numbers = torch.arange(12.0).reshape(3, 4)
    assert fingerprint(numbers.T) == fingerprint(numbers.T.contiguous())
    assert fingerprint(numbers[:, 1:3]) == fingerprint(numbers[:, 1:3].clone())
    changed = numbers.clone()
    changed[2, 3] = torch.nextafter(changed[2, 3], torch.tensor(99.0))
    assert fingerprint(changed) != fingerprint(numbers)


def test_what_has_no_name_is_our_own_mistake():
    with pytest.raises(TypeError):
        fingerprint(object())


@dataclass(frozen=True)
class Noted:
    a: object
    note: str = field(default="", compare=False)


def test_what_does_not_count_in_a_comparison_does_not_count_here():
    assert fingerprint(Noted(1, "one")) == fingerprint(Noted(1, "another"))
    assert fingerprint(Noted(1)) != fingerprint(Noted(2))
