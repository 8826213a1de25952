"""VIDEOs of the kinds that hosts and other packs hand out."""

import gc
import json
from fractions import Fraction
from pathlib import Path

import folder_paths
import torch
from comfy_api.latest import Input, InputImpl, Types, io, ui

from .in_pack import pack


class Cropped(InputImpl.VideoFromFile):
    """As a host may hand out one whose file holds more of each frame than is to be shown: the left half of it here."""

    def get_dimensions(self):
        width, height = super().get_dimensions()
        return width // 2, height

    def get_components(self):
        components = super().get_components()
        components.images = components.images[:, :, : components.images.shape[2] // 2]
        return components

    def save_to(self, path, **_options):
        InputImpl.VideoFromComponents(self.get_components()).save_to(path)


class ProbeCroppedVideo(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema("ProbeCroppedVideo", inputs=[io.Video.Input("video")], outputs=[io.Video.Output()])

    @classmethod
    def execute(cls, video: Input.Video):
        return io.NodeOutput(Cropped(video.get_stream_source()))


def in_memory(height=32, channels=3, audio=None):
    images = torch.rand(3, height, 48, channels)
    return InputImpl.VideoFromComponents(Types.VideoComponents(images=images, audio=audio, frame_rate=Fraction(25)))


class ProbeVideos(io.ComfyNode):
    """What the pack says of VIDEOs that cannot be read, and how many files of those that can it leaves."""

    @classmethod
    def define_schema(cls):
        return io.Schema("ProbeVideos", inputs=[], outputs=[], is_output_node=True)

    @classmethod
    def execute(cls):
        flat = {"waveform": torch.zeros(2, 800), "sample_rate": 8000}
        bad = ["a.mp4", {"video": 1}, None, in_memory(31), in_memory(channels=4), in_memory(audio=flat)]
        source, temp = pack("nodes.host.video").video_source, Path(folder_paths.get_temp_directory())
        video = Cropped(small_video())
        before = set(temp.glob("*.mp4"))
        files = [str(source(video)) for _ in range(2)]
        kept = len(set(temp.glob("*.mp4")) - before)
        del video
        gc.collect()
        left = len(set(temp.glob("*.mp4")) - before)
        said = {"refused": [refusal(source, each) for each in bad], "same": files[0] == files[1]}
        return io.NodeOutput(ui=ui.PreviewText(json.dumps(said | {"kept": kept, "left": left})))


def small_video():
    path = Path(folder_paths.get_temp_directory()) / "small.mp4"
    path.unlink(missing_ok=True)
    with pack("hallo2_core.video.writer").VideoWriter(path, 64, 32, Fraction(25)) as video:
        video.write(torch.rand(3, 32, 64, 3))
    return str(path)


def refusal(source, video):
    try:
        source(video)
    except pack("hallo2_core.errors").VideoError as error:
        return str(error)
    return ""


NODES = [ProbeCroppedVideo, ProbeVideos]
