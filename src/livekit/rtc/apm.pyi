from livekit._rtc.apm import *
