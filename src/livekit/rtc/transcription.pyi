from livekit._rtc.transcription import *
