from livekit._rtc.audio_source import *
