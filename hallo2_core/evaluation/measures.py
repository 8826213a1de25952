"""The measures of a run: which there are follows from the metrics' names, their networks from the user's files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from fractions import Fraction
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor, nn

from ..audio.sound_file import FileAudio
from ..audio.speech_signal import SpeechSignal
from ..errors import SettingsError
from ..portrait.face_analysis import FaceAnalysis, built_in_face_analysis
from ..portrait.released_faces import DETECTOR_FILE, RECOGNISER_FILE, released_face_analysis
from ..runtime import Runtime
from ..video.reader import VideoInfo, read_frames
from .face_crops import FaceCrops
from .feature_streams import ClipStream, FeatureStream, expression_stream, picture_stream
from .flicker import Flicker
from .identity import Identity
from .measure import Measure
from .networks import syncnet
from .networks.face_coefficients import load_face_coefficients
from .networks.i3d import load_i3d
from .networks.inception import load_inception
from .networks.lpips import load_lpips
from .picture_quality import PSNR, SSIM, LearnedDistance
from .seams import Seams
from .set_distance import SetDistance
from .sync import Sync


@dataclass(frozen=True)
class NetworkFiles:
    """The user's files; docs/evaluation.md names them, their sources and their licenses."""

    inception: Path | None = None
    i3d: Path | None = None
    syncnet: Path | None = None
    lpips: Path | None = None  # AlexNet; needs lpips_heads too
    lpips_heads: Path | None = None
    face_recon: Path | None = None
    face_models: Path | None = None  # a folder with the released SCRFD and glintr100

    def __post_init__(self) -> None:
        if (self.lpips is None) != (self.lpips_heads is None):
            raise SettingsError("LPIPS needs two files: --lpips (AlexNet) and --lpips-heads (alex.pth).")

    @property
    def given(self) -> tuple[str, ...]:
        """The options, as the catalogue names them."""
        return tuple(field.name.replace("_", "-") for field in fields(self) if getattr(self, field.name) is not None)


def light_measure(name: str, clip_frames: int) -> Measure:
    """One that needs no network. Errors: SettingsError unless a clip has a frame."""
    if name == "seam_jump":
        return Seams(clip_frames)
    return {"psnr": PSNR, "ssim": SSIM, "flicker": Flicker}[name]()


class Measures:
    """Loads the networks that the metrics need, on the runtime's device. Errors: CheckpointError,
    MissingDependencyError."""

    def __init__(
        self, metrics: Sequence[str], files: NetworkFiles, clip_frames: int, window_seconds: float, runtime: Runtime
    ) -> None:
        self.metrics, self._files, self._clip_frames = metrics, files, clip_frames
        self._device = runtime.device
        self._lpips = load_lpips(files.lpips, files.lpips_heads) if "lpips" in metrics else None
        self._syncnet = syncnet.load_syncnet(files.syncnet) if "sync" in metrics else None
        self._window_seconds = window_seconds
        networks = [network for network in (self._lpips, self._syncnet) if network is not None]
        self.distances: dict[str, SetDistance] = {}
        for name in metrics:
            if name in ("fid", "fvd", "e_fid"):
                network, stream = self._features(name)
                networks.append(network)
                self.distances[name] = SetDistance(name, stream)
        runtime.ready(*networks)

    def take_real(self, references: Sequence[Path], runtime: Runtime) -> None:
        """Read the real videos once per distance, if there is any."""
        for distance in self.distances.values():
            for number, path in enumerate(references):
                runtime.notify(f"{distance.name}: reference {number + 1} of {len(references)}")
                with torch.inference_mode():
                    distance.take_real(_cancellable(read_frames(path), runtime))

    def of_video(self, path: Path, info: VideoInfo) -> list[Measure]:
        """New measures for one video, in the order of the metrics."""
        return [self._measure(name, path, info) for name in self.metrics]

    def together(self) -> Mapping[str, float]:
        return {name: value for distance in self.distances.values() for name, value in distance.together().items()}

    def _measure(self, name: str, path: Path, info: VideoInfo) -> Measure:
        if name == "fid":  # of the other distances, a window has too few features
            return self.distances[name].of_video(round(Fraction(self._window_seconds) * info.fps))
        if name in self.distances:
            return self.distances[name].of_video()
        if name == "lpips":
            return LearnedDistance(self._lpips, self._device)
        if name == "identity":
            return Identity(self._recognising_faces, self._clip_frames)
        if name == "sync":
            crops = FaceCrops(self._faces, syncnet.SIDE_PX)
            return Sync(self._syncnet, crops, SpeechSignal(FileAudio(path)), self._device)
        return light_measure(name, self._clip_frames)

    def _features(self, name: str) -> tuple[nn.Module, FeatureStream]:
        if name == "fid":
            network = load_inception(self._files.inception)
            return network, picture_stream(network, self._device)
        if name == "fvd":
            network = load_i3d(self._files.i3d)
            return network, ClipStream(network, self._device)
        network = load_face_coefficients(self._files.face_recon)
        return network, expression_stream(network, self._faces, self._device)

    @cached_property
    def _faces(self) -> FaceAnalysis:
        return built_in_face_analysis()

    @cached_property
    def _recognising_faces(self) -> FaceAnalysis:
        folder = self._files.face_models
        return released_face_analysis(folder / DETECTOR_FILE, folder / RECOGNISER_FILE)


def _cancellable(frames: Iterator[Tensor], runtime: Runtime) -> Iterator[Tensor]:
    for frame in frames:
        runtime.check_cancelled()
        yield frame
