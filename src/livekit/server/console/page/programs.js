// Whole programs to copy. JSON texts are valid in Python and in JavaScript.

const quote = (text) => JSON.stringify(text);

/** What all programs need: where, and with which token. */
function beginnings({ url, token, identity }) {
  const whose = token ? `of ${quote(identity)}` : 'make one under “Join a room”';
  return {
    python: `URL = ${quote(url)}\nTOKEN = ${quote(token || '…')}  # ${whose}`,
    javascript: `const url = ${quote(url)};\nconst token = ${quote(token || '…')}; // ${whose}`,
  };
}

export function joining(place) {
  const begin = beginnings(place);
  return {
    python: `# needs livekit-pure
import asyncio

from livekit import Room

${begin.python}


async def main() -> None:
    async with Room() as room:
        await room.connect(URL, TOKEN)
        print("joined", room.name, flush=True)
        await asyncio.Event().wait()  # Ctrl-C


asyncio.run(main())
`,
    javascript: `// npm install livekit-client
import { Room } from "livekit-client";

${begin.javascript}

const room = new Room();
await room.connect(url, token);
console.log("joined", room.name);
`,
  };
}

export function calling(place, { to, method, payload, timeout }) {
  const begin = beginnings(place);
  return {
    python: `# needs livekit-pure
import asyncio

from livekit import Room, RpcError

${begin.python}


async def main() -> None:
    async with Room() as room:
        await room.connect(URL, TOKEN)
        try:
            answer = await room.local_participant.perform_rpc(
                destination_identity=${quote(to)},
                method=${quote(method)},
                payload=${quote(payload)},
                response_timeout=${timeout},
            )
            print(answer)
        except RpcError as error:
            print(error.code, error.message, error.data)


asyncio.run(main())
`,
    javascript: `// npm install livekit-client
import { Room, RpcError } from "livekit-client";

${begin.javascript}

const room = new Room();
await room.connect(url, token);
try {
  const answer = await room.localParticipant.performRpc({
    destinationIdentity: ${quote(to)},
    method: ${quote(method)},
    payload: ${quote(payload)},
    responseTimeout: ${Math.round(timeout * 1000)},
  });
  console.log(answer);
} catch (error) {
  if (!(error instanceof RpcError)) throw error;
  console.log(error.code, error.message, error.data);
}
`,
  };
}

export function offering(place, method) {
  const begin = beginnings(place);
  return {
    python: `# needs livekit-pure
import asyncio

from livekit import Room, RpcInvocationData

${begin.python}


def answer(data: RpcInvocationData) -> str:
    return f"Hello {data.payload}, called by {data.caller_identity}!"


async def main() -> None:
    async with Room() as room:
        room.register_rpc_method(${quote(method)}, answer)
        await room.connect(URL, TOKEN)
        print("waiting for calls", flush=True)
        await asyncio.Event().wait()  # Ctrl-C


asyncio.run(main())
`,
    javascript: `// npm install livekit-client
import { Room } from "livekit-client";

${begin.javascript}

const room = new Room();
room.registerRpcMethod(${quote(method)}, async (data) => {
  return \`Hello \${data.payload}, called by \${data.callerIdentity}!\`;
});
await room.connect(url, token);
console.log("waiting for calls");
`,
  };
}
