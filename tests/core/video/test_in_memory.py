import numpy as np
import pytest
import torch

from hallo2_core.errors import VideoError
from hallo2_core.video.in_memory import check_in_memory

FRAMES = torch.zeros(2, 32, 48, 3)


@pytest.mark.parametrize("audio", [None, {"waveform": torch.zeros(1, 2, 100), "sample_rate": 8000}])
def test_pictures_and_sound_as_the_host_makes_them(audio):
    check_in_memory(FRAMES, audio)


@pytest.mark.parametrize(
    ("images", "said"),
    [
        (np.zeros((2, 32, 48, 3)), "of type ndarray"),
        ([FRAMES[0]], "of type list"),
        (FRAMES[0], r"shape \(32, 48, 3\)"),
        (FRAMES[:0], r"shape \(0, 32, 48, 3\)"),
        (torch.zeros(2, 32, 48, 4), "4 channels"),
        (torch.zeros(2, 31, 48, 3), "48x31 pixels"),
    ],
)
def test_pictures_that_cannot_be_encoded(images, said):
    with pytest.raises(VideoError, match=said):
        check_in_memory(images, None)


@pytest.mark.parametrize(
    ("audio", "said"),
    [
        ({"waveform": torch.zeros(2, 100), "sample_rate": 8000}, r"waveform of \(2, 100\)"),
        ({"sample_rate": 8000}, "waveform of NoneType"),
        ((torch.zeros(1, 2, 100), 8000), "waveform of NoneType"),
    ],
)
def test_sound_that_cannot_be_encoded(audio, said):
    with pytest.raises(VideoError, match=said):
        check_in_memory(FRAMES, audio)
