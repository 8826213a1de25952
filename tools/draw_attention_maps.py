"""Make the picture in docs/attention_maps.md: what a clip of the demo attends to.

python tools/draw_attention_maps.py docs/images/attention_maps_demo.png
"""

from __future__ import annotations

import argparse
from fractions import Fraction
from pathlib import Path

from hallo2_core.animation.inputs import AnimationInputs
from hallo2_core.animation.motion_settings import MotionSettings
from hallo2_core.animation.reference_banks import build_reference
from hallo2_core.animation.sampler_config import SamplerConfig
from hallo2_core.audio.sound_file import FileAudio
from hallo2_core.audio.speech_embeddings import encode_speech
from hallo2_core.checkpoints.demo import demo_hallo2, demo_speech_encoder
from hallo2_core.examples import PORTRAIT, VOICE
from hallo2_core.inspection.attention_maps import AttentionMaps, MapSettings, attention_maps
from hallo2_core.inspection.attention_plot import draw_overview
from hallo2_core.models.latents import VAECodec
from hallo2_core.portrait.face_analysis import built_in_face_analysis
from hallo2_core.portrait.picture import load_picture
from hallo2_core.portrait.prepare import prepare_portrait
from hallo2_core.runtime import LocalRuntime

CLIP = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("out", type=Path, metavar="OUT.png")
    parser.add_argument("--clip", type=int, default=CLIP, help=f"counted from 0 ({CLIP})")
    arguments = parser.parse_args()
    draw_overview(demo_maps(arguments.clip)).save(arguments.out, optimize=True)


def demo_maps(clip: int = CLIP) -> AttentionMaps:
    """What this clip of the demo's portrait and voice attends to."""
    runtime, models = LocalRuntime(), demo_hallo2()
    codec, side_px = VAECodec(models.vae, runtime), models.usual.side_px
    portrait = prepare_portrait(load_picture(PORTRAIT), built_in_face_analysis(), side_px, side_px)
    inputs = AnimationInputs(
        models,
        build_reference(models, portrait, codec, runtime),
        MotionSettings(),
        SamplerConfig(steps=models.usual.steps, guidance=models.usual.guidance),
    )
    speech = encode_speech(FileAudio(VOICE), demo_speech_encoder(), Fraction(25))
    return attention_maps(inputs, speech, codec, runtime, MapSettings(clip))


if __name__ == "__main__":
    main()
