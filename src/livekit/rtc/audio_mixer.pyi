from livekit._rtc.audio_mixer import *
