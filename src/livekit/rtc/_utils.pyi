from livekit._rtc._utils import *
