from livekit._rtc.track_publication import *
