// Participants in JavaScript, driven by messages as ../python_peer.py is. The SDKs of Node and of browsers differ
// little enough for one program; what runs it gives the SDK and a function that takes replies and events.

import { Audio } from './audio.mjs';

const TOPIC = 'topic';
const encoder = new TextEncoder();

const handlers = {
  echo: (data) => data.payload,
  describe: (data) =>
    JSON.stringify({
      request_id: data.requestId,
      caller: data.callerIdentity,
      response_timeout: data.responseTimeout / 1000,
    }),
  repeat: (data) => {
    const { text, times } = JSON.parse(data.payload);
    return text.repeat(times);
  },
  nothing: () => undefined,
  fail: (data, { RpcError }) => {
    const { code, message, data: details, times } = JSON.parse(data.payload);
    throw new RpcError(code, message, details?.repeat(times ?? 1));
  },
  crash: () => {
    throw new Error('a secret of the handler');
  },
  sleep: async (data) => {
    await new Promise((resolve) => setTimeout(resolve, Number(data.payload) * 1000));
    return 'slept';
  },
};

/** One participant in one room. */
class Member {
  constructor(sdk, say) {
    this.sdk = sdk;
    this.say = say;
  }

  /** Join, with a `key` in an encrypted room. */
  async join({ url, token, key, connections, audio }) {
    const { forRoom = {}, forConnect = {}, started } = key ? await this.sdk.encrypt(key) : {};
    this.room = new this.sdk.Room({ singlePeerConnection: connections !== '2', ...forRoom });
    this.listen();
    if (audio) this.audio = new Audio(this.room, this.sdk);
    await started?.(this.room);
    await this.room.connect(url, token, { autoSubscribe: true, dynacast: false, ...forConnect });
    this.identity = this.room.localParticipant.identity;
    for (const [name, handler] of Object.entries(handlers)) {
      this.room.localParticipant.registerRpcMethod(name, (data) => this.answer(name, handler, data));
    }
    return this.identity;
  }

  async answer(method, handler, data) {
    const told = { who: this.identity, method, caller: data.callerIdentity };
    this.say({ event: 'started', ...told });
    let how = 'returned';
    try {
      return await handler(data, this.sdk);
    } catch (error) {
      how = 'raised';
      throw error;
    } finally {
      this.say({ event: 'ended', how, ...told });
    }
  }

  // data

  listen() {
    this.room.on(this.sdk.RoomEvent.DataReceived, (payload, participant, kind, topic) =>
      this.got('packet', participant?.identity ?? '', payload, { topic }),
    );
    this.room.registerTextStreamHandler(TOPIC, (reader, { identity }) => this.read('text', reader, identity));
    this.room.registerByteStreamHandler(TOPIC, (reader, { identity }) => this.read('bytes', reader, identity));
  }

  async got(what, sender, content, more) {
    const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', content));
    const digest = Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('');
    this.say({ event: 'got', who: this.identity, what, sender, size: content.length, digest, ...more });
  }

  async read(what, reader, sender) {
    const pieces = [];
    let failed = false;
    try {
      for await (const piece of reader) pieces.push(typeof piece === 'string' ? encoder.encode(piece) : piece);
    } catch {
      failed = true;
    }
    const content = new Uint8Array(pieces.reduce((size, piece) => size + piece.length, 0));
    pieces.reduce((start, piece) => (content.set(piece, start), start + piece.length), 0);
    await this.got(what, sender, content, { attributes: reader.info.attributes ?? {}, failed });
  }

  async publish({ content, to, reliable }) {
    const options = { reliable, topic: TOPIC, destinationIdentities: to, destination_identities: to };
    await this.room.localParticipant.publishData(encoder.encode(content), options);
  }

  async send_text({ content, to, attributes }) {
    await this.room.localParticipant.sendText(content, { topic: TOPIC, destinationIdentities: to, attributes });
  }

  async write_text({ pieces, to }) {
    const writer = await this.room.localParticipant.streamText({ topic: TOPIC, destinationIdentities: to });
    for (const piece of pieces) await writer.write(piece);
    await writer.close();
  }

  async write_bytes({ content, to }) {
    const writer = await this.room.localParticipant.streamBytes({
      name: 'name',
      topic: TOPIC,
      destinationIdentities: to,
    });
    await writer.write(Uint8Array.from(atob(content), (character) => character.charCodeAt(0)));
    await writer.close();
  }

  async set_attributes({ attributes }) {
    await this.room.localParticipant.setAttributes(attributes);
  }

  // audio

  async play({ frequency }) {
    return await this.audio.play(frequency);
  }

  async mute({ muted }) {
    await this.audio.mute(muted);
  }

  async subscribe({ other, wanted }) {
    this.audio.subscribe(other, wanted);
  }

  async hears({ other, frequency }) {
    await this.audio.hears(other, frequency);
  }

  async silent({ other, frequency }) {
    await this.audio.silent(other, frequency);
  }

  /** Reconnect as after a failure of the network: resume, or join again. */
  async reconnect({ full }) {
    const { SimulateScenarioKind: kinds, RoomEvent } = this.sdk;
    const scenario = kinds
      ? full
        ? kinds.SIMULATE_FULL_RECONNECT
        : kinds.SIMULATE_SIGNAL_RECONNECT
      : full
        ? 'full-reconnect'
        : 'signal-reconnect';
    const reconnected = new Promise((resolve) => this.room.once(RoomEvent.Reconnected, resolve));
    await this.room.simulateScenario(scenario);
    await reconnected;
  }

  async listed({ other }) {
    while (!this.room.remoteParticipants.has(other)) {
      await new Promise((resolve) => this.room.once(this.sdk.RoomEvent.ParticipantConnected, resolve));
    }
  }

  async call({ to, method, payload, timeout }) {
    return await this.room.localParticipant.performRpc({
      destinationIdentity: to,
      method,
      payload,
      responseTimeout: timeout === null ? undefined : timeout * 1000,
    });
  }

  /** Leave. The SDK of Node says goodbye at once, and then at times hangs if it was negotiating: it is not waited for. */
  async leave() {
    this.audio?.close();
    const patience = new Promise((resolve) => setTimeout(resolve, 500));
    await Promise.race([this.room.disconnect(), patience]);
  }
}

export class Program {
  constructor(say, loadSdk) {
    this.say = say;
    this.loadSdk = loadSdk;
    this.members = new Map();
  }

  async handle({ id, do: what, who, ...given }) {
    try {
      const value = what === 'join' ? await this.join(given) : await this.members.get(who)[what](given);
      this.say({ reply: id, value: value ?? null });
    } catch (error) {
      this.say({ reply: id, error: describeError(error) });
    }
  }

  async join({ sdk, ...given }) {
    const member = new Member(await this.loadSdk(sdk), this.say);
    const identity = await member.join(given);
    this.members.set(identity, member);
    return identity;
  }

  async leave() {
    await Promise.all([...this.members.values()].map((member) => member.leave()));
  }
}

function describeError(error) {
  if (typeof error?.code === 'number' && typeof error.toProto === 'function') {
    return { type: 'RpcError', code: error.code, message: error.message, data: error.data || null };
  }
  return { type: error?.name ?? 'unknown', message: String(error?.message ?? error) };
}
