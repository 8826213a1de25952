"""Prompts for expressions, written here: what the small text encoder learns to tell apart.

A phrase is a word or two that name a mood, in a sentence that fits their part of speech, with words around it that say
nothing about the mood. One word in eight is held back: it is only measured on.
"""

from __future__ import annotations

import numpy as np

from .cartoons.captions import GESTURES, MOODS
from .cartoons.split import Split

HELD_BACK_EVERY = 8

# mood → part of speech → words
WORDS: dict[str, dict[str, tuple[str, ...]]] = {
    "neutral": {
        "adverb": ("calmly", "seriously", "neutrally", "matter-of-factly", "normally", "plainly", "evenly", "quietly",
                   "without emotion", "in a relaxed way", "impassively", "soberly"),
        "adjective": ("neutral", "serious", "calm", "relaxed", "normal", "blank", "plain", "even", "impassive",
                      "expressionless", "composed", "unemotional", "at rest", "serene", "ordinary", "bored", "tired",
                      "thoughtful", "attentive", "concentrated", "earnest"),
        "noun": ("calm", "no emotion", "composure", "calmness", "neutrality", "no expression"),
        "gerund": ("resting", "relaxing the face", "staying calm", "showing nothing"),
        "look": ("a resting face", "a serious face", "a neutral look", "a straight face", "a calm look",
                 "relaxed brows", "a neutral mouth"),
    },
    "happy": {
        "adverb": ("happily", "cheerfully", "joyfully", "gladly", "merrily", "with delight", "brightly", "joyously",
                   "contentedly", "gleefully", "with a smile", "amusedly"),
        "adjective": ("happy", "cheerful", "joyful", "glad", "delighted", "merry", "pleased", "joyous", "content",
                      "amused", "friendly", "jolly", "cheery", "overjoyed", "in a good mood", "smiley", "excited",
                      "thrilled", "in love", "elated", "blissful", "grateful", "proud", "joking"),
        "noun": ("joy", "happiness", "delight", "cheer", "amusement", "good humor", "gladness", "pleasure", "glee"),
        "verb": ("smiles", "grins", "laughs", "beams", "is all smiles", "chuckles", "laughs out loud", "is happy",
                 "giggles", "jokes"),
        "gerund": ("smiling", "grinning", "laughing", "beaming", "chuckling", "having fun", "smiling broadly"),
        "look": ("a smile", "a broad smile", "a big grin", "a happy face", "a wide smile", "raised cheeks",
                 "a laughing face", "a friendly smile", "the corners of the mouth turned up", "a laugh",
                 "a joyful face", "laughter"),
    },
    "sad": {
        "adverb": ("sadly", "unhappily", "sorrowfully", "gloomily", "mournfully", "tearfully", "with grief",
                   "miserably", "dejectedly", "with a heavy heart", "glumly"),
        "adjective": ("sad", "unhappy", "sorrowful", "gloomy", "mournful", "depressed", "miserable", "down",
                      "heartbroken", "tearful", "dejected", "disappointed", "melancholy", "downcast", "glum",
                      "in a bad mood of sadness", "upset", "lonely", "hurt", "sorry", "blue", "hopeless",
                      "desperate"),
        "noun": ("sadness", "sorrow", "grief", "gloom", "misery", "melancholy", "unhappiness", "disappointment",
                 "despair"),
        "verb": ("cries", "weeps", "mourns", "is close to tears", "sobs", "pouts", "is sad", "whines"),
        "gerund": ("crying", "weeping", "mourning", "sobbing", "pouting", "grieving", "looking down in sorrow"),
        "look": ("a sad face", "tears in the eyes", "a drooping mouth", "a sad look", "downcast eyes",
                 "the corners of the mouth turned down", "a long face", "sad eyes", "tears", "a crying face",
                 "an unhappy face"),
    },
    "angry": {
        "adverb": ("angrily", "furiously", "in anger", "with rage", "crossly", "grimly", "irritably", "in fury",
                   "wrathfully", "aggressively", "fiercely"),
        "adjective": ("angry", "furious", "enraged", "mad", "cross", "annoyed", "irritated", "outraged", "grim",
                      "hostile", "wrathful", "livid", "fuming", "fierce", "aggressive", "irate", "grumpy",
                      "bad-tempered", "offended", "indignant", "infuriated", "resentful", "harsh"),
        "noun": ("anger", "rage", "fury", "annoyance", "wrath", "outrage", "irritation", "hostility"),
        "verb": ("frowns", "scowls", "fumes", "glares", "rages", "is losing their temper", "is angry",
                 "shouts in anger", "snarls"),
        "gerund": ("frowning", "scowling", "fuming", "glaring", "raging", "losing their temper", "seething"),
        "look": ("an angry face", "furrowed brows", "a frown", "lowered brows", "a scowl", "an angry look",
                 "narrowed eyes", "a furious stare", "a grumpy face", "gritted teeth", "a mad face"),
    },
    "surprised": {
        "adverb": ("in surprise", "with amazement", "in astonishment", "surprisedly", "in shock", "in wonder",
                   "in awe", "with wide eyes", "in disbelief"),
        "adjective": ("surprised", "amazed", "astonished", "shocked", "stunned", "startled", "astounded",
                      "flabbergasted", "speechless", "taken aback", "awestruck", "dumbfounded", "thunderstruck",
                      "bewildered", "scared", "afraid", "frightened", "alarmed", "perplexed", "baffled", "puzzled"),
        "noun": ("surprise", "amazement", "astonishment", "shock", "wonder", "awe", "disbelief", "bewilderment",
                 "wow", "fright", "alarm"),
        "verb": ("gasps", "marvels", "is taken aback", "gapes", "cannot believe it", "is surprised", "is shocked"),
        "gerund": ("gasping", "marveling", "gaping", "raising the eyebrows", "staring in surprise",
                   "opening the eyes wide"),
        "look": ("a surprised face", "raised eyebrows", "wide eyes", "wide open eyes", "an astonished look",
                 "a look of surprise", "raised brows", "eyes wide open", "a shocked face", "an amazed face",
                 "an open mouth in surprise"),
    },
}  # fmt: skip

SENTENCES: dict[str, tuple[str, ...]] = {
    "adverb": ("{x}", "{who} talks {x}", "{who} is speaking {x}", "talking {x}", "{who} says it {x}",
               "{who} looks at us {x}", "speak {x}", "{who} {x} tells a story"),
    "adjective": ("{x}", "{much} {x}", "{who} looks {much} {x}", "{who} is {much} {x}", "{who} with a {x} face",
                  "{x} expression", "{who} has a {x} expression", "{who} feels {much} {x}", "the face becomes {x}",
                  "{who} seems {x} and talks", "{x} face", "{who}, {x}", "a {x} mood", "looking {much} {x}",
                  "{who} talks with a {x} expression", "{who} gets {x}", "{who} turns {x}", "be {x}", "look {x}",
                  "a {x} person", "a {x} woman", "a {x} man"),
    "noun": ("{x}", "{who} shows {x}", "with {x}", "full of {x}", "{who} talks with {x}", "an expression of {x}",
             "{who} expresses {x}", "{who} feels {x}", "a face of {x}"),
    "verb": ("{who} {x}", "{who} {x} and talks", "{who} talks and {x}", "then {who} {x}"),
    "gerund": ("{x}", "{who} is {x}", "{who} talks, {x}", "{x} at the camera", "{who} starts {x}", "{x} while talking",
               "{who} {x}"),
    "look": ("{x}", "{who} with {x}", "{who} has {x}", "talks with {x}", "{who} makes {x}", "{who} talks with {x}"),
}  # fmt: skip
NEGATIONS: dict[str, tuple[str, ...]] = {
    "adjective": ("not {x}", "{who} is not {x}", "no longer {x}", "{who} is not {x} any more", "{who} isn't {x}"),
    "noun": ("without {x}", "{who} shows no {x}", "no {x}", "no more {x}"),
    "gerund": ("not {x}", "{who} stops {x}", "{who} is no longer {x}", "without {x}"),
    "look": ("without {x}", "no more {x}"),
}
WHO = ("a person", "the person", "the man", "the woman", "a man", "a woman", "she", "he", "this guy", "the girl",
       "the boy", "someone", "the speaker", "they", "my friend", "the cartoon", "a cartoon character", "the teacher",
       "an old man", "a young woman", "the face", "the portrait")  # fmt: skip
MUCH = ("", "", "", "very", "really", "so", "quite", "a bit", "slightly", "extremely", "now", "rather")
AROUND = ("{x}", "{x}", "{x}", "{x}.", "{x}!", "{x} while talking", "{x}, looking at the camera", "{x}, close-up",
          "{x} in a blue shirt", "{x}, with glasses", "{x}, studio light", "portrait, {x}", "in this scene {x}",
          "{x} in front of a green wall", "{x}, brown hair", "{x}, then goes on talking")  # fmt: skip
THINGS = ("hat", "garden", "street", "window", "house", "dog", "mountain", "book", "chair", "jacket", "beard", "scarf",
          "kitchen", "office", "city", "forest", "beach", "cup of coffee", "microphone", "sofa", "bridge", "studio",
          "shirt", "phone", "car", "train", "river", "school", "wall", "lamp", "painting", "collar", "ponytail",
          "necklace", "camera", "desk", "cat", "tree", "flower", "suit")  # fmt: skip
PLACED = ("{x}, with a {thing}", "{x} in front of a {thing}", "{x} beside a {thing}", "a {thing}, {x}", "{x}, {thing}",
          "{x} and a {thing}", "{x}, big {thing}", "{x} near the {thing}")  # fmt: skip
SAYS_NOTHING = ("{who} talks", "{who} is talking", "{who} speaks to the camera", "talking", "{who}", "a portrait",
                "{who} tells a story", "{who} in a red shirt", "{who} with long hair", "hello",
                "{who} talks about the weather", "{who} explains something", "close-up of {who}",
                "{who} looks into the camera")  # fmt: skip
NODS = ("slow nod", "a slow nod", "nodding", "nodding slowly", "slowly shaking the head", "head tilted",
        "tilting the head")  # fmt: skip
NEGATED, SAID_NOTHING = 0.35, 0.15  # shares of the neutral phrases
CAPTIONED, NODDED, IN_PLACE = 0.1, 0.15, 0.25  # shares of all phrases


def words_of(mood: str, part: str, split: Split) -> tuple[str, ...]:
    """The words of one part of speech; one in eight is held back."""
    words = WORDS[mood][part]
    held_back = {i for i in range(len(words)) if i % HELD_BACK_EVERY == HELD_BACK_EVERY - 1}
    return tuple(word for i, word in enumerate(words) if (i in held_back) == (split == "held_back"))


def drawn_phrase(rng: np.random.Generator, mood: str, split: Split) -> str:
    """A prompt that asks for this mood."""
    if rng.random() < CAPTIONED and split == "train":
        return f"{_one_of(rng, WHO)} talks {_one_of(rng, MOODS[mood])}"
    chance = rng.random()
    if mood == "neutral" and chance < NEGATED + SAID_NOTHING:
        core = _negation(rng, split) if chance < NEGATED else _filled(rng, _one_of(rng, SAYS_NOTHING), "")
    else:
        parts = [part for part in WORDS[mood] if words_of(mood, part, split)]
        part = _one_of(rng, parts)
        core = _filled(rng, _one_of(rng, SENTENCES[part]), _one_of(rng, words_of(mood, part, split)))
    phrase = _one_of(rng, AROUND).format(x=core)
    if rng.random() < IN_PLACE:
        phrase = _one_of(rng, PLACED).format(x=phrase, thing=_one_of(rng, THINGS))
    if rng.random() < NODDED:
        nods = f" and {_one_of(rng, GESTURES[_one_of(rng, ('nod', 'shake', 'tilt'))])}"
        phrase += nods if rng.random() < 0.5 else f", {_one_of(rng, NODS)}"
    return phrase


def _negation(rng: np.random.Generator, split: Split) -> str:
    mood = _one_of(rng, [mood for mood in WORDS if mood != "neutral"])
    part = _one_of(rng, [part for part in NEGATIONS if words_of(mood, part, split)])
    return _filled(rng, _one_of(rng, NEGATIONS[part]), _one_of(rng, words_of(mood, part, split)))


def _filled(rng: np.random.Generator, sentence: str, word: str) -> str:
    filled = sentence.format(x=word, who=_one_of(rng, WHO), much=_one_of(rng, MUCH))
    return " ".join(filled.split()).replace(" a a ", " a ")


def _one_of(rng: np.random.Generator, choices: tuple[str, ...] | list[str]) -> str:
    return choices[rng.integers(len(choices))]
