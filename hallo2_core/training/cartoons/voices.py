"""Who speaks: espeak-ng's English accents and voice variants, at many pitches and speeds."""

from __future__ import annotations

from dataclasses import dataclass

from .split import Split, generator

ACCENTS = (
    "gmw/en", "gmw/en-US", "gmw/en-029", "gmw/en-GB-scotland", "gmw/en-GB-x-rp", "gmw/en-GB-x-gbclan",
    "gmw/en-GB-x-gbcwmd",
)  # fmt: skip
# Variants of the voice that are people: no robots, whispers or croaks.
TRAINING_VARIANTS = (
    "m1", "m2", "m4", "m5", "m6", "m7", "f1", "f2", "f4", "klatt", "klatt3", "Alicia", "Andrea", "Andy", "Annie",
    "Denis", "Diogo", "Gene", "Henrique", "Hugo", "Jacky", "Lee", "Marco", "Michael", "Mike", "adam", "antonio",
    "aunty", "benjamin", "boris", "caleb", "david", "ed", "edward", "grandma", "grandpa", "john", "linda", "marcelo",
    "max", "michel", "miguel", "norbert", "pablo", "paul", "pedro", "robert", "sandro", "steph", "travis", "victor",
)  # fmt: skip
HELD_BACK_VARIANTS = ("m3", "m8", "f3", "f5", "klatt2", "Alex", "Mario", "anika", "belinda", "shelby", "steph2", "rob")
VARIANTS = {"train": TRAINING_VARIANTS, "held_back": HELD_BACK_VARIANTS}


@dataclass(frozen=True)
class Voice:
    """espeak-ng's own numbers: pitch and pitch_range are 0..99, 50 is the voice's own."""

    name: str  # accent+variant
    words_per_minute: int
    pitch: int
    pitch_range: int

    @staticmethod
    def from_seed(seed: int, split: Split) -> Voice:
        rng = generator(seed, split, "voice")
        variants = VARIANTS[split]
        return Voice(
            name=f"{ACCENTS[rng.integers(len(ACCENTS))]}+{variants[rng.integers(len(variants))]}",
            words_per_minute=int(rng.integers(125, 191)),
            pitch=int(rng.integers(25, 81)),
            pitch_range=int(rng.integers(30, 81)),
        )
