"""Talking cartoons: a procedural data set with exact ground truth, made from whole numbers (seeds) alone.

    actor = Actor.from_seed(7, split="train")        # a face: shape, skin, hair, glasses, clothes, background
    tracks = Tracks.still(frames=16)                 # what it does, frame by frame
    frames = draw(actor, tracks, size_px=128)        # (f h w 3) float32, RGB in 0..1
    truth = measure(actor, tracks, size_px=128)      # per frame: mouth_opening (f), in heights of the face; mouth_width
                                                     # (f), in its widths; in pixels: face_box, lip_box (f 4: left, top,
                                                     # right, bottom) and five_points (f 5 2: eyes, nose, mouth corners)

    played = performance(7, "train", seconds=3.0)    # needs espeak-ng: voice, sentences, mood, gesture, motion
    played.samples, played.tracks, played.caption    # (t) float32 at 16 kHz, 640 samples a frame; 25 frames a second
    performance_of_sound(samples, 7, "train")        # the same for a sound of one's own
    performance(7, "train", 3.0, Direction((Mood(0.0, "happy"), Mood(1.5, "sad")), gesture="nod"))

The same seed gives the same actor and motion on every machine (pictures to rounding), and with the same version of
espeak-ng the same voice. An actor and a performance of one seed belong together; any two may be combined.

Shapes: f frames, h w pixels. Tracks and truth are torch tensors of float32 whose first axis is f. Everything is drawn
on the device of the tracks: `draw(actor, tracks.to("cuda"), 128)`. A picture spans -1..1 in x (to the right) and y
(down) whatever its size. Angles are degrees; positive yaw turns the face to the picture's right, positive pitch down,
positive roll clockwise.

Splits: "train" and "held_back" draw their faces, voices and sentences from streams that never meet.
"""

from .actor import Actor
from .direction import Direction, Mood
from .drawing import draw
from .performance import FPS, Performance, performance, performance_of_sound
from .split import SPLITS, Split
from .tracks import EXPRESSIONS, Tracks
from .truth import Truth, measure

__all__ = [
    "EXPRESSIONS",
    "FPS",
    "SPLITS",
    "Actor",
    "Direction",
    "Mood",
    "Performance",
    "Split",
    "Tracks",
    "Truth",
    "draw",
    "measure",
    "performance",
    "performance_of_sound",
]
