from livekit._rtc.utils import *
