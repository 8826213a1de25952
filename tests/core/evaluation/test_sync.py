"""A shifted sound moves Sync by exactly the shift; what is added in pieces counts as in one go."""

from fractions import Fraction

import pytest
import torch

from hallo2_core.audio.speech_signal import SpeechSignal
from hallo2_core.audio.waveform import TensorAudio
from hallo2_core.errors import VideoError
from hallo2_core.evaluation.face_crops import FaceCrops
from hallo2_core.evaluation.mfcc import mfcc
from hallo2_core.evaluation.sync import Sync
from hallo2_core.evaluation.sync_score import SyncScore
from hallo2_core.portrait.face_analysis import Face

SIDE, SAMPLES_PER_FRAME = 32, 640


def drawn(count, width, seed=0):
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed))


def score_of(lips, sound, pieces=None, furthest=5):
    score = SyncScore(lips.shape[1], furthest)
    for some_lips, some_sound in zip(lips.split(pieces or len(lips)), sound.split(pieces or len(sound)), strict=True):
        score.add(some_lips, some_sound)
    return score.result()


@pytest.mark.parametrize("shift", [-4, -1, 0, 3, 5])
def test_the_offset_is_the_shift_of_the_sound(shift):
    lips = drawn(60, 16)
    found = score_of(lips, lips.roll(-shift, dims=0))  # at frame i the sound of frame i + shift: it comes early
    assert found.offset_frames == shift and found.distance < 0.2 * found.confidence


def test_distance_and_confidence_of_known_embeddings():
    """Lips at 0, sound at 3 on one axis: every distance inside is 3, and 0 beyond the ends of the sound."""
    lips, sound = torch.zeros(40, 2), torch.tensor([[3.0, 0.0]]).expand(40, 2)
    found = score_of(lips, sound, furthest=2)
    # At an offset of 2 two of the 40 frames meet the zeros beyond the end: 38 / 40 of 3.
    assert found.distance == pytest.approx(3 * 38 / 40) and abs(found.offset_frames) == 2
    assert found.confidence == pytest.approx(3 * 39 / 40 - 3 * 38 / 40)


@pytest.mark.parametrize("pieces", [1, 7, 25])
def test_in_pieces_as_in_one_go(pieces):
    lips, sound = drawn(50, 8), drawn(50, 8, seed=1)
    whole, found = score_of(lips, sound), score_of(lips, sound, pieces)
    assert (found.confidence, found.distance) == pytest.approx((whole.confidence, whole.distance), rel=1e-6)
    assert found.offset_frames == whole.offset_frames


def test_nothing_has_no_score():
    assert SyncScore(4).result() is None


def signal_of(sound):
    return SpeechSignal(TensorAudio(sound.unsqueeze(0), 16_000))


def test_coefficients_are_those_of_python_speech_features():
    """python_speech_features 0.6, mfcc(sound, 16000) of 16-bit noise: its first and its last row, of 99."""
    generator = torch.Generator().manual_seed(1)
    torch.randint(0, 256, (1, 5, 224, 224, 3), generator=generator)
    torch.randn(2, 13, 20, generator=generator)
    sound = (torch.randn(16_000, generator=generator) * 3000).round().clamp(-32768, 32767) / 32768
    found = mfcc(signal_of(sound), 0, 99)
    first = [21.9120, -34.6305, -8.2852, -8.3369, -4.6641, -1.9311, 2.7294]
    last = [21.8199, -36.8177, -10.2353, -11.4966, -4.2491, -4.1089, -1.9883]
    torch.testing.assert_close(found[[0, -1], :7], torch.tensor([first, last]), rtol=0, atol=1e-3)


def test_coefficients_in_pieces_are_those_of_the_whole():
    sound = signal_of(drawn(1, 8_000)[0] * 0.1)
    pieces = [mfcc(sound, 0, 3), mfcc(sound, 3, 20), mfcc(sound, 23, 26)]
    assert torch.equal(torch.cat(pieces), mfcc(sound, 0, 49))


def test_silence_has_finite_coefficients():
    assert mfcc(signal_of(torch.zeros(4_000)), 0, 20).isfinite().all()


class StillFace:
    """Finds the whole frame."""

    def find(self, picture):
        side = picture.shape[0]
        corners = torch.tensor([[0.0, 0.0], [side, side]])
        return [Face(torch.tensor([0.0, 0, side, side]), 1.0, corners, torch.zeros(5, 2), 0.0, False)]

    def identity(self, picture, face):
        return torch.zeros(512)


class NoFace(StillFace):
    def find(self, picture):
        return []


class BrightnessAndLoudness:
    """Embeds five frames by their brightness, and the sound by its loudness, at the same moments."""

    def lips(self, faces):
        return faces[:, :, 8:24, 8:24].mean(dim=(2, 3, 4)) / 255

    def sound(self, mfcc):
        return (mfcc[:, 0, ::4] > 10).float()


def flashes(frames=60):
    """(f) bool: a pattern that does not repeat."""
    return torch.rand(frames, generator=torch.Generator().manual_seed(3)) > 0.5


def sync_of(lit, sound, frames_at_once=None):
    signal = signal_of(sound)
    sync = Sync(BrightnessAndLoudness(), FaceCrops(StillFace(), SIDE), signal, torch.device("cpu"), width=5)
    for is_lit in lit:
        sync.add(torch.full((SIDE, SIDE, 3), 255 if is_lit else 0, dtype=torch.uint8))
    return sync.figures()


def noise_where(lit):
    loud = lit.repeat_interleave(SAMPLES_PER_FRAME)
    return loud * 0.3 * drawn(1, len(loud), seed=5)[0]


@pytest.mark.parametrize("shift", [-6, 0, 3])
def test_a_shifted_sound_moves_the_offset_of_a_video_by_the_shift(shift):
    lit = flashes()
    early = noise_where(lit).roll(-shift * SAMPLES_PER_FRAME)
    unshifted = sync_of(lit, noise_where(lit))
    found = sync_of(lit, early)
    assert found["sync_offset"] - unshifted["sync_offset"] == shift and unshifted["sync_offset"] == 0
    assert found["sync_c"] > 0.5


def test_a_video_without_sound_for_six_frames_has_no_sync():
    assert sync_of(flashes(10), torch.zeros(5 * SAMPLES_PER_FRAME)) == {}


def test_a_first_frame_without_a_face_is_refused():
    crops = FaceCrops(NoFace(), SIDE)
    with pytest.raises(VideoError, match="No face was found in the first frame"):
        crops.add(torch.zeros(SIDE, SIDE, 3, dtype=torch.uint8))


def test_crops_follow_the_face_and_all_frames_come_out():
    """The crop's center is the face's; beyond the picture it is gray."""
    crops = FaceCrops(StillFace(), SIDE)
    frames = torch.arange(20, dtype=torch.uint8)[:, None, None, None].expand(-1, SIDE, SIDE, 3) + 100
    found = [crop for frame in frames for crop in crops.add(frame)]
    assert len(found) == 14
    found += crops.rest()
    assert len(found) == 20 and found[0].shape == (SIDE, SIDE, 3)
    centers = torch.stack([crop[4, SIDE // 2, 0] for crop in found])
    assert torch.equal(centers, torch.arange(20) + 100.0)
    assert all(float(crop[-1, 0, 0]) == 110.0 for crop in found)


def test_frames_per_second_and_sound_are_checked(write_video, tmp_path):
    from hallo2_core.evaluation.evaluate import check_has_sync
    from hallo2_core.video.reader import probe

    frames = torch.zeros(8, 32, 32, 3)
    with pytest.raises(VideoError, match="a.mp4 has no sound"):
        check_has_sync("a.mp4", probe(write_video("a.mp4", frames)))
    sound = TensorAudio(drawn(1, 16_000) * 0.1, 16_000)
    with pytest.raises(VideoError, match="30 frames per second; SyncNet was trained on 25"):
        check_has_sync("b.mp4", probe(write_video("b.mp4", frames, fps=Fraction(30), audio=sound)))
