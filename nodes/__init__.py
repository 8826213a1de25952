"""The pack's nodes. Only the nodes in this list are registered."""

from __future__ import annotations

import logging

from comfy_api.latest import ComfyExtension, io

from ..hallo2_core.shown_text import in_one_line
from .accelerate import Hallo2Accelerate
from .attention_maps import Hallo2AttentionMaps
from .comfyui_model import Hallo2ModelFromComfyUI, Hallo2ModelToComfyUI
from .doctor import Hallo2Doctor
from .download_models import Hallo2DownloadModels
from .encode_speech import Hallo2EncodeSpeech
from .evaluate import Hallo2EvaluateVideo
from .example_inputs import Hallo2ExampleInputs
from .farm import Hallo2Farm
from .host import files
from .host.doctor import warn_of_folder_name
from .inspect_video import Hallo2InspectVideo
from .jobs import Hallo2Jobs
from .load_models import Hallo2LoadFaceAnalysis, Hallo2LoadModel, Hallo2LoadSpeechEncoder, Hallo2LoadUpscaler
from .lora import Hallo2LoadLora
from .motion_frames import Hallo2MotionFrames
from .paste_back import Hallo2PasteBack
from .prepare_portrait import Hallo2PreparePortrait
from .reference_net import Hallo2ReferenceNet
from .sample_video import Hallo2SampleVideo
from .selftest import Hallo2Selftest
from .separate_vocals import Hallo2SeparateVocals
from .split_speakers import Hallo2SplitSpeakers
from .text_control import Hallo2LoadTextControl
from .text_prompts import Hallo2TextPrompts
from .upscale_video import Hallo2UpscaleVideo
from .weight_timeline import Hallo2WeightTimeline


class Hallo2Extension(ComfyExtension):
    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        files.register_model_folder()
        logging.getLogger("hallo2").addFilter(in_one_line)
        warn_of_folder_name()
        return [
            Hallo2LoadModel,
            Hallo2LoadSpeechEncoder,
            Hallo2LoadFaceAnalysis,
            Hallo2LoadUpscaler,
            Hallo2LoadTextControl,
            Hallo2LoadLora,
            Hallo2ModelToComfyUI,
            Hallo2ModelFromComfyUI,
            Hallo2ExampleInputs,
            Hallo2SeparateVocals,
            Hallo2SplitSpeakers,
            Hallo2EncodeSpeech,
            Hallo2PreparePortrait,
            Hallo2ReferenceNet,
            Hallo2MotionFrames,
            Hallo2TextPrompts,
            Hallo2WeightTimeline,
            Hallo2Accelerate,
            Hallo2SampleVideo,
            Hallo2UpscaleVideo,
            Hallo2PasteBack,
            Hallo2InspectVideo,
            Hallo2EvaluateVideo,
            Hallo2AttentionMaps,
            Hallo2Farm,
            Hallo2Jobs,
            Hallo2DownloadModels,
            Hallo2Doctor,
            Hallo2Selftest,
        ]
