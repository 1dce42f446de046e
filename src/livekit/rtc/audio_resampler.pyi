from livekit._rtc.audio_resampler import *
