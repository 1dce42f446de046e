#!/bin/sh
# libopus (as in opuslib-next-bundled 0.1.1): discontinuous transmission (OPUS_SET_DTX) of 20 ms frames at 48 kHz,
# 48 kbit/s: half a second of a tone, then digital silence, or noise of about -60 dBFS.
#
# Expected: after the tone a packet of more than 2 bytes each 400 ms, in every application and at every complexity; a
# higher complexity detects pauses at least as well.
# Seen: the refresh comes each 420 ms (20 empty frames, then one). Of digital silence it takes 3 bytes, but 55 in VoIP at
# complexity 2 and 5. Those are also the only settings at which noise is left out: at complexity 7 and 10 it is now and
# then, and in the applications audio and low delay at complexity 2 and 5 never.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: opuslib-next-bundled==0.1.1

"$folder/venv/bin/python" - <<'PY'
import ctypes
import glob
import importlib.util
import math
import random
from array import array
from ctypes import byref, c_char_p, c_int, c_int32, c_void_p

folder = importlib.util.find_spec("opuslib_next").submodule_search_locations[0]
opus = ctypes.CDLL(glob.glob(folder + "/_native/*opus*.*")[0])
opus.opus_encoder_create.restype = c_void_p
opus.opus_encode.argtypes = [c_void_p, c_char_p, c_int, c_char_p, c_int32]
opus.opus_encoder_ctl.argtypes = [c_void_p, c_int]

FRAME, TONE, SETTLED, FRAMES = 960, 25, 45, 150
APPLICATIONS = {"VoIP": 2048, "audio": 2049, "low delay": 2051}


def sizes(application, complexity, deviation):
    """Return the sizes of the packets that are sent after the encoder has settled, and the steps between them."""
    encoder = opus.opus_encoder_create(48_000, 1, APPLICATIONS[application], byref(c_int()))
    for request, value in ((4002, 48_000), (4010, complexity), (4016, 1)):  # bitrate, complexity, DTX
        assert opus.opus_encoder_ctl(encoder, request, c_int32(value)) == 0
    chance, buffer, sent = random.Random(1), ctypes.create_string_buffer(4000), {}
    for number in range(FRAMES):
        if number < TONE:
            samples = [round(12_000 * math.sin(math.tau * 440 * (number * FRAME + n) / 48_000)) for n in range(FRAME)]
        else:
            samples = [round(chance.gauss(0, deviation)) for _ in range(FRAME)]
        size = opus.opus_encode(encoder, array("h", samples).tobytes(), FRAME, buffer, 4000)
        if size > 2 and number >= SETTLED:
            sent[number] = size
    numbers = list(sent)
    return set(sent.values()), {after - before for before, after in zip(numbers, numbers[1:])}


for application in APPLICATIONS:
    for complexity in (2, 5, 7, 10):
        silence, noise = sizes(application, complexity, 0), sizes(application, complexity, 30)
        print(f"{application}, complexity {complexity}: silence {silence}, noise: a packet each {noise[1]} frames")
        assert silence[1] == {21}
        if application == "VoIP":
            assert (silence[0] == {3}) == (complexity >= 7)
            assert (noise[1] == {21}) == (complexity <= 5)
        else:
            assert silence[0] == {3} and 1 in noise[1]
print("as described")
PY
