"""Is the few-step student as good as its teacher?

    python tests/bench/few_step.py --write          # into docs/performance.md
    python tests/bench/few_step.py --few-step FILE --clips 2 --seconds 1.28 --sheet frames.png

Videos of held-back faces and voices by the demo model, all from the same noise: by the teacher in 40 guided steps, by
the student, and by the model without the student's LoRA in as many steps. Operations are counted on the meta device.
Exit status 1 if the student misses a limit. Needs espeak-ng.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from statistics import fmean

import torch
from einops import rearrange
from PIL import Image

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent), str(ROOT / "tools")]

from clip_cost import demo_cost, released_cost  # noqa: E402
from doc_blocks import fill_blocks, markdown_table  # noqa: E402
from quality.arguments import add_video_arguments  # noqa: E402
from quality.clips import SPLIT, Clip, Settings, SmallPipeline  # noqa: E402
from quality.loss import Judge, Quality  # noqa: E402

from hallo2_core.animation.acceleration import EXACT  # noqa: E402
from hallo2_core.animation.sampler_config import REPEATED  # noqa: E402
from hallo2_core.checkpoints.demo import DEMO_FEW_STEP  # noqa: E402
from hallo2_core.checkpoints.lora import few_steps_of, with_lora  # noqa: E402
from hallo2_core.models.hallo2_models import FewSteps, Hallo2Models  # noqa: E402
from hallo2_core.storage.file_hash import sha256_of  # noqa: E402
from hallo2_core.training.actor_recognition import actor_recognizer  # noqa: E402
from hallo2_core.training.mouth_reading import correlation, mouth_reader  # noqa: E402
from hallo2_core.training.small_networks import FULL_PRECISION  # noqa: E402

PAGE = ROOT / "docs" / "performance.md"
TEACHER = FewSteps(40, Settings.guidance)
SYNC_LOSS, IDENTITY_LOSS, MOST_OPERATIONS = 0.05, 0.01, 0.06  # the first one absolute, the others relative
SHEET_FRAMES = 8


@dataclass(frozen=True)
class Result:
    name: str
    sampling: FewSteps
    quality: Quality
    width: float  # correlation of the mouth's width with the truth
    seconds: float  # of processor time


class Comparison:
    def __init__(self, arguments: argparse.Namespace) -> None:
        settings = Settings(clip_noise=REPEATED)
        self._pipeline = SmallPipeline(arguments.joint, arguments.vae, arguments.speech, settings)
        self._seeds = range(arguments.first, arguments.first + arguments.clips)
        self._seconds = arguments.seconds
        self._readers = [mouth_reader(seed, SPLIT, Settings.size_px) for seed in self._seeds]
        self._judge = Judge(actor_recognizer(), self._readers)
        self._played = [(seed, *self._pipeline.played(seed, self._seconds)) for seed in self._seeds]
        self.sheet: list[torch.Tensor] = []

    @property
    def models(self) -> Hallo2Models:
        return self._pipeline.models

    def result(self, name: str, sampling: FewSteps, models: Hallo2Models) -> Result:
        settings = replace(self._pipeline.settings, steps=sampling.steps, guidance=sampling.guidance)
        self._pipeline.settings = settings
        started = time.process_time()
        clips = [self._pipeline.clip_of(*played, models=models) for played in self._played]
        seconds = time.process_time() - started
        self.sheet.append(frames_of(clips))
        quality = self._judge.quality(clips, Settings.clip_frames)
        widths = [
            correlation(reader.read(clip.made)[:, 1], clip.truth.mouth_width)
            for clip, reader in zip(clips, self._readers, strict=True)
        ]
        found = Result(name, sampling, quality, fmean(widths), seconds)
        sys.stderr.write(f"{found}\n")
        return found


def main() -> int:
    arguments = _parser().parse_args()
    torch.set_num_threads(arguments.threads)
    made_for = few_steps_of(arguments.few_step)
    if made_for is None:
        raise SystemExit(f"{arguments.few_step} is not a few-step LoRA.")
    comparison = Comparison(arguments)
    student = with_lora(comparison.models, arguments.few_step, 1.0, FULL_PRECISION)
    results = [
        comparison.result("teacher", TEACHER, comparison.models),
        comparison.result("student", made_for, student),
        comparison.result("without its LoRA", made_for, comparison.models),
    ]
    misses = missed(*results[:2])
    measured = (
        f"Held-back actors: {arguments.clips}, {arguments.seconds:g} s of each; weights "
        f"{sha256_of(arguments.joint)[:8]}, LoRA {sha256_of(arguments.few_step)[:8]}, {date.today()}."
    )
    verdict = f"The student {'misses ' + ', '.join(misses) if misses else 'keeps to all limits'}."
    text = "\n\n".join([table(results), measured, verdict])
    print(text)
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(one) for one in results], indent=1) + "\n")
    if arguments.sheet:
        Image.fromarray((torch.cat(comparison.sheet) * 255).round().byte().numpy()).save(arguments.sheet)
    if arguments.write:
        fill_blocks(PAGE, {"few steps": text})
    return int(bool(misses))


def missed(teacher: Result, student: Result) -> list[str]:
    """What the student loses too much of."""
    reached = {
        "sync": student.quality.sync >= teacher.quality.sync - SYNC_LOSS,
        "identity": student.quality.identity >= teacher.quality.identity * (1 - IDENTITY_LOSS),
        "operations": denoising_share(student.sampling) <= MOST_OPERATIONS,
    }
    return [name for name, is_reached in reached.items() if not is_reached]


def denoising_share(sampling: FewSteps) -> float:
    """Of the teacher's operations for denoising, of the demo model."""
    cost = demo_cost()
    own, teacher = (cost.of(EXACT, one.steps, one.guidance > 1) - cost.besides for one in (sampling, TEACHER))
    return own / teacher


def table(results: Sequence[Result]) -> str:
    demo, released = demo_cost(), released_cost()
    header = ["", "steps", "guidance", "denoising", "clip, demo", "clip, `net.pth`", "sync", "mouth width", "identity",
              "seam jump", "sharpness", "CPU s"]  # fmt: skip
    rows = []
    for one in results:
        sampling, quality = one.sampling, one.quality
        shares = [
            denoising_share(sampling),
            *(
                cost.of(EXACT, sampling.steps, sampling.guidance > 1) / cost.of(EXACT, TEACHER.steps)
                for cost in (demo, released)
            ),
        ]
        rows.append(
            [one.name, str(sampling.steps), f"{sampling.guidance:g}", *(f"{100 * share:.1f} %" for share in shares),
             f"{quality.sync:.3f}", f"{one.width:.3f}", f"{quality.identity:.3f}", f"{quality.seam_jump:.2f}",
             f"{quality.sharpness:.4f}", f"{one.seconds:.0f}"]
        )  # fmt: skip
    return markdown_table(header, rows)


def frames_of(clips: Sequence[Clip]) -> torch.Tensor:
    """(h w 3): a row of frames of the first clips."""
    some = torch.linspace(0, len(clips[0].made) - 1, SHEET_FRAMES).long()
    return torch.cat([rearrange(clip.made[some], "f h w c -> h (f w) c") for clip in clips[:2]], dim=1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_video_arguments(parser, clips=4)
    parser.add_argument("--few-step", type=Path, default=DEMO_FEW_STEP, metavar="FILE")
    parser.add_argument("--sheet", type=Path, metavar="PNG", help="frames of the videos, a row each")
    parser.add_argument("--write", action="store_true", help=f"the table into {PAGE.name}")
    return parser


if __name__ == "__main__":
    sys.exit(main())
