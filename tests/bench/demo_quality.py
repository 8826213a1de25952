"""What does the trained small model reach? Each figure beside its target and beside what the truth reaches.

    python tests/bench/demo_quality.py                                             # the packaged weights
    python tests/bench/demo_quality.py --joint J.safetensors --sections picture,sync --clips 2 --seconds 1.28

All on held-back faces, voices and sentences, made by the pack's own clip loop. Needs espeak-ng. A section whose weights
do not exist is skipped with the reason. Exit status: 0 if every target is reached, 1 if one is missed.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path

import torch

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

from einops import rearrange  # noqa: E402
from PIL import Image  # noqa: E402
from quality.clips import SPLIT, Clip, Settings, SmallPipeline  # noqa: E402
from quality.figures import Figure, table  # noqa: E402
from quality.long_video import BOTH, NEITHER, VARIANTS, long_figures  # noqa: E402
from quality.picture import picture_figures  # noqa: E402
from quality.provenance import fingerprints, today  # noqa: E402
from quality.sync import sync_figures  # noqa: E402
from quality.text import text_figures  # noqa: E402
from quality.upscaler import upscaler_figures  # noqa: E402

from hallo2_core.animation.sampler_config import CLIP_NOISES, REPEATED  # noqa: E402
from hallo2_core.checkpoints.demo import TRAINED  # noqa: E402
from hallo2_core.checkpoints.lora import few_steps_of, with_lora  # noqa: E402
from hallo2_core.checkpoints.small_model import SMALL_SETTINGS, SMALL_TEXT  # noqa: E402
from hallo2_core.checkpoints.text_encoder import load_small_text_encoder  # noqa: E402
from hallo2_core.models.hallo2_models import FewSteps  # noqa: E402
from hallo2_core.timeline.demo_encoder import DemoTextEncoder  # noqa: E402
from hallo2_core.training.actor_recognition import actor_recognizer  # noqa: E402
from hallo2_core.training.frame_reading import FrameReader  # noqa: E402
from hallo2_core.training.mouth_reading import mouth_reader  # noqa: E402
from hallo2_core.training.small_networks import FULL_PRECISION, small_hallo2  # noqa: E402

# Option, its file in the package, and what it is.
WEIGHTS = {
    "joint": ("small_hallo2.safetensors", "ReferenceNet, denoising UNet and projections"),
    "vae": ("small_vae.safetensors", "VAE"),
    "speech": ("small_speech_encoder.safetensors", "speech encoder"),
    "few_step": ("small_few_step.safetensors", "few-step LoRA, for the long video"),
    "upscaler": ("small_upscaler.safetensors", "upscaler"),
    "text": ("small_text_adapter.safetensors", "text adapter"),
    "text_encoder": ("small_text_encoder.safetensors", "text encoder"),
}
SHEET_FRAMES = 8


class Run:
    """What the sections share, made when the first of them needs it."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments = arguments

    @property
    def seeds(self) -> range:
        return range(self.arguments.first, self.arguments.first + self.arguments.clips)

    @cached_property
    def pipeline(self) -> SmallPipeline:
        return self._pipeline(FewSteps(self.arguments.steps, self.arguments.guidance))

    def _pipeline(self, sampling: FewSteps) -> SmallPipeline:
        given = self.arguments
        settings = Settings(
            given.size,
            given.clip_frames,
            given.motion_frames,
            sampling.steps,
            sampling.guidance,
            clip_noise=given.clip_noise,
            steady_levels=given.steady,
        )
        return SmallPipeline(given.joint, given.vae, given.speech, settings)

    @cached_property
    def clips(self) -> list[Clip]:
        clips = []
        for seed in self.seeds:
            clips.append(self.pipeline.clip(seed, self.arguments.seconds))
            sys.stderr.write(f"actor {seed}: {len(clips[-1].made)} frames\n")
        return clips

    @cached_property
    def readers(self) -> list[FrameReader]:
        return [mouth_reader(seed, SPLIT, self.arguments.size) for seed in self.seeds]

    def picture(self) -> list[Figure]:
        return picture_figures(self.clips, self.readers, self.arguments.steady)

    def sync(self) -> list[Figure]:
        return sync_figures(self.clips, self.readers)

    def long(self) -> list[Figure]:
        """In few steps, as `make demo`."""
        given = self.arguments
        pipeline = self._pipeline(few_steps_of(given.few_step))
        in_few_steps = partial(with_lora, path=given.few_step, strength=1.0, build=FULL_PRECISION)
        pipeline.models = in_few_steps(pipeline.models)
        clean_motion = None
        if given.long_clean_motion is not None:
            clean_motion = in_few_steps(small_hallo2(str(given.long_clean_motion)))
        variants = list(VARIANTS) if given.long_variants == "all" else given.long_variants.split(",")
        return long_figures(
            pipeline, actor_recognizer(), given.first, given.long_seconds, variants, given.long_plot, clean_motion
        )

    def text(self) -> list[Figure]:
        given = self.arguments
        encoder = DemoTextEncoder(load_small_text_encoder(given.text_encoder, SMALL_TEXT))
        return text_figures(self.pipeline, given.text, encoder, self.seeds, given.text_seconds)

    def upscaler(self) -> list[Figure]:
        given = self.arguments
        return upscaler_figures(
            self.pipeline, given.upscaler, self.seeds, round(given.seconds * 25), given.upscaler_fidelity
        )


# Section, its figures, and the weights that it needs.
SECTIONS: dict[str, tuple[Callable[[Run], list[Figure]], tuple[str, ...]]] = {
    "picture": (Run.picture, ("joint", "vae", "speech")),
    "sync": (Run.sync, ("joint", "vae", "speech")),
    "long": (Run.long, ("joint", "vae", "speech", "few_step")),
    "text": (Run.text, ("joint", "vae", "speech", "text", "text_encoder")),
    "upscaler": (Run.upscaler, ("joint", "vae", "speech", "upscaler")),
}


def main() -> int:
    arguments = _parser().parse_args()
    torch.set_num_threads(arguments.threads or torch.get_num_threads())
    run, found, started = Run(arguments), {}, time.monotonic()
    for name in arguments.sections.split(","):
        section, needed = SECTIONS[name]
        missing = [
            f"--{w.replace('_', '-')} ({getattr(arguments, w)})" for w in needed if not getattr(arguments, w).is_file()
        ]
        if missing:
            print(f"\n{name}: skipped, there is no {', '.join(missing)}")
            continue
        found[name] = section(run)
        clips, seconds = length(name, arguments)
        print(f"\n{name}, {clips} clips of {seconds:g} s\n{table(found[name])}", flush=True)
    print(f"\n{time.monotonic() - started:.0f} s")
    if arguments.sheet and "clips" in run.__dict__:
        _write_sheet(run.clips, arguments.sheet)
    if arguments.json:
        _keep(found, arguments)
    return int(any(figure.has_target and not figure.is_reached for rows in found.values() for figure in rows))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, (file, what) in WEIGHTS.items():
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(option, type=Path, default=TRAINED / file, metavar="FILE", help=what)
    parser.add_argument("--sections", default=",".join(SECTIONS), help="any of " + ", ".join(SECTIONS))
    parser.add_argument("--clips", type=int, default=8, help="actors, each with a voice and sentences of its own (8)")
    parser.add_argument("--first", type=int, default=0, help="seed of the first actor (0)")
    parser.add_argument("--seconds", type=float, default=2.56, help="length of a clip (2.56)")
    parser.add_argument("--size", type=int, default=Settings.size_px)
    parser.add_argument("--clip-frames", type=int, default=Settings.clip_frames)
    parser.add_argument("--motion-frames", type=int, default=Settings.motion_frames)
    parser.add_argument("--steps", type=int, default=Settings.steps)
    parser.add_argument("--clip-noise", choices=CLIP_NOISES, default=REPEATED, help="as hallo2 animate (repeated)")
    parser.add_argument(
        "--steady",
        type=float,
        default=SMALL_SETTINGS.steady_levels,
        metavar="LEVELS",
        help="as hallo2 animate (%(default)g); the long video is measured as it is sampled",
    )
    parser.add_argument("--guidance", type=float, default=Settings.guidance)
    parser.add_argument("--long-seconds", type=float, default=600.0, help="length of the long video (600)")
    parser.add_argument("--long-variants", default=f"{BOTH},{NEITHER}", help="'all', or any of " + ", ".join(VARIANTS))
    parser.add_argument(
        "--long-clean-motion",
        type=Path,
        metavar="FILE",
        help="also with weights of small_joint_clean_motion.toml, which learned without drop and noise",
    )
    parser.add_argument("--long-plot", type=Path, metavar="PNG", help="identity over time")
    parser.add_argument("--text-seconds", type=float, default=4.0, help="length of a clip with two prompts (4)")
    parser.add_argument("--upscaler-fidelity", type=float, default=1.0, help="1, as make demo")
    parser.add_argument("--sheet", type=Path, metavar="PNG", help="frames of the true and of the made clips")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also keep the figures there, section by section")
    parser.add_argument("--threads", type=int, help="CPU threads (all)")
    return parser


def length(section: str, arguments: argparse.Namespace) -> tuple[int, float]:
    """The number of clips that a section measures, and the seconds of each."""
    if section == "long":
        return 1, arguments.long_seconds
    return arguments.clips, arguments.text_seconds if section == "text" else arguments.seconds


def _keep(found: dict[str, list[Figure]], arguments: argparse.Namespace) -> None:
    """Other sections in the file stay."""
    path: Path = arguments.json
    kept = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    for name, figures in found.items():
        clips, seconds = length(name, arguments)
        kept[name] = {
            "measured": today(),
            "weights": fingerprints(getattr(arguments, option) for option in SECTIONS[name][1]),
            "clips": clips,
            "seconds": seconds,
            "figures": [figure.as_json() for figure in figures],
        }
    path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def _write_sheet(clips: list[Clip], path: Path) -> None:
    rows = []
    for clip in clips:
        some = torch.linspace(0, len(clip.made) - 1, SHEET_FRAMES).long()
        rows += [rearrange(frames[some], "f h w c -> h (f w) c") for frames in (clip.true, clip.made)]
    Image.fromarray((torch.cat(rows) * 255).round().byte().numpy()).save(path)


if __name__ == "__main__":
    sys.exit(main())
