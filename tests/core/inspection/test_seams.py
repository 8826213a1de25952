import pytest
import torch

from hallo2_core.errors import SettingsError
from hallo2_core.inspection.seams import SeamJump, change_between, check_clip_frames, is_seam


def test_seams_lie_between_clips():
    assert [frame for frame in range(13) if is_seam(frame, 4)] == [4, 8, 12]


def test_change_is_counted_in_levels_in_both_directions():
    dark, bright = (torch.full((4, 4, 3), level, dtype=torch.uint8) for level in (10, 250))
    assert change_between(dark, bright) == change_between(bright, dark) == 240


def test_the_jump_is_the_mean_at_seams_over_the_mean_inside():
    jump = SeamJump()
    for change, at_seam in [(1.0, False), (3.0, False), (6.0, True), (2.0, False), (8.0, True)]:
        jump.add(change, at_seam)
    assert jump.value == 3.5


@pytest.mark.parametrize("changes", [[], [(1.0, False)], [(1.0, True)], [(0.0, False), (1.0, True)]], ids=str)
def test_without_seams_or_movement_there_is_no_jump(changes):
    jump = SeamJump()
    for change in changes:
        jump.add(*change)
    assert jump.value is None


def test_a_clip_has_frames():
    check_clip_frames(1)
    with pytest.raises(SettingsError, match="has 0 frames; choose 1 or more"):
        check_clip_frames(0)
