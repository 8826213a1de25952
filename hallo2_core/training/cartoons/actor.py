"""Who is drawn: every choice that makes a face, taken from one seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .background import Background
from .beard import Beard
from .clothes import Clothes
from .ears import Ears
from .eyes import Eyes
from .glasses import Glasses
from .hair import Hair
from .head_pose import Framing
from .mouth import Mouth
from .nose import Nose
from .skull import Skull
from .split import Split, generator


@dataclass(frozen=True)
class Actor:
    skull: Skull
    eyes: Eyes
    nose: Nose
    mouth: Mouth
    ears: Ears
    hair: Hair
    beard: Beard | None
    glasses: Glasses | None
    clothes: Clothes
    background: Background
    framing: Framing

    @staticmethod
    def from_seed(seed: int, split: Split) -> Actor:
        """The actor of this number; the same for ever. Errors: SettingsError for an unknown split or negative seed."""

        def rng(subject: str) -> np.random.Generator:
            return generator(seed, split, subject)

        skull, hair = Skull.drawn(rng("skull")), Hair.drawn(rng("hair"))
        frame = rng("framing")
        return Actor(
            skull=skull,
            eyes=Eyes.drawn(rng("eyes"), hair.color),
            nose=Nose.drawn(rng("nose")),
            mouth=Mouth.drawn(rng("mouth"), skull.skin),
            ears=Ears.drawn(rng("ears")),
            hair=hair,
            beard=Beard.drawn(rng("beard"), hair.color),
            glasses=Glasses.drawn(rng("glasses")),
            clothes=Clothes.drawn(rng("clothes"), skull),
            background=Background.drawn(rng("background")),
            framing=Framing(
                scale=frame.uniform(0.56, 0.63), center_x=frame.uniform(-0.03, 0.03), center_y=frame.uniform(0.0, 0.05)
            ),
        )
