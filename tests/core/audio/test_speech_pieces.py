import math
from fractions import Fraction

import pytest
import torch

from hallo2_core.audio.speech_embeddings import count_frames
from hallo2_core.audio.speech_pieces import OURS, RELEASED, SpeechPieces
from hallo2_core.config import Wav2VecConfig
from hallo2_core.errors import SettingsError

ENCODER = Wav2VecConfig()
RATES = (*map(Fraction, (12, 24, 25, 30, 60)), Fraction(30000, 1001), Fraction(2997, 100))
SECONDS = (1e-4, 0.3, 7.77, 59.99, 60.0, 60.04, 61.0, 187.31)
ON_THE_GRID = (OURS, SpeechPieces(2.0, 0.5, "whole"), SpeechPieces(1.1, 0.0, "whole"), SpeechPieces(3.0, 1.0, "piece"))
WAYS = (RELEASED, *ON_THE_GRID)


def plan(pieces, seconds, fps=Fraction(25), clip_frames=16):
    samples = max(round(seconds * 16000), 1)
    frames = count_frames(samples, 16000, fps)
    return pieces.plan(samples, frames, clip_frames, fps, ENCODER), samples, frames


def features_of(piece):
    return (piece.stop - piece.start + piece.zeros - ENCODER.reach_samples) // ENCODER.hop_samples + 1


@pytest.mark.parametrize("fps", RATES)
@pytest.mark.parametrize("way", WAYS)
def test_every_frame_is_in_one_piece_and_whole_clips_come_out(way, fps):
    for seconds in SECONDS:
        for clip_frames in (1, 5, 16):
            pieces, samples, frames = plan(way, seconds, fps, clip_frames)
            assert [piece.first_frame for piece in pieces[1:]] == [p.first_frame + p.frames for p in pieces[:-1]]
            assert pieces[0].first_frame == 0
            assert pieces[-1].first_frame + pieces[-1].frames == math.ceil(frames / clip_frames) * clip_frames
            for piece in pieces:
                assert 0 <= piece.start < piece.stop <= samples and piece.zeros >= 0
                assert piece.lead_frames + piece.frames <= piece.encoded_frames
                assert features_of(piece) >= 1


@pytest.mark.parametrize("fps", RATES)
@pytest.mark.parametrize("way", WAYS)
def test_every_sample_is_heard(way, fps):
    for seconds in SECONDS:
        pieces, samples, _ = plan(way, seconds, fps)
        assert pieces[0].start == 0 and pieces[-1].stop == samples
        assert all(after.start <= before.stop for before, after in zip(pieces, pieces[1:], strict=False))


@pytest.mark.parametrize("fps", RATES)
def test_with_context_frames_and_features_lie_on_one_grid(fps):
    """A frame is interpolated between the same two features at the same place, whichever piece it is in."""
    for seconds in SECONDS:
        for way in ON_THE_GRID:
            for piece in plan(way, seconds, fps)[0]:
                assert piece.start % ENCODER.hop_samples == 0
                positions = piece.positions(features_of(piece)) + piece.start / ENCODER.hop_samples
                begin = piece.first_frame - piece.lead_frames
                exact = [float((begin + k) * 16000 / fps / 320) for k in range(piece.encoded_frames)]
                assert torch.allclose(positions, torch.tensor(exact, dtype=torch.float64), atol=1e-7)
                assert positions[-1] - piece.start / 320 <= features_of(piece) - 1


def test_context_is_heard_on_both_sides_but_not_beyond_the_sound():
    first, middle, last = plan(OURS, 170.0)[0]
    assert (first.lead_frames, first.encoded_frames) == (0, 1600)
    assert (middle.first_frame, middle.lead_frames, middle.encoded_frames) == (1500, 100, 1700)
    assert (middle.start, middle.stop) == (56 * 16000, 124 * 16000)
    assert (last.lead_frames, last.frames, last.encoded_frames) == (100, 1256, 1356)
    assert last.stop == 170 * 16000 and last.zeros == 6 * 640


def test_released_cuts_are_files_of_their_own():
    first, second = plan(RELEASED, 61.3)[0]
    assert (first.start, first.stop, first.frames, first.zeros) == (0, 960_000, 1500, 0)
    assert (second.start, second.stop) == (960_000, 980_800)
    assert second.frames == 36 and second.zeros == 3 * 640  # 33 frames of sound; 1533 is 3 short of whole clips
    assert torch.allclose(second.positions(50), torch.linspace(0, 49, 36), atol=1e-5)


@pytest.mark.parametrize("frames_of_sound", [1500 + 16, 1520, 1536])
def test_no_frame_is_lost_or_added_where_the_release_miscounts(frames_of_sound):
    """Quirk 20: it pads where the last piece is no multiple of 16, by what the whole lacks."""
    pieces, _, frames = plan(RELEASED, frames_of_sound / 25)
    assert frames == frames_of_sound
    assert sum(piece.frames for piece in pieces) == math.ceil(frames / 16) * 16


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"piece_seconds": 0.0}, "length of a piece is 0.0 s"),
        ({"piece_seconds": math.nan}, "length of a piece is nan s"),
        ({"piece_seconds": math.inf}, "length of a piece is inf s"),
        ({"context_seconds": -1.0}, "context of a piece is -1.0 s"),
        ({"normalize": "loudness"}, "'loudness'; choose 'piece', 'whole' or 'sounding'"),
    ],
)
def test_rules_that_make_no_sense_are_refused(wrong, message):
    with pytest.raises(SettingsError, match=message):
        SpeechPieces(**wrong)
