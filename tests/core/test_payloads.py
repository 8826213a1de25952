from dataclasses import FrozenInstanceError

import pytest
import tiny
import torch

from hallo2_core.payloads import Box, ReferenceBanks, RegionMasks


def test_rows_of_banks_are_taken_at_every_depth_and_leave_the_payload_alone():
    banks = ReferenceBanks({"mid_block": (tiny.normal(1, 3, 4, 8), tiny.normal(2, 3, 2, 8))})
    for index in (slice(1, None), [2, 0]):
        taken = banks.rows(index)
        for before, after in zip(banks.layers["mid_block"], taken.layers["mid_block"], strict=True):
            assert torch.equal(after, before[index])
    assert banks.layers["mid_block"][0].shape[0] == 3


def test_banks_move_as_tensors_do():
    banks = ReferenceBanks({"mid_block": (tiny.normal(1, 3, 4, 8),)}).to("meta", torch.float16)
    (bank,) = banks.layers["mid_block"]
    assert bank.device.type == "meta" and bank.dtype == torch.float16


def test_right_and_bottom_of_a_box_are_outside_it():
    box = Box(left=2, top=3, right=12, bottom=8)
    assert (box.width, box.height) == (10, 5)


def test_a_portrait_knows_its_size():
    portrait = tiny.portrait(64, 128)
    assert (portrait.height, portrait.width) == (64, 128)


@pytest.mark.parametrize("payload", [tiny.portrait(), RegionMasks((), (), ()), Box(0, 0, 1, 1)])
def test_payloads_are_never_changed(payload):
    with pytest.raises(FrozenInstanceError):
        setattr(payload, next(iter(vars(payload))), None)
