from livekit._rtc.media_devices import *
