// A backend with livekit-server-sdk: makes every call of RoomService, good and bad, and prints what came of each.
// Arguments: URL, API key, API secret, name of a room with the participants "alice", "bob" and "carol", of another.
import { RoomServiceClient } from 'livekit-server-sdk';

const [url, key, secret, room, other] = process.argv.slice(2);
const service = new RoomServiceClient(url, key, secret);
const text = (value) => new TextEncoder().encode(value);

const calls = {
  create: () => service.createRoom({ name: other, metadata: 'é', emptyTimeout: 60, departureTimeout: 5, maxParticipants: 3 }),
  createAgain: () => service.createRoom({ name: other, metadata: 'changed' }),
  list: async () => (await service.listRooms([room, other])).map((found) => found.name).sort(),
  listNone: () => service.listRooms(['nobody made this']),
  roomMetadata: () => service.updateRoomMetadata(other, 'updated'),
  noRoomMetadata: () => service.updateRoomMetadata('nobody made this', 'x'),
  delete: () => service.deleteRoom(other),
  deleteAgain: () => service.deleteRoom(other),
  participants: async () => (await service.listParticipants(room)).map((found) => found.identity).sort(),
  participant: () => service.getParticipant(room, 'alice'),
  nobody: () => service.getParticipant(room, 'nobody'),
  update: () =>
    service.updateParticipant(room, 'alice', {
      name: 'Alice',
      metadata: 'm',
      attributes: { a: '1' },
      permission: { canSubscribe: true, canPublishData: true, canUpdateMetadata: true },
    }),
  updateNobody: () => service.updateParticipant(room, 'nobody', { name: 'Nobody' }),
  updateTooLong: () => service.updateParticipant(room, 'alice', { name: 'x'.repeat(257) }),
  send: () => service.sendData(room, text('hello'), 0, { topic: 'news', destinationIdentities: ['alice'] }),
  mute: async () => (await service.mutePublishedTrack(room, 'alice', 'TR_x', true)) ?? 'no track',
  subscriptions: () => service.updateSubscriptions(room, 'alice', ['TR_x'], true),
  forward: () => service.forwardParticipant(room, 'alice', other),
  move: () => service.moveParticipant(room, 'bob', other),
  moveNowhere: () => service.moveParticipant(room, 'alice', room),
  remove: () => service.removeParticipant(room, 'carol'),
  removeAgain: () => service.removeParticipant(room, 'carol'),
  wrongSecret: () => new RoomServiceClient(url, key, 'another secret').listRooms(),
  wrongKey: () => new RoomServiceClient(url, 'another', secret).listRooms(),
};

const outcomes = {};
for (const [name, call] of Object.entries(calls)) {
  try {
    const value = await call();
    outcomes[name] = { value: value?.toJson?.() ?? value ?? null };
  } catch ({ status, code, message }) {
    outcomes[name] = { status, code, message };
  }
}
console.log(JSON.stringify(outcomes));
