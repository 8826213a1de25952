"""The distance between the features of videos and of real ones: per video, of all together, and over time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from torch import Tensor

from .feature_streams import FeatureStream
from .frechet import FEWEST, FeatureStatistics, frechet_distance


class SetDistance:
    """One metric (fid, fvd, e_fid) over a run: the real videos first, then the others one after another."""

    def __init__(self, name: str, stream: FeatureStream) -> None:
        self.name, self.stream = name, stream
        self.real = FeatureStatistics(stream.width)
        self.made = FeatureStatistics(stream.width)

    def take_real(self, frames: Iterable[Tensor]) -> None:
        """frames: (h w 3) uint8, of one real video."""
        for frame in frames:
            _add(self.stream.add(frame), self.real)
        _add(self.stream.rest(), self.real)

    def of_video(self, window_frames: int = 0) -> VideoDistance:
        """The measure of the next video, whose features also join those of all videos.

        window_frames: of its curve over time; 0 for none.
        """
        return VideoDistance(self, window_frames)

    def together(self) -> Mapping[str, float]:
        """Of all videos together; nothing with too few features."""
        return _distance(self.name, self.made, self.real)


class VideoDistance:
    """A measure. Its curve has a value at the end of each window, from the frames of that window alone."""

    def __init__(self, of: SetDistance, window_frames: int) -> None:
        self._of, self._window_frames = of, window_frames
        self._own, self._window = FeatureStatistics(of.stream.width), FeatureStatistics(of.stream.width)
        self._frames = 0

    def add(self, frame: Tensor, reference: Tensor | None = None) -> Mapping[str, float]:
        """frame: (h w 3) uint8."""
        self._take(self._of.stream.add(frame))
        self._frames += 1
        if not self._window_frames or self._frames % self._window_frames:
            return {}
        self._take(self._of.stream.rest())
        window, self._window = self._window, FeatureStatistics(self._of.stream.width)
        return _distance(self._of.name, window, self._of.real)

    def figures(self) -> Mapping[str, float]:
        self._take(self._of.stream.rest())
        return _distance(self._of.name, self._own, self._of.real)

    def _take(self, features: Tensor | None) -> None:
        for statistics in (self._own, self._of.made, self._window):
            _add(features, statistics)


def _add(features: Tensor | None, statistics: FeatureStatistics) -> None:
    if features is not None:
        statistics.add(features)


def _distance(name: str, one: FeatureStatistics, other: FeatureStatistics) -> Mapping[str, float]:
    return {} if min(one.count, other.count) < FEWEST else {name: frechet_distance(one, other)}
