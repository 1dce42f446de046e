from livekit._rtc.track import *
