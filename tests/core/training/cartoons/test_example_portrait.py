import subprocess
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from hallo2_core.examples import PORTRAIT
from hallo2_core.portrait.face_analysis import built_in_face_analysis
from hallo2_core.portrait.picture import load_picture

SCRIPT = Path(__file__).parents[4] / "tools" / "draw_example_portrait.py"


def test_the_shipped_portrait_is_what_the_script_draws_and_a_face_the_pack_can_animate(tmp_path):
    out = tmp_path / "portrait.png"
    subprocess.run([sys.executable, str(SCRIPT), str(out)], check=True, timeout=120)
    picture = torch.from_numpy(np.array(Image.open(out))).float() / 255
    assert picture.shape == (512, 512, 3)
    assert float((picture - load_picture(PORTRAIT)).abs().max()) <= 2 / 255
    (face,) = built_in_face_analysis().find(picture)
    assert abs(face.yaw_degrees) < 8 and abs(face.roll_degrees) < 3
