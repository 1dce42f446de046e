from livekit._rtc.platform_audio import *
