from livekit._rtc.version import *
