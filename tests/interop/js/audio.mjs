// Tones of JavaScript participants: published, and found by their frequency in what is received. See peer.mjs.
// In Node.js the SDK takes and gives samples; in a browser Web Audio does.

const RATE = 48000;
const FRAME = 480;
/** Samples that are examined, 100 ms. */
const HEARD = 4800;
const AMPLITUDE = 0.25;
/** Amplitude from which a tone counts as heard. */
const AUDIBLE = 0.03;

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Returns the amplitude at a frequency (Goertzel), 0 if another one is louder than it. */
function amplitude(samples, frequency, rate) {
  const coefficient = 2 * Math.cos((2 * Math.PI * frequency) / rate);
  let [before, last, energy] = [0, 0, 0];
  for (const sample of samples) {
    [before, last] = [last, sample + coefficient * last - before];
    energy += sample * sample;
  }
  const power = before * before + last * last - coefficient * before * last;
  const isDominant = power > (0.5 * energy * samples.length) / 2;
  return isDominant ? (2 * Math.sqrt(Math.max(power, 0))) / samples.length : 0;
}

class NodeAudio {
  constructor(sdk) {
    this.sdk = sdk;
  }

  async play(room, frequency) {
    const { AudioFrame, AudioSource, LocalAudioTrack, TrackPublishOptions, TrackSource } = this.sdk;
    const source = new AudioSource(RATE, 1, 100);
    this.track = LocalAudioTrack.createAudioTrack('tone', source);
    const options = new TrackPublishOptions({ source: TrackSource.SOURCE_MICROPHONE });
    const publication = await room.localParticipant.publishTrack(this.track, options);
    this.feed(source, frequency, AudioFrame);
    return publication.sid;
  }

  async feed(source, frequency, AudioFrame) {
    const angle = (2 * Math.PI * frequency) / RATE;
    for (let start = 0; !this.closed; start += FRAME) {
      const data = Int16Array.from({ length: FRAME }, (_, n) => 32767 * AMPLITUDE * Math.sin(angle * (start + n)));
      await source.captureFrame(new AudioFrame(data, RATE, 1, FRAME));
    }
  }

  async mute(room, muted) {
    await (muted ? this.track.mute() : this.track.unmute());
  }

  /** Returns a function that gives the last samples. */
  listen(track) {
    let samples = [];
    const read = async () => {
      for await (const frame of new this.sdk.AudioStream(track, RATE, 1)) {
        samples = [...samples, ...Array.from(frame.data, (sample) => sample / 32768)].slice(-HEARD);
      }
    };
    read();
    return () => samples;
  }

  close() {
    this.closed = true;
  }
}

class BrowserAudio {
  constructor(sdk) {
    this.sdk = sdk;
    this.context = new AudioContext({ sampleRate: RATE });
  }

  async play(room, frequency) {
    const oscillator = new OscillatorNode(this.context, { frequency });
    const gain = new GainNode(this.context, { gain: AMPLITUDE });
    const destination = new MediaStreamAudioDestinationNode(this.context, { channelCount: 1 });
    oscillator.connect(gain).connect(destination);
    oscillator.start();
    const options = { source: this.sdk.Track.Source.Microphone, name: 'tone' };
    const publication = await room.localParticipant.publishTrack(destination.stream.getAudioTracks()[0], options);
    return publication.trackSid;
  }

  async mute(room, muted) {
    const [publication] = room.localParticipant.audioTrackPublications.values();
    await (muted ? publication.mute() : publication.unmute());
  }

  listen(track) {
    const element = track.attach(); // Chromium decodes only what an element plays
    element.muted = true;
    const analyser = new AnalyserNode(this.context, { fftSize: 8192 });
    new MediaStreamAudioSourceNode(this.context, { mediaStream: element.srcObject }).connect(analyser);
    const samples = new Float32Array(8192);
    return () => {
      analyser.getFloatTimeDomainData(samples);
      return samples.slice(-HEARD);
    };
  }

  close() {
    this.context.close();
  }
}

/** The tone of a participant, and what it hears of each other one. */
export class Audio {
  constructor(room, sdk) {
    this.room = room;
    this.backend = typeof AudioContext === 'undefined' ? new NodeAudio(sdk) : new BrowserAudio(sdk);
    this.listeners = new Map();
    room.on(sdk.RoomEvent.TrackSubscribed, (track, publication, participant) => {
      this.listeners.set(participant.identity, this.backend.listen(track));
    });
    room.on(sdk.RoomEvent.TrackUnsubscribed, (track, publication, participant) => {
      track.detach?.();
      this.listeners.delete(participant.identity);
    });
  }

  play(frequency) {
    return this.backend.play(this.room, frequency);
  }

  mute(muted) {
    return this.backend.mute(this.room, muted);
  }

  subscribe(other, wanted) {
    const { trackPublications } = this.room.remoteParticipants.get(other);
    for (const publication of trackPublications.values()) publication.setSubscribed(wanted);
  }

  async hears(other, frequency) {
    while (this.amplitude(other, frequency) < AUDIBLE) await sleep(50);
  }

  async silent(other, frequency) {
    while (this.amplitude(other, frequency) >= AUDIBLE) await sleep(50);
  }

  amplitude(other, frequency) {
    const samples = this.listeners.get(other)?.() ?? [];
    return samples.length < HEARD ? 0 : amplitude(samples, frequency, RATE);
  }

  close() {
    this.backend.close();
  }
}
