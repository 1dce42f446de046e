#!/bin/sh
# libopus (as in opuslib-next-bundled 0.1.1): a steady tone, 20 ms frames at 48 kHz, 48 kbit/s, VoIP, complexity 2; three
# frames are lost. As documented, the decoder is asked to conceal each (opus_decode without a packet), then gets the next.
#
# Expected: the concealment fades, and the next packet, which arrived whole, is back at full loudness.
# Seen: the first 15 ms of that packet have 7 to 30 % of the tone's loudness, although nothing of it was lost; without the
# calls that conceal they have 99 to 140 %. Whoever fills the gap by other means (repeating the pitch period, say) should
# not run the codec's concealment as well, and should fade into the new frame late.
#
# The same library answers opus_get_version_string with "libopus unknown": code that reads a version from it fails.
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
from array import array
from ctypes import byref, c_char_p, c_int, c_int32, c_void_p

folder = importlib.util.find_spec("opuslib_next").submodule_search_locations[0]
opus = ctypes.CDLL(glob.glob(folder + "/_native/*opus*.*")[0])
opus.opus_get_version_string.restype = c_char_p
opus.opus_encoder_create.restype = opus.opus_decoder_create.restype = c_void_p
opus.opus_encode.argtypes = [c_void_p, c_char_p, c_int, c_char_p, c_int32]
opus.opus_decode.argtypes = [c_void_p, c_char_p, c_int32, c_char_p, c_int, c_int]
opus.opus_encoder_ctl.argtypes = [c_void_p, c_int]
print("version:", opus.opus_get_version_string().decode())

RATE, FRAME, TONE, LOST = 48_000, 960, 440.0, (20, 21, 22)
error = c_int()
encoder = opus.opus_encoder_create(RATE, 1, 2048, byref(error))
assert opus.opus_encoder_ctl(encoder, 4002, c_int32(48_000)) == 0
assert opus.opus_encoder_ctl(encoder, 4010, c_int32(2)) == 0


def sine(number):
    first = FRAME * number
    return array("h", [round(12_000 * math.sin(math.tau * TONE * n / RATE)) for n in range(first, first + FRAME)])


buffer = ctypes.create_string_buffer(4000)
packets = []
for number in range(30):
    size = opus.opus_encode(encoder, sine(number).tobytes(), FRAME, buffer, 4000)
    packets.append(buffer.raw[:size])


def rms(samples):
    return math.sqrt(sum(sample * sample for sample in samples) / len(samples))


def decode(conceal):
    decoder = opus.opus_decoder_create(RATE, 1, byref(error))
    pcm = ctypes.create_string_buffer(2 * FRAME)
    levels = []
    for number, packet in enumerate(packets):
        if number in LOST:
            if conceal:
                assert opus.opus_decode(decoder, None, 0, pcm, FRAME, 0) == FRAME
            continue
        assert opus.opus_decode(decoder, packet, len(packet), pcm, FRAME, 0) == FRAME
        samples = array("h", pcm.raw)
        levels.append([rms(samples[start : start + 240]) / rms(sine(0)) for start in range(0, FRAME, 240)])
    return levels


concealed, plain = decode(conceal=True), decode(conceal=False)
print("loudness of each 5 ms of packets 19, 23 and 24, which all arrived; the tone is 1")
print("with concealment:   ", [[round(level, 2) for level in packet] for packet in concealed[19:22]])
print("without concealment:", [[round(level, 2) for level in packet] for packet in plain[19:22]])
assert opus.opus_get_version_string() == b"libopus unknown"
assert all(level > 0.9 for level in concealed[19] + plain[19]), "before the loss both are whole"
assert max(concealed[20][:3]) < 0.4 < 0.9 < min(plain[20])
assert concealed[21][-1] > 0.9
print("as described")
PY
