"""Time from the command to the first clip on disk: `python tests/bench/startup.py [--minutes 0.1,60]`.

Runs what `hallo2 animate` does with the demo model, in a fresh process for each length of the speech. It cancels once
the first clip is denoised, which is then still written. Wall times are upper bounds on a busy machine. Not measured:
reading the 4.85 GB of `net.pth`, which are memory-mapped and come from the disk when they are first used.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "hallo2_core" / "examples"
SIDE_PX, STEPS, GUIDANCE = 128, 10, 1.5  # as the command chooses for the demo model
MEASURE = "--measure"
sys.path.insert(0, str(ROOT))


class Phases:
    """Wall and processor seconds, from the start of the process."""

    def __init__(self) -> None:
        self.seconds: dict[str, dict[str, float]] = {}
        self._wall, self._processor = psutil.Process().create_time(), 0.0

    def end(self, phase: str) -> None:
        """What ran since the last call was this phase."""
        wall, processor = time.time(), time.process_time()
        spent = self.seconds.setdefault(phase, {"seconds": 0.0, "processor_seconds": 0.0})
        spent["seconds"] += wall - self._wall
        spent["processor_seconds"] += processor - self._processor
        self._wall, self._processor = wall, processor


def measure(voice: Path, folder: Path) -> dict[str, dict[str, float]]:
    """In this process, as the command does it."""
    phases = Phases()
    import torch
    from torch import nn

    from hallo2_core.animation.inputs import AnimationInputs
    from hallo2_core.animation.job_key import Render, render_key
    from hallo2_core.animation.motion_settings import MotionSettings
    from hallo2_core.animation.reference_banks import build_reference
    from hallo2_core.animation.render import render_video
    from hallo2_core.animation.sampler_config import REPEATED, SamplerConfig
    from hallo2_core.audio.sound_file import FileAudio
    from hallo2_core.audio.speech_embeddings import encode_speech
    from hallo2_core.cli import main  # noqa: F401 - the command imports all of its subcommands
    from hallo2_core.cli.weights import load_face_analysis, load_models, load_speech_encoder
    from hallo2_core.errors import Cancelled
    from hallo2_core.jobs.job import Job
    from hallo2_core.models.latents import VAECodec
    from hallo2_core.models.layers import Build
    from hallo2_core.portrait.picture import load_picture
    from hallo2_core.portrait.prepare import prepare_portrait
    from hallo2_core.runtime import LocalRuntime
    from hallo2_core.video.settings import VideoSettings

    class Watched(LocalRuntime):
        """Ends phases where the render calls its runtime, and cancels after the first clip."""

        encoder: nn.Module | None = None
        is_encoding = is_over = False

        def ready(self, *modules: nn.Module) -> None:
            if self.encoder in modules:
                phases.end("checks and estimate")
                self.is_encoding = True
            elif self.is_encoding:
                phases.end("speech")
                self.is_encoding = False
            super().ready(*modules)

        def progress(self, done: int, total: int, preview: object = None) -> None:
            self.is_over = done > STEPS
            if self.is_over:
                phases.end("first clip")

        def check_cancelled(self) -> None:
            if self.is_over:
                raise Cancelled

    phases.end("import")
    sound = FileAudio(voice)
    phases.end("sound file")
    portrait = prepare_portrait(
        load_picture(EXAMPLES / "portrait.png"), load_face_analysis(None), SIDE_PX, SIDE_PX, crop="auto"
    )
    phases.end("portrait")
    models, encoder = load_models("demo", None, Build(dtype=torch.float32)), load_speech_encoder(None, "demo")
    phases.end("weights")
    runtime = Watched()
    codec = VAECodec(models.vae, runtime)
    reference = build_reference(models, portrait, codec, runtime)
    phases.end("banks")
    sampler = SamplerConfig(steps=STEPS, guidance=GUIDANCE, clip_noise=REPEATED)
    inputs = AnimationInputs(models, reference, MotionSettings(), sampler)
    render = Render(inputs, encode_speech(sound, encoder, 25), codec, VideoSettings())
    job = Job(folder / "job", render_key(render, runtime))
    phases.end("fingerprints")
    runtime.encoder = encoder
    try:
        render_video(render, job, folder / "video.mp4", runtime)
    except Cancelled:
        phases.end("encode and write")
    assert job.journal.clips == 1, job.journal
    return phases.seconds


def measured(minutes: float) -> dict[str, dict[str, float]]:
    """In a process of its own."""
    from memory import make_voice

    with tempfile.TemporaryDirectory() as folder:
        voice = Path(folder) / "voice.wav"
        make_voice(voice, 60 * minutes)
        command = [sys.executable, __file__, MEASURE, str(voice)]
        return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def as_rows(results: Mapping[float, Mapping[str, Mapping[str, float]]]) -> list[dict[str, object]]:
    """A row per phase, and their sum."""
    phases = list(next(iter(results.values())))
    rows = []
    for phase in [*phases, "in all"]:
        row: dict[str, object] = {"phase": phase}
        for minutes, spent in results.items():
            chosen = spent.values() if phase == "in all" else [spent[phase]]
            for unit, name in (("seconds", "s"), ("processor_seconds", "CPU s")):
                row[f"{minutes:g} min, {name}"] = round(sum(each[unit] for each in chosen), 2)
        rows.append(row)
    return rows


def main() -> int:
    if len(sys.argv) == 3 and sys.argv[1] == MEASURE:  # a fresh process that imports nothing before
        print(json.dumps(measure(Path(sys.argv[2]), Path(sys.argv[2]).parent)))
        return 0
    from results import CPU, bench_parser, publish

    parser = bench_parser(__doc__)
    parser.add_argument("--minutes", default="0.1,60", help="lengths of the speech (0.1,60)")
    arguments = parser.parse_args()
    results = {minutes: measured(minutes) for minutes in map(float, arguments.minutes.split(","))}
    return publish(as_rows(results), CPU, arguments.json)


if __name__ == "__main__":
    sys.exit(main())
