"""A program of its own: speaks one text with libespeak-ng and writes what it said, and when, to its standard output.

Called by `espeak.py` as `python espeak_process.py LIBRARY VOICE RATE PITCH RANGE`, the text on standard input. It
writes one line of JSON, {"rate_hz": …, "phonemes": [[seconds, ipa], …]}, then the samples as native 16-bit integers. An
empty phoneme is a pause. The command `espeak-ng` gives no times for its phonemes; the library does.

There is a process for each text because the library carries its random state from one text to the next: only the first
text of a process is always the same, sample by sample.
"""

from __future__ import annotations

import ctypes
import json
import sys

SYNCHRONOUS = 2  # espeak_Synth returns when all is spoken; the samples go to the callback
PHONEME_EVENTS, IPA, DO_NOT_EXIT = 0x1, 0x2, 0x8000
RATE, PITCH, RANGE = 1, 3, 4
UTF8, END_PAUSE = 0x1, 0x1000
LIST_END, PHONEME = 0, 7


class _Id(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int), ("unique_identifier", ctypes.c_uint), ("text_position", ctypes.c_int),
        ("length", ctypes.c_int), ("audio_position", ctypes.c_int), ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p), ("id", _Id),
    )  # fmt: skip


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


def main(library: str, voice: str, rate: str, pitch: str, pitch_range: str) -> int:
    speech = ctypes.CDLL(library)
    rate_hz = speech.espeak_Initialize(SYNCHRONOUS, 0, None, PHONEME_EVENTS | IPA | DO_NOT_EXIT)
    if rate_hz <= 0:
        sys.stderr.write("espeak-ng's voice data is missing\n")
        return 1
    samples, phonemes = bytearray(), []

    def heard(wave: ctypes._Pointer, count: int, events: ctypes._Pointer) -> int:
        if wave and count:
            samples.extend(ctypes.string_at(wave, count * ctypes.sizeof(ctypes.c_short)))
        index = 0
        while events[index].type != LIST_END:
            event = events[index]
            if event.type == PHONEME:
                phonemes.append([event.audio_position / 1000, event.id.string.decode("utf-8", "ignore")])
            index += 1
        return 0

    callback = _Callback(heard)
    speech.espeak_SetSynthCallback(callback)
    if speech.espeak_SetVoiceByName(voice.encode()) != 0:
        sys.stderr.write(f"espeak-ng has no voice {voice}\n")
        return 1
    for parameter, value in ((RATE, rate), (PITCH, pitch), (RANGE, pitch_range)):
        speech.espeak_SetParameter(parameter, int(value), 0)
    text = sys.stdin.buffer.read()
    size = ctypes.c_size_t(len(text) + 1)
    if speech.espeak_Synth(text, size, 0, 1, 0, UTF8 | END_PAUSE, None, None) != 0:
        sys.stderr.write("espeak-ng could not speak the text\n")
        return 1
    speech.espeak_Synchronize()
    sys.stdout.buffer.write(json.dumps({"rate_hz": rate_hz, "phonemes": phonemes}).encode() + b"\n" + bytes(samples))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
