"""The loaders. Each offers `demo`, which ships with the pack, besides files; for a missing file, the message has its
folder and source."""

from __future__ import annotations

import torch
from comfy_api.latest import io

from .host import files
from .host.networks import managed, network_build
from .host.precision import DTYPES
from .schema import io_types
from .schema.search import also_found_as

MODEL_FILE = "net.pth"
SPEECH_ENCODER_FILE = "wav2vec2-base-960h.safetensors"
UPSCALER_FILE = "net_g.pth"
FACE_FILES = ("scrfd_10g_bnkps.onnx", "glintr100.onnx")


def where_to_get(*names: str, instead: str = files.DEMO) -> str:
    """What to do about missing files of these names. instead: the choice that needs none."""
    from ..hallo2_core.checkpoints.catalogue import CATALOGUE

    known = [file for name in names for file in CATALOGUE if name in file.names]
    lines = (f"{file.name}: {file.size_bytes / 1e9:.2f} GB from https://{file.source}" for file in known)
    return f"Run 'Download Models (Hallo2)' or put it there ({'; '.join(lines)}), or choose '{instead}' here."


class Hallo2LoadModel(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Hallo2LoadModel",
            display_name="Load Model (Hallo2)",
            category="Hallo2",
            description=(
                "Loads the five networks of Hallo2 from net.pth, or from the same weights as safetensors. "
                "Neither an SD 1.5 file nor a motion-module file is needed."
            ),
            inputs=[
                io.Combo.Input(
                    "file",
                    options=files.network_files(MODEL_FILE),
                    tooltip=(
                        "net.pth (or its safetensors) in models/hallo2. 'demo' is a small model that ships with the "
                        "pack: it animates cartoons like the example portrait at 128x128. It was trained on nothing "
                        "else, so a photograph comes out poorly."
                    ),
                ),
                io.Combo.Input(
                    "dtype",
                    options=list(DTYPES),
                    default="default",
                    tooltip=(
                        "How the weights are stored. 'default' lets ComfyUI choose: fp16 on most cards, as in the "
                        "release; fp32, with twice the memory, on the CPU. fp8_e4m3 takes half the memory of fp16 and "
                        "visibly changes the picture. Computation runs in fp16, bf16 or fp32, whichever ComfyUI picks "
                        "for your card."
                    ),
                ),
            ],
            outputs=[io_types.Model.Output(display_name="model")],
            **also_found_as("talking head", "lip sync", "lipsync", "avatar", "net.pth", "checkpoint"),
        )

    @classmethod
    def validate_inputs(cls, file: str) -> bool | str:
        return files.check_file(files.MODEL_FOLDER, file, where_to_get(MODEL_FILE))

    @classmethod
    def fingerprint_inputs(cls, file: str, dtype: str) -> str:
        return files.fingerprint(files.MODEL_FOLDER, file)

    @classmethod
    def execute(cls, file: str, dtype: str) -> io.NodeOutput:
        build = network_build(dtype)
        if file == files.DEMO:
            from ..hallo2_core.checkpoints.demo import demo_hallo2

            models = demo_hallo2(build, files.use_mmap())
        else:
            from ..hallo2_core.checkpoints.build import load_hallo2

            models = load_hallo2(files.found_file(files.MODEL_FOLDER, file), build, files.use_mmap())
        return io.NodeOutput(managed(models, *models.networks))


class Hallo2LoadSpeechEncoder(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Hallo2LoadSpeechEncoder",
            display_name="Load Speech Encoder (Hallo2)",
            category="Hallo2",
            description="Loads wav2vec2-base-960h, which turns speech into the features that drive the lips.",
            inputs=[
                io.Combo.Input(
                    "file",
                    options=files.model_files(files.SPEECH_ENCODER_FOLDER, SPEECH_ENCODER_FILE),
                    tooltip=(
                        "wav2vec2-base-960h.safetensors in models/audio_encoders; the large and the Chinese models do "
                        "not fit Hallo2. 'demo' is the demo model's encoder and works with no other model."
                    ),
                ),
            ],
            outputs=[io_types.SpeechEncoder.Output(display_name="speech_encoder")],
            **also_found_as("wav2vec", "wav2vec2", "audio encoder", "voice"),
        )

    @classmethod
    def validate_inputs(cls, file: str) -> bool | str:
        return files.check_file(files.SPEECH_ENCODER_FOLDER, file, where_to_get(SPEECH_ENCODER_FILE))

    @classmethod
    def fingerprint_inputs(cls, file: str) -> str:
        return files.fingerprint(files.SPEECH_ENCODER_FOLDER, file)

    @classmethod
    def execute(cls, file: str) -> io.NodeOutput:
        from ..hallo2_core.checkpoints.demo import demo_speech_encoder
        from ..hallo2_core.checkpoints.speech_encoder import load_speech_encoder

        if file == files.DEMO:
            encoder = demo_speech_encoder(files.use_mmap())
        else:
            path = files.found_file(files.SPEECH_ENCODER_FOLDER, file)
            encoder = load_speech_encoder(path, torch.float32, use_mmap=files.use_mmap())
        return io.NodeOutput(managed(encoder, encoder, whole=True))


class Hallo2LoadFaceAnalysis(io.ComfyNode):
    BUILT_IN, RELEASED = "built-in", "released"
    CHOICES = (BUILT_IN, RELEASED, files.DEMO)

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Hallo2LoadFaceAnalysis",
            display_name="Load Face Analysis (Hallo2)",
            category="Hallo2",
            description="Loads the face detector and, with the released files, the face recognizer.",
            inputs=[
                io.Combo.Input(
                    "choice",
                    options=list(cls.CHOICES),
                    default=cls.BUILT_IN,
                    tooltip=(
                        "'built-in' ships with the pack and is free to use ('demo' is the same): it finds the face and "
                        "leaves the identity embedding at zero. 'released' computes one, so the face stays closer to "
                        "the portrait; it needs two ONNX files in models/hallo2/face_analysis, and onnxruntime."
                    ),
                ),
                io.Combo.Input(
                    "provider",
                    options=["cpu", "cuda", "directml", "coreml"],
                    default="cpu",
                    tooltip=(
                        "The onnxruntime provider for the released files. They process a single picture, so 'cpu' is "
                        "fast enough. Not used by 'built-in'."
                    ),
                ),
            ],
            outputs=[io_types.FaceAnalysis.Output(display_name="face_analysis")],
            **also_found_as("insightface", "face detection", "face detector", "landmarks", "identity"),
        )

    @classmethod
    def validate_inputs(cls, choice: str) -> bool | str:
        if choice not in cls.CHOICES:
            return f"'{choice}' is none of {', '.join(cls.CHOICES)}"
        missing = [name for name in FACE_FILES if files.find_face_file(name) is None]
        if choice != cls.RELEASED or not missing:
            return True
        advice = where_to_get(*missing, instead=cls.BUILT_IN)
        return files.missing_files(files.FACE_FOLDER, missing, files.face_file_folders(), advice)

    @classmethod
    def execute(cls, choice: str, provider: str) -> io.NodeOutput:
        if choice != cls.RELEASED:
            from ..hallo2_core.portrait.face_analysis import built_in_face_analysis

            return io.NodeOutput(built_in_face_analysis())
        from ..hallo2_core.portrait.released_faces import released_face_analysis

        detector, recogniser = map(files.find_face_file, FACE_FILES)
        return io.NodeOutput(released_face_analysis(detector, recogniser, provider))


class Hallo2LoadUpscaler(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Hallo2LoadUpscaler",
            display_name="Load Upscaler (Hallo2)",
            category="Hallo2",
            description="Loads the network that restores faces in a video, sixteen frames together.",
            inputs=[
                io.Combo.Input(
                    "file",
                    options=files.network_files(UPSCALER_FILE),
                    tooltip=(
                        "net_g.pth (or its safetensors) in models/hallo2. 'demo' is a small network that ships with "
                        "the pack. It was trained on cartoons, and redraws every face as one."
                    ),
                ),
                io.Combo.Input(
                    "dtype",
                    options=list(DTYPES),
                    default="default",
                    tooltip=(
                        "How the weights are stored. 'default' is bf16 if your card computes in it, else fp32: this "
                        "network can exceed the range of fp16 and then stops with an error. fp8_e4m3 takes half the "
                        "memory of bf16 and draws different faces. ComfyUI picks the precision of the computation for "
                        "your card."
                    ),
                ),
            ],
            outputs=[io_types.Upscaler.Output(display_name="upscaler")],
            **also_found_as("face restore", "face restoration", "enhance", "4k", "net_g.pth"),
        )

    @classmethod
    def validate_inputs(cls, file: str) -> bool | str:
        return files.check_file(files.MODEL_FOLDER, file, where_to_get(UPSCALER_FILE))

    @classmethod
    def fingerprint_inputs(cls, file: str, dtype: str) -> str:
        return files.fingerprint(files.MODEL_FOLDER, file)

    @classmethod
    def execute(cls, file: str, dtype: str) -> io.NodeOutput:
        from ..hallo2_core.checkpoints.demo import demo_upscaler
        from ..hallo2_core.checkpoints.upscaler import load_upscaler
        from ..hallo2_core.models.precision import UPSCALER_PRECISION

        build = network_build(dtype, UPSCALER_PRECISION)
        if file == files.DEMO:
            upscaler = demo_upscaler(build, files.use_mmap())
        else:
            upscaler = load_upscaler(files.found_file(files.MODEL_FOLDER, file), build, files.use_mmap())
        return io.NodeOutput(managed(upscaler, upscaler.restorer, whole=True))
