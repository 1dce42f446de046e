from livekit._rtc.event_emitter import *
