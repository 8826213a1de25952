"""Out of memory while a video is made: once it goes on with the same frames, twice it stops and keeps the job."""

import threading
from dataclasses import replace

import pytest
import tiny
import torch
from small_render import CLIPS, a_render, make
from stand_ins import RecordingRuntime

from hallo2_core.animation import animate as animation
from hallo2_core.errors import MemoryShortageError
from hallo2_core.models.latents import VAECodec

SHORT = torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 1.25 GiB")


class ShortRuntime(RecordingRuntime):
    """A large card until memory is freed."""

    def __init__(self, roomy=False):
        super().__init__()
        self.roomy, self.freed, self.said = roomy, 0, []

    def has_room(self, working_bytes):
        return self.roomy and not self.freed

    def free_memory(self):
        self.freed += 1

    def notify(self, text):
        self.said.append(text)


class ShortCodec:
    """Runs out of memory when it is asked for the so many-th time, and again in the following asks."""

    def __init__(self, codec, ask, times=1, by_second_thread=False):
        self.codec, self.asks, self.by_second_thread = codec, 0, by_second_thread
        self.fails = range(ask, ask + times)

    def encode(self, picture):
        return self.codec.encode(picture)

    def decode(self, latents):
        if not self.by_second_thread or threading.current_thread() is not threading.main_thread() or self.asks:
            self.asks += 1
            if self.asks in self.fails:
                raise SHORT
        return self.codec.decode(latents)


@pytest.fixture(scope="module")
def render():
    """With the real networks, so that a clip depends on all that came before it."""
    return a_render(tiny.shared_models(), steps=2, guidance=2.0)


@pytest.fixture(scope="module")
def whole(render, tmp_path_factory):
    return make(render, tmp_path_factory.mktemp("whole")).path.read_bytes()


@pytest.fixture
def fails_in_a_step(monkeypatch):
    """Makes the denoising UNet run out of memory at some of its calls."""

    def arrange(render, *calls):
        unet, made = render.inputs.models.denoising_unet, []

        def forward(*arguments, call=unet.forward):
            made.append(1)
            if len(made) in calls:
                raise SHORT
            return call(*arguments)

        monkeypatch.setattr(unet, "forward", forward)

    return arrange


@pytest.mark.parametrize("call", [1, 2, 6])
def test_in_a_denoising_step_the_clip_is_made_again_with_the_same_frames(
    render, whole, tmp_path, fails_in_a_step, call
):
    runtime = ShortRuntime(roomy=True)
    fails_in_a_step(render, call)
    assert make(render, tmp_path, runtime).path.read_bytes() == whole
    assert runtime.freed == 1 and any("CUDA out of memory" in text for text in runtime.said)


def test_with_the_releases_one_generator_the_same_numbers_are_drawn_again(tmp_path, fails_in_a_step):
    render = a_render(tiny.shared_models(), steps=2, guidance=2.0, legacy_rng=True)
    (tmp_path / "whole").mkdir()
    whole = make(render, tmp_path / "whole").path.read_bytes()
    fails_in_a_step(render, 4)
    assert make(render, tmp_path, ShortRuntime()).path.read_bytes() == whole


def test_twice_in_a_step_it_stops_with_the_job_kept_and_goes_on_later(render, whole, tmp_path, fails_in_a_step):
    fails_in_a_step(render, 6, 7)  # in the third clip
    with pytest.raises(MemoryShortageError, match=r"1\.25 GiB\)\. Choose a smaller size or lower-precision weights"):
        make(render, tmp_path, ShortRuntime(roomy=True))
    made = make(render, tmp_path)
    assert made.resumed_from_clip == 2 and made.path.read_bytes() == whole


@pytest.mark.parametrize("ask", [1, 3, 9])
@pytest.mark.parametrize("by_second_thread", [False, True])
def test_in_the_vae_the_same_frames_come_out(render, whole, tmp_path, ask, by_second_thread):
    codec = ShortCodec(render.codec, ask, by_second_thread=by_second_thread)
    runtime = ShortRuntime(roomy=by_second_thread)
    assert make(replace(render, codec=codec), tmp_path, runtime).path.read_bytes() == whole
    assert runtime.freed == 1


@pytest.mark.parametrize("by_second_thread", [False, True])
def test_twice_in_the_vae_it_stops_with_the_job_kept_and_goes_on_later(render, whole, tmp_path, by_second_thread):
    codec = ShortCodec(render.codec, 9, times=100, by_second_thread=by_second_thread)
    with pytest.raises(MemoryShortageError, match="Choose a smaller size"):
        make(replace(render, codec=codec), tmp_path, ShortRuntime(roomy=by_second_thread))
    made = make(render, tmp_path)
    assert 0 < made.resumed_from_clip < CLIPS and made.path.read_bytes() == whole


def test_after_a_shortage_frames_are_decoded_by_the_first_thread(render, tmp_path, fails_in_a_step):
    decoded = []

    class Codec(VAECodec):
        def decode(self, latents):
            decoded.append((len(runtime.reports), threading.current_thread() is threading.main_thread()))
            return super().decode(latents)

    runtime = ShortRuntime(roomy=True)
    fails_in_a_step(render, 3)
    make(replace(render, codec=Codec(render.inputs.models.vae, runtime)), tmp_path, runtime)
    assert all(by_main for reports, by_main in decoded if reports > 6) and not all(by_main for _, by_main in decoded)


def test_networks_are_made_ready_again_after_they_left_the_device(render, tmp_path, fails_in_a_step):
    class Runtime(ShortRuntime):
        def free_memory(self):
            super().free_memory()
            self.made_ready.clear()

    runtime = Runtime()
    fails_in_a_step(render, 9)
    make(render, tmp_path, runtime)
    models = render.inputs.models
    assert (models.denoising_unet,) in runtime.made_ready
    assert any(models.reference_net in group for group in runtime.made_ready)


def test_the_conditions_of_the_whole_video_too(render, whole, tmp_path, monkeypatch):
    made = []

    def conditioner(*arguments, call=animation.ClipConditioner):
        made.append(1)
        if len(made) == 1:
            raise SHORT
        return call(*arguments)

    monkeypatch.setattr(animation, "ClipConditioner", conditioner)
    assert make(render, tmp_path, ShortRuntime()).path.read_bytes() == whole and len(made) == 2
