from livekit._rtc.audio_filter import *
