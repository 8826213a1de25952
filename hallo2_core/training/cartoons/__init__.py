"""Talking cartoons: a procedural data set with exact ground truth, made from whole numbers (seeds) alone.

    actor = Actor.from_seed(7, split="train")        # a face: shape, skin, hair, glasses, clothes, background
    tracks = Tracks.still(frames=16)                 # what it does, frame by frame
    frames = draw(actor, tracks, size_px=128)        # (f h w 3) float32, RGB in 0..1
    truth = measure(actor, tracks, size_px=128)      # per frame: mouth_opening (f), in heights of the face; mouth_width
                                                     # (f), in its widths; in pixels: face_box, lip_box (f 4: left, top,
                                                     # right, bottom) and five_points (f 5 2: eyes, nose, mouth corners)

`performance(seed, split)` makes a voice and the tracks that go with it, where espeak-ng is installed; `cartoon(seed,
split)` adds the actor. The same seed gives the same cartoon on every machine (on the CPU, to rounding).

Shapes: f frames, h w pixels. Tracks and truth are torch tensors of float32 whose first axis is f. Everything is drawn
on the device of the tracks: `draw(actor, tracks.to("cuda"), 128)`. A picture spans -1..1 in x (to the right) and y
(down) whatever its size. Angles are degrees; positive yaw turns the face to the picture's right, positive pitch down,
positive roll clockwise.

Splits: "train" and "held_back" draw their faces, voices and sentences from streams that never meet.
"""

from .actor import Actor
from .drawing import draw
from .split import SPLITS, Split
from .tracks import EXPRESSIONS, Tracks
from .truth import Truth, measure

__all__ = ["EXPRESSIONS", "SPLITS", "Actor", "Split", "Tracks", "Truth", "draw", "measure"]
