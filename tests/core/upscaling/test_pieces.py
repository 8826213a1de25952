"""A video upscaled in pieces, in any order and from a source that is cut off behind each: the clips of one run."""

import random
from dataclasses import replace
from fractions import Fraction

import pytest
import torch
from faces_on_script import ScriptedFaces, face_at
from seeded_models import seeded_upscaler

from hallo2_core.runtime import LocalRuntime
from hallo2_core.upscaling.clip_writer import CLIP_FRAMES, BackgroundWriter
from hallo2_core.upscaling.job_key import Upscale
from hallo2_core.upscaling.pieces import Piece, cut_pieces, upscale_piece
from hallo2_core.upscaling.render import finished_frames
from hallo2_core.upscaling.settings import UpscaleSettings
from hallo2_core.video.settings import VideoSettings

SETTINGS = UpscaleSettings(
    96, 64, window_frames=6, overlap_frames=2, missed_frames=2, smoothing_frames=0.5, detect_every_frames=2
)
FAST = VideoSettings(quality=10, preset="ultrafast")
FRAMES = 53


class Store:
    """Clips by number."""

    def __init__(self, number=0):
        self.clips, self._number = {}, number

    @property
    def frames_in_segment(self):
        return self._number * CLIP_FRAMES

    def append(self, clip, frames, state):
        self.clips[self._number] = clip, frames
        self._number += 1


def numbered_frames():
    generator = torch.Generator().manual_seed(0)
    for number in range(FRAMES):
        frame = torch.randint(0, 255, (32, 48, 3), dtype=torch.uint8, generator=generator)
        frame[0, 0, 0] = number
        yield frame


@pytest.fixture(scope="module")
def upscale():
    def faces(number):  # one moves, one comes and goes
        found = [face_at(12 + 0.2 * number, 12, 6)]
        return found + ([face_at(36, 16, 5)] if number % 20 < 13 else [])

    return Upscale("none", seeded_upscaler(), ScriptedFaces(faces), SETTINGS, FAST)


@pytest.fixture(scope="module")
def whole(upscale):
    store = Store()
    with BackgroundWriter(store, Fraction(25), FAST) as writer:
        for frame in finished_frames(upscale, numbered_frames(), 0, LocalRuntime()):
            writer.write(frame.planes)
        writer.finish()
    return store.clips


def test_pieces_in_any_order_give_the_clips_of_one_run(upscale, whole):
    source, made = list(numbered_frames()), {}
    pieces = cut_pieces(FRAMES, clips=1)
    random.Random(1).shuffle(pieces)
    for piece in pieces:
        needed, store = piece.source(SETTINGS, FRAMES), Store(piece.clips.start)
        upscale_piece(upscale, piece, iter(source[needed.start : needed.stop]), Fraction(25), store, LocalRuntime())
        made |= store.clips
    assert made == whole


def test_the_frames_that_a_piece_asks_for_are_needed(upscale, whole):
    """With one fewer behind it, the last window would be taken for the end of the video."""
    source, piece = list(numbered_frames()), Piece(0, 16)
    short = piece.source(SETTINGS, FRAMES).stop - SETTINGS.window_frames
    store = Store()
    upscale_piece(upscale, piece, iter(source[:short]), Fraction(25), store, LocalRuntime())
    assert store.clips[0] != whole[0]


@pytest.mark.parametrize("window, overlap", [(16, 4), (6, 2), (5, 0)])
def test_only_the_end_of_the_video_needs_nothing_behind_it(window, overlap):
    settings = replace(SETTINGS, window_frames=window, overlap_frames=overlap)
    pieces = cut_pieces(1000)
    assert [pieces[0].start, pieces[-1].stop] == [0, 1000]
    assert all(one.stop == two.start for one, two in zip(pieces, pieces[1:], strict=False))
    assert all(piece.source(settings, 1000).stop > piece.stop for piece in pieces[:-1])
    assert pieces[-1].source(settings, 1000).stop == 1000


def test_what_is_there_already_is_left_out():
    piece = Piece(96, 170)
    assert list(piece.clips) == [6, 7, 8, 9, 10]
    assert piece.without([]) == piece and piece.without(range(6, 11)) is None
    assert piece.without([6, 8]) == Piece(112, 170) and piece.without([9, 10]) == Piece(96, 144)
