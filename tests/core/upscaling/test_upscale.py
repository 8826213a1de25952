from dataclasses import dataclass, replace

import pytest
import torch
from faces_on_script import ScriptedFaces, face_at
from seeded_models import SEEDED_UPSCALER, seeded_upscaler
from torch import nn

from hallo2_core.checkpoints.seeded import fill_with_seeded_weights
from hallo2_core.errors import MemoryShortageError, PrecisionError
from hallo2_core.models.layers import Build
from hallo2_core.models.upscaler.upscaler import Upscaler
from hallo2_core.models.upscaler.video_restorer import Encoded, Restored, VideoRestorer
from hallo2_core.runtime import LocalRuntime
from hallo2_core.upscaling.background import resample
from hallo2_core.upscaling.clip_writer import CLIP_FRAMES
from hallo2_core.upscaling.face_tracks import context_frames
from hallo2_core.upscaling.settings import UpscaleSettings
from hallo2_core.upscaling.upscale import first_frame_needed, upscale_frames

SETTINGS = UpscaleSettings(
    96, 64, window_frames=6, overlap_frames=2, missed_frames=2, smoothing_frames=0.5, detect_every_frames=2
)
RUNTIME = LocalRuntime()


class SpyRestorer(nn.Module):
    """Gives back what it gets, or a constant of its own for every window. Notes what it encodes, and the windows."""

    def __init__(self, constant=None):
        super().__init__()
        self.config = replace(SEEDED_UPSCALER, side_px=16, latent_widths=None)
        self.unused = nn.Parameter(torch.zeros(1))
        self.constant, self.encoded, self.windows = constant, [], []

    def encode(self, frames, *, fidelity, between_frames, parks_features=False):
        assert frames.shape[2:] == (3, 16, 16)
        between_frames()
        self.encoded += numbers(frames)
        return Encoded(frames, ({},) * frames.shape[1])

    def restore(self, encoded, *, fidelity, between_frames):
        given = encoded.features
        self.windows.append(numbers(given))
        given = given if self.constant is None else torch.full_like(given, self.constant(len(self.windows) - 1))
        codes = torch.zeros(1, given.shape[1], 1, dtype=torch.long)
        return Restored(given, codes, codes.float())


def numbers(frames):
    return [round(float(frame) * 127.5 + 127.5) for frame in frames[0, :, 0, 0, 0]]


def numbered(count, start=0, height=32, width=48):
    """Frames of one grey each: their number."""
    return (torch.full((height, width, 3), frame, dtype=torch.uint8) for frame in range(start, count))


def one_face(frame):
    return [face_at(24, 12, 4.0)]


def upscaled(frames, script, restorer=None, settings=SETTINGS, start=0, **options):
    restorer = restorer or SpyRestorer()
    finder = ScriptedFaces(script)
    result = list(upscale_frames(frames, Upscaler(restorer), finder, settings, RUNTIME, start=start, **options))
    return result, restorer.windows


@pytest.mark.parametrize("count", [0, 1, 2, 5, 6, 7, 10, 11, 30])
@pytest.mark.parametrize("script", [one_face, lambda frame: []], ids=["a face", "nobody"])
def test_every_frame_comes_out_in_order(count, script):
    result, _ = upscaled(numbered(count), script)
    assert [tuple(frame.shape) for frame in result] == [(64, 96, 3)] * count
    assert [round(float(frame[0, 0, 0]) * 255) for frame in result] == list(range(count))
    assert [round(float(frame[28, 48, 0]) * 255) for frame in result] == list(range(count))


def test_without_faces_the_restorer_is_never_asked_and_without_a_finder_neither():
    result, windows = upscaled(numbered(9), lambda frame: [])
    assert not windows
    assert torch.equal(result[3], resample(torch.full((32, 48, 3), 3 / 255), 64, 96))
    restorer = SpyRestorer()
    assert len(list(upscale_frames(numbered(9), Upscaler(restorer), None, SETTINGS, RUNTIME))) == 9
    assert not restorer.windows


def test_windows_overlap_on_a_fixed_grid():
    _, windows = upscaled(numbered(13), one_face)
    assert windows == [list(range(6)), list(range(4, 10)), list(range(8, 13))]


def test_a_frame_in_two_windows_is_encoded_once():
    """Also that of a face which comes in the overlap, and is left to the second window."""
    for script in (one_face, lambda frame: one_face(frame) if frame >= 4 else []):
        restorer = SpyRestorer()
        _, windows = upscaled(numbered(13), script, restorer)
        assert windows[-2:] == [list(range(4, 10)), list(range(8, 13))]
        assert restorer.encoded == sorted(set(sum(windows, [])))


def test_results_are_faded_in_the_overlap_and_taken_as_they_are_outside():
    result, _ = upscaled(numbered(10), one_face, SpyRestorer(constant=float))  # -1..1: 0.5, then 1.0 in 0..1
    face = [float(frame[28, 48, 0]) for frame in result]
    assert face == pytest.approx([0.5] * 4 + [0.5 + 0.5 / 3, 0.5 + 1.0 / 3] + [1.0] * 4, abs=1e-5)


def test_a_part_that_a_neighbouring_window_sees_as_well_is_left_to_it():
    # Frames 4 and 5 are in both windows. Who comes in them is restored in the second, who goes in them in the first.
    comes = upscaled(numbered(10), lambda frame: one_face(frame) if frame >= 4 else [])
    goes = upscaled(numbered(10), lambda frame: one_face(frame) if frame < 6 else [])
    both = upscaled(numbered(10), lambda frame: one_face(frame) if frame in (4, 5) else [])
    assert comes[1] == [list(range(4, 10))]
    assert goes[1] == [list(range(6))]
    assert both[1] == [[4, 5]]
    assert all(len(result) == 10 for result, _ in (comes, goes, both))


def test_each_face_has_windows_of_its_own():
    def script(frame):
        return [face_at(12, 12, 3.0), *([face_at(36, 14, 3.0)] if frame > 1 else [])]

    _, windows = upscaled(numbered(6), script)
    assert windows == [list(range(6)), list(range(2, 6))]


def test_a_face_that_leaves_for_a_while_is_not_drawn_meanwhile():
    def script(frame):
        return [] if 5 <= frame < 12 else one_face(frame)

    result, _ = upscaled(numbered(20), script, SpyRestorer(constant=lambda _: 1.0))
    has_face = [float(frame[28, 48, 0]) > 0.9 for frame in result]
    assert has_face == [frame < 5 or frame >= 12 for frame in range(20)]


def test_pixels_away_from_faces_are_the_backgrounds():
    background = torch.rand(64, 96, 3, generator=torch.Generator().manual_seed(0))
    result, _ = upscaled(
        numbered(3), one_face, SpyRestorer(constant=lambda _: 1.0), background=lambda *_: background.clone()
    )
    for frame in result:
        changed = (frame != background).any(dim=-1)
        assert bool(changed[28, 48]) and not changed[:, :20].any() and not changed[:, 80:].any()


@pytest.mark.parametrize("start", [1, 4, 5, 9, 23, 39])
def test_a_video_gone_on_with_from_the_middle_is_bit_for_bit_the_same(start):
    """A real network, two faces one of which comes and goes, and a picture that changes."""
    pictures = [
        torch.randint(0, 256, (32, 48, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(frame))
        for frame in range(40)
    ]
    for frame, picture in enumerate(pictures):
        picture[0, 0, 0] = frame

    def script(frame):
        return [face_at(12 + frame / 4, 12, 3.0), *([] if frame % 13 in (2, 3, 4, 5) else [face_at(38, 14, 3.0)])]

    network = VideoRestorer(
        replace(SEEDED_UPSCALER, side_px=16, widths=(32, 32), fused_sides=(16,), latent_widths=None),
        Build(device="meta"),
    )
    fill_with_seeded_weights(network, "")
    whole = with_network(network, pictures, script)
    rest = with_network(network, pictures[first_frame_needed(start, SETTINGS) :], script, start)
    assert len(rest) == 40 - start
    assert all(torch.equal(a, b) for a, b in zip(rest, whole[start:], strict=True))


def with_network(network, frames, script, start=0):
    finder = ScriptedFaces(script)
    return list(upscale_frames(frames, Upscaler(network), finder, SETTINGS, RUNTIME, start=start))


def test_a_seeded_upscaler_changes_the_face_and_nothing_else():
    frames = [torch.full((32, 48, 3), 100, dtype=torch.uint8)] * 3
    result = with_network(seeded_upscaler().restorer, frames, one_face)
    assert (result[1][28, 48] - 100 / 255).abs().max() > 0.01
    torch.testing.assert_close(result[1][60, 90], torch.full((3,), 100 / 255))


def test_frames_are_held_for_one_window_and_the_context_of_its_faces():
    given = 0

    def counted():
        nonlocal given
        for frame in numbered(60):
            given += 1
            yield frame

    done = 0
    for _ in upscale_frames(counted(), Upscaler(SpyRestorer()), ScriptedFaces(one_face), SETTINGS, RUNTIME):
        assert given - done <= 6 + 1 + context_frames(SETTINGS) + 1 + CLIP_FRAMES  # that many are read ahead
        done += 1


def test_codes_that_were_chosen_from_no_numbers_stop_the_video():
    class Undecided(SpyRestorer):
        def restore(self, encoded, **given):
            restored = super().restore(encoded, **given)
            return replace(restored, scores=restored.scores * float("nan"))

    with pytest.raises(PrecisionError, match="codes of faces hold infinities or NaNs"):
        next(iter(upscale_frames(numbered(4), Upscaler(Undecided()), ScriptedFaces(one_face), SETTINGS, RUNTIME)))


def test_faces_that_are_not_finite_stop_the_video_at_their_window_and_not_before():
    broken = SpyRestorer(constant=lambda window: float("nan") if window == 1 else 0.0)
    stream = upscale_frames(numbered(14), Upscaler(broken), ScriptedFaces(one_face), SETTINGS, RUNTIME)
    finished = 0
    with pytest.raises(PrecisionError, match="restored faces .*weights from .Load Upscaler .* are likely damaged"):
        for frame in stream:
            assert torch.isfinite(frame).all()
            finished += 1
    assert finished == SETTINGS.window_frames - SETTINGS.overlap_frames


@dataclass
class CancelAfter:
    checks: int
    device = torch.device("cpu")

    def ready(self, *modules):
        pass

    def check_cancelled(self):
        self.checks -= 1
        if self.checks < 0:
            raise KeyboardInterrupt

    def progress(self, done, total, preview=None):
        pass


@pytest.mark.parametrize("checks", [0, 1, 3])
def test_a_cancel_gets_through_while_a_window_is_restored_and_between_frames(checks):
    stream = upscale_frames(
        numbered(9), Upscaler(SpyRestorer()), ScriptedFaces(one_face), SETTINGS, CancelAfter(checks)
    )
    with pytest.raises(KeyboardInterrupt):
        list(stream)


def test_given_frames_are_not_written_into():
    frames = [frame.float() / 255 for frame in numbered(3)]
    before = [frame.clone() for frame in frames]
    same_size = replace(SETTINGS, width_px=48, height_px=32)
    upscaled(iter(frames), one_face, SpyRestorer(constant=lambda _: 1.0), same_size)
    assert all(torch.equal(a, b) for a, b in zip(frames, before, strict=True))


def test_floats_and_bytes_give_the_same():
    floats = (frame.float() / 255 for frame in numbered(7))
    from_floats, _ = upscaled(floats, one_face)
    from_bytes, _ = upscaled(numbered(7), one_face)
    assert all(torch.equal(a, b) for a, b in zip(from_floats, from_bytes, strict=True))


class ShortRestorer(SpyRestorer):
    """Runs out of memory at some of its calls; notes at which it parks features."""

    def __init__(self, *calls):
        super().__init__()
        self.calls, self.fails, self.parks = 0, calls, []

    def encode(self, frames, *, fidelity, between_frames, parks_features=False):
        self.is_parking = parks_features
        return super().encode(frames, fidelity=fidelity, between_frames=between_frames)

    def restore(self, encoded, *, fidelity, between_frames):
        self.calls += 1
        self.parks.append(self.is_parking)
        if self.calls in self.fails:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return super().restore(encoded, fidelity=fidelity, between_frames=between_frames)


def test_a_window_that_runs_out_of_memory_is_restored_again_with_its_features_on_the_cpu():
    expected, windows = upscaled(numbered(13), one_face)
    restorer = ShortRestorer(2)
    made, made_windows = upscaled(numbered(13), one_face, restorer)
    assert made_windows == windows and all(torch.equal(a, b) for a, b in zip(made, expected, strict=True))
    assert restorer.parks == [False, False, True, True]


def test_a_window_that_runs_out_of_memory_twice_says_what_to_change():
    with pytest.raises(MemoryShortageError, match="CUDA out of memory.* Choose a smaller window or a smaller result"):
        upscaled(numbered(13), one_face, ShortRestorer(2, 3))


def test_a_frame_that_runs_out_of_memory_is_drawn_again():
    drawn = []

    def background(picture, height, width):
        drawn.append(1)
        if len(drawn) == 3:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return resample(picture, height, width)

    expected, _ = upscaled(numbered(7), one_face)
    made, _ = upscaled(numbered(7), one_face, background=background)
    assert len(drawn) == 8 and all(torch.equal(a, b) for a, b in zip(made, expected, strict=True))
