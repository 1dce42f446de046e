# `livekit.rtc` for type checkers; at run time it is the module rtc.py.
from livekit import *

from . import apm as apm
from . import audio_filter as audio_filter
from . import audio_frame as audio_frame
from . import audio_mixer as audio_mixer
from . import audio_resampler as audio_resampler
from . import audio_source as audio_source
from . import audio_stream as audio_stream
from . import data_stream as data_stream
from . import data_track as data_track
from . import e2ee as e2ee
from . import encoded_video as encoded_video
from . import event_emitter as event_emitter
from . import frame_processor as frame_processor
from . import jupyter as jupyter
from . import log as log
from . import media_devices as media_devices
from . import participant as participant
from . import platform_audio as platform_audio
from . import room as room
from . import rpc as rpc
from . import synchronizer as synchronizer
from . import track as track
from . import track_publication as track_publication
from . import transcription as transcription
from . import utils as utils
from . import version as version
from . import video_frame as video_frame
from . import video_source as video_source
from . import video_stream as video_stream
