"""Names that no file can have are refused like missing files."""

from pathlib import Path

import pytest

from hallo2_core.audio.sound_file import FileAudio
from hallo2_core.checkpoints.read import read_tensors
from hallo2_core.errors import Hallo2Error
from hallo2_core.farm.orders import read_orders
from hallo2_core.jobs.listing import all_jobs
from hallo2_core.portrait.picture import load_picture
from hallo2_core.training.config_file import read_config
from hallo2_core.video.reader import probe
from hallo2_core.video.target import check_target

READERS = (FileAudio, read_tensors, read_orders, all_jobs, load_picture, read_config, probe)
NAMES = {"too long": "a" * 5000, "null character": "a\0b", "half a character": "a\ud800b"}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
@pytest.mark.parametrize("read", READERS, ids=lambda read: read.__name__)
def test_a_file_to_read(read, name):
    with pytest.raises(Hallo2Error):
        read(Path(name))


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_video_to_write(tmp_path, name):
    with pytest.raises(Hallo2Error):
        check_target(tmp_path / f"{name}.mp4")
