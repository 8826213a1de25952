import subprocess
import sys
from pathlib import Path

import av
import numpy as np
from PIL import Image

SCRIPT = Path(__file__).parents[2] / "tools" / "draw_demo_pictures.py"
FRAMES = 50


def video(path):
    """Two seconds that become brighter."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width = stream.height = 64
        for number in range(FRAMES):
            picture = np.full((64, 64, 3), 4 * number, dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())


def test_a_moving_picture_and_a_sheet_of_frames_over_the_whole_video(tmp_path):
    video(tmp_path / "demo.mp4")
    command = [sys.executable, str(SCRIPT), str(tmp_path / "demo.mp4"), str(tmp_path)]
    subprocess.run(command, check=True, timeout=120)
    moving = Image.open(tmp_path / "demo.webp")
    assert moving.n_frames == FRAMES // 2 and moving.size == (320, 320)
    sheet = np.asarray(Image.open(tmp_path / "demo_frames.png").convert("L")).astype(int)
    brightness = [sheet[80 + 178 * (place // 4), 80 + 160 * (place % 4)] for place in range(8)]
    assert brightness == sorted(brightness) and brightness[0] < 30 and brightness[-1] > 160
