import threading

import pytest
import torch
from stand_ins import PressedCancelError
from tiny import normal, shared_models

from hallo2_core.animation.clip_frames import ClipFrames
from hallo2_core.models.latents import VAECodec, decode_frames
from hallo2_core.runtime import LocalRuntime


class RecordingCodec(VAECodec):
    """Keeps which latents were decoded, in order."""

    def __init__(self):
        super().__init__(shared_models().vae, LocalRuntime())
        self.decoded = []

    def decode(self, latents):
        self.decoded.append(latents.clone())
        return super().decode(latents)


LATENTS = normal(0, 6, 4, 8, 8)


@pytest.fixture
def codec():
    return RecordingCodec()


@pytest.fixture(scope="module")
def expected():
    """(f h w 3), decoded in order, in one go."""
    with torch.inference_mode():
        return torch.stack(list(decode_frames(RecordingCodec(), LATENTS))).permute(0, 2, 3, 1)


def numbers_of(codec):
    """Which frames were decoded."""
    scaled = [next(decode_frames(KeepsLatents(), LATENTS[number : number + 1])) for number in range(len(LATENTS))]
    return [next(n for n, one in enumerate(scaled) if torch.equal(one, latents[0])) for latents in codec.decoded]


class KeepsLatents:
    def decode(self, latents):
        return latents


def test_the_last_frames_come_first_and_no_frame_twice(codec, expected):
    frames = ClipFrames(codec, LATENTS)
    frames.decode_last(2, lambda: None)
    assert numbers_of(codec) == [4, 5] and torch.equal(frames.last(2), expected[4:])
    frames.decode_all(lambda: None)
    assert numbers_of(codec) == [4, 5, 0, 1, 2, 3]
    assert torch.equal(frames.whole(), expected) and len(codec.decoded) == 6


def test_what_is_not_decoded_yet_is_decoded_on_the_way_in_any_thread(codec, expected):
    frames, made = ClipFrames(codec, LATENTS), []
    frames.decode_last(2, lambda: None)
    other = threading.Thread(target=lambda: made.extend(frames))  # where gradients are on, unless somebody says no
    other.start()
    other.join()
    assert torch.equal(torch.stack(made), expected) and numbers_of(codec) == [4, 5, 0, 1, 2, 3]
    assert not any(frame.requires_grad for frame in made)


def test_frames_beyond_the_sound_are_left_out_and_not_decoded(codec, expected):
    frames = ClipFrames(codec, LATENTS)
    frames.decode_last(2, lambda: None)
    cut = frames.first(3)
    assert (len(cut), len(frames), len(frames.first(99))) == (3, 6, 6)
    assert torch.equal(cut.whole(), expected[:3]) and numbers_of(codec) == [4, 5, 0, 1, 2]


def test_cancel_is_heard_before_every_frame(codec):
    frames = ClipFrames(codec, LATENTS)

    def cancel_at_the_fourth():
        if len(codec.decoded) == 3:
            raise PressedCancelError

    frames.decode_last(2, cancel_at_the_fourth)
    with pytest.raises(PressedCancelError):
        frames.decode_all(cancel_at_the_fourth)
    assert len(codec.decoded) == 3
