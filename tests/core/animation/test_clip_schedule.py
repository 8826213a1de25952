from fractions import Fraction

import pytest
import torch

from hallo2_core.animation.clip_schedule import ClipSchedule
from hallo2_core.animation.guidance import Guidance
from hallo2_core.animation.sampler_config import RegionWeights, SamplerConfig
from hallo2_core.errors import TimelineError
from hallo2_core.timeline.prompts import TextPrompts, parse_prompts
from hallo2_core.timeline.transitions import Transition
from hallo2_core.timeline.weights import parse_weights

CUT = Transition(0)
SAMPLER = SamplerConfig(guidance=3.5, weights=RegionWeights(0.5, 0.75, 1.25))


def schedule_of(weights=None, text=None, sampler=SAMPLER, frames=12):
    timeline = None if weights is None else parse_weights(weights, CUT)
    return ClipSchedule(sampler, 4, frames, Fraction(25), text, timeline)


def test_without_timelines_the_samplers_constants_hold():
    schedule = schedule_of()
    for clip in range(3):
        assert schedule.region_weights(clip).tolist() == [[0.5] * 4, [0.75] * 4, [1.25] * 4]
        assert schedule.guidance(clip) == Guidance(3.5, 2)
        assert schedule.prompts(clip) is None


def test_a_constant_timeline_is_the_constant():
    schedule = schedule_of("pose 0.5 @ 0-; face 0.75 @ 0-; lip 1.25 @ 0-; cfg 3.5 @ 0-", sampler=SamplerConfig())
    assert torch.equal(schedule.region_weights(1), schedule_of().region_weights(1))
    assert schedule.guidance(1) == schedule_of().guidance(1)
    assert schedule.cond_batch == schedule_of().cond_batch


def test_each_frame_has_its_own_weights_whatever_clip_it_is_in():
    schedule = schedule_of("lip 1 @ 2f-6f, 2 @ 6f-9f")
    over_time = torch.cat([schedule.region_weights(clip)[2] for clip in range(3)])
    assert over_time.tolist() == [1.25] * 2 + [1.0] * 4 + [2.0] * 3 + [1.25] * 3
    assert torch.equal(schedule.region_weights(0)[:2], schedule_of().region_weights(0)[:2])


def test_guidance_over_time_is_one_number_where_it_is_one():
    schedule = schedule_of("cfg 2 @ 2f-8f")
    assert schedule.guidance(1) == Guidance(2.0, 2)
    assert schedule.guidance(0).scale == (3.5, 3.5, 2.0, 2.0)


@pytest.mark.parametrize(("weights", "guidance", "cond_batch"), [
    (None, 1.0, 1), (None, 2.0, 2),
    ("cfg 1 @ 0-", 3.5, 1), ("cfg 1 @ 0-4f", 3.5, 2), ("cfg 2 @ 8f-", 1.0, 2), ("cfg 1 @ 8f-", 1.0, 1),
    ("lip 2 @ 0-", 1.0, 1),
])  # fmt: skip
def test_a_video_that_is_guided_anywhere_is_guided_all_along(weights, guidance, cond_batch):
    assert schedule_of(weights, sampler=SamplerConfig(guidance=guidance)).cond_batch == cond_batch


def test_prompts_are_asked_for_by_clip():
    text = TextPrompts(parse_prompts("5f-7f smiling"), CUT, torch.ones(1, 3), "an encoder")
    schedule = schedule_of(text=text)
    assert schedule.prompts(0) is None and schedule.prompts(2) is None
    assert schedule.prompts(1).presence.tolist() == [0.0, 1.0, 1.0, 0.0]


def test_spans_that_overlap_only_at_this_frame_rate_are_refused():
    with pytest.raises(TimelineError, match="'0.1-' begins before 0f-4f has ended"):
        schedule_of("lip 1 @ 0f-4f, 2 @ 0.1-").check()


def test_what_the_video_does_not_reach_is_said_and_changes_nothing(caplog):
    with caplog.at_level("WARNING", "hallo2"):
        schedule_of("lip 2 @ 11f-").check()
        assert not caplog.messages
        schedule_of("lip 2 @ 12f-").check()
    assert "12f- begins after the video's end (12 frames" in caplog.text
    assert torch.equal(schedule_of("lip 2 @ 12f-").region_weights(2), schedule_of().region_weights(2))
