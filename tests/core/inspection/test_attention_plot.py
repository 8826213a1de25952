from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import tiny
import torch
from PIL import ImageColor

from hallo2_core.inspection.attention_maps import AttentionMaps, MapSettings
from hallo2_core.inspection.attention_plot import MARGIN_PX, OVERVIEW_PX, TITLE_PX, draw_frames, draw_overview
from hallo2_core.inspection.heat import heat_colours
from hallo2_core.inspection.heat_panels import LINES


def maps(frames=16, motion=2, height=64, width=64):
    share = tiny.normal(1, 3, frames, height // 8, width // 8).sigmoid()
    return AttentionMaps(
        MapSettings(clip=2),
        Fraction(25),
        2 * frames,
        tiny.normal(2, frames, height, width, 3).sigmoid(),
        tiny.normal(3, height, width, 3).sigmoid(),
        *share,
        tiny.normal(4, frames, motion + frames).softmax(dim=-1),
        (True, False) * (frames // 2) + (True,) * (frames % 2),
    )


def has(picture, colour):
    return bool((np.asarray(picture) == ImageColor.getrgb(colour)).all(axis=-1).any())


@pytest.mark.parametrize(("frames", "size"), [(1, (64, 64)), (2, (64, 256)), (5, (256, 64)), (30, (64, 64))])
def test_clips_and_pictures_of_any_shape_have_an_overview_and_frames(frames, size):
    given = maps(frames, min(2, frames), *size)
    overview, sheets = draw_overview(given), list(draw_frames(given))
    assert overview.width == OVERVIEW_PX and all(has(overview, colour) for colour in LINES)
    assert len(sheets) == frames and len({sheet.size for sheet in sheets}) == 1


def test_many_motion_frames_fit_too():
    assert has(draw_overview(maps(16, 16)), LINES[1])


def test_a_last_clip_may_have_fewer_frames_than_its_grid():
    cut = maps()
    cut = replace(
        cut, frames=cut.frames[:3], portrait_share=cut.portrait_share[:3], portrait_received=cut.portrait_received[:3],
        motion_share=cut.motion_share[:3], without_identity=cut.without_identity[:3],
    )  # fmt: skip
    assert draw_overview(cut).width == OVERVIEW_PX and len(list(draw_frames(cut))) == 3


def test_where_there_is_more_the_picture_is_brighter():
    given = maps()
    share = torch.zeros(16, 8, 8)
    share[:, :, 4:] = 1.0
    sheet = np.asarray(next(draw_frames(replace(given, portrait_share=share))).convert("L"), np.float64)
    left = MARGIN_PX + 360 + 10  # the second picture of the sheet
    panel = sheet[TITLE_PX + 40 : TITLE_PX + 300, left : left + 360]
    assert panel[:, :120].mean() + 100 < panel[:, -120:].mean()


def test_the_scale_beside_a_map_has_both_ends_of_the_colours():
    pixels = np.asarray(draw_overview(maps())).reshape(-1, 3)
    for end in heat_colours(np.array([0.0, 1.0])):
        assert (np.abs(pixels - end * 255) < 1).all(axis=1).any()
