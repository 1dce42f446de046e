// Complete programs to copy. JSON strings are valid literals in Python and JavaScript.

const quote = (text) => JSON.stringify(text);

/** The beginning of every program: URL and token. */
function preambles({ url, token, identity, room }) {
  const owner = token ? `for ${quote(identity)} in room ${quote(room)}` : 'create one under “Join”';
  return {
    python: `URL = ${quote(url)}\nTOKEN = ${quote(token || '…')}  # ${owner}`,
    javascript: `const url = ${quote(url)};\nconst token = ${quote(token || '…')}; // ${owner}`,
  };
}

export function joining(credentials) {
  const preamble = preambles(credentials);
  return {
    python: `# needs livekit-pure
import asyncio

from livekit import Room

${preamble.python}


async def main() -> None:
    async with Room() as room:
        await room.connect(URL, TOKEN)
        print("joined", room.name, flush=True)
        await asyncio.Event().wait()  # Ctrl-C


asyncio.run(main())
`,
    javascript: `// npm install livekit-client
import { Room } from "livekit-client";

${preamble.javascript}

const room = new Room();
await room.connect(url, token);
console.log("joined", room.name);
`,
  };
}

export function calling(credentials, { to, method, payload, timeout }) {
  const preamble = preambles(credentials);
  return {
    python: `# needs livekit-pure
import asyncio

from livekit import Room, RpcError

${preamble.python}


async def main() -> None:
    async with Room() as room:
        await room.connect(URL, TOKEN)
        try:
            response = await room.local_participant.perform_rpc(
                destination_identity=${quote(to)},
                method=${quote(method)},
                payload=${quote(payload)},
                response_timeout=${timeout},
            )
            print(response)
        except RpcError as error:
            print(error.code, error.message, error.data)


asyncio.run(main())
`,
    javascript: `// npm install livekit-client
import { Room, RpcError } from "livekit-client";

${preamble.javascript}

const room = new Room();
await room.connect(url, token);
try {
  const response = await room.localParticipant.performRpc({
    destinationIdentity: ${quote(to)},
    method: ${quote(method)},
    payload: ${quote(payload)},
    responseTimeout: ${Math.round(timeout * 1000)},
  });
  console.log(response);
} catch (error) {
  if (!(error instanceof RpcError)) throw error;
  console.log(error.code, error.message, error.data);
}
`,
  };
}

export function registering(credentials, method) {
  const preamble = preambles(credentials);
  return {
    python: `# needs livekit-pure
import asyncio

from livekit import Room, RpcInvocationData

${preamble.python}


def handle(data: RpcInvocationData) -> str:
    return f"Hello {data.payload}, called by {data.caller_identity}!"


async def main() -> None:
    async with Room() as room:
        room.register_rpc_method(${quote(method)}, handle)
        await room.connect(URL, TOKEN)
        print("waiting for calls", flush=True)
        await asyncio.Event().wait()  # Ctrl-C


asyncio.run(main())
`,
    javascript: `// npm install livekit-client
import { Room } from "livekit-client";

${preamble.javascript}

const room = new Room();
room.registerRpcMethod(${quote(method)}, async (data) => {
  return \`Hello \${data.payload}, called by \${data.callerIdentity}!\`;
});
await room.connect(url, token);
console.log("waiting for calls");
`,
  };
}
