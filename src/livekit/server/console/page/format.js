// Display formats of numbers, times and codes.

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

/** RpcError.ErrorCode, by number. */
const CODES = {
  1400: 'UNSUPPORTED_METHOD',
  1401: 'RECIPIENT_NOT_FOUND',
  1402: 'REQUEST_PAYLOAD_TOO_LARGE',
  1403: 'UNSUPPORTED_SERVER',
  1404: 'UNSUPPORTED_VERSION',
  1500: 'APPLICATION_ERROR',
  1501: 'CONNECTION_TIMEOUT',
  1502: 'RESPONSE_TIMEOUT',
  1503: 'RECIPIENT_DISCONNECTED',
  1504: 'RESPONSE_PAYLOAD_TOO_LARGE',
  1505: 'SEND_FAILED',
};

export function bytes(size) {
  let unit = 0;
  while (size >= 1000 && unit < UNITS.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${unit && size < 100 ? size.toFixed(1) : Math.round(size)} ${UNITS[unit]}`;
}

export const rate = (size) => `${bytes(size)}/s`;

export const bits = (perSecond) => `${Math.round(perSecond / 1000)} kbit/s`;

export function milliseconds(time) {
  if (time < 1) return '< 1 ms';
  if (time < 10) return `${time.toFixed(1)} ms`;
  return time < 1000 ? `${Math.round(time)} ms` : `${(time / 1000).toFixed(time < 10_000 ? 2 : 1)} s`;
}

export const clock = (time) => new Date(time).toLocaleTimeString([], { hour12: false });

export const codeName = (code) => CODES[code] ?? 'application error';

export const count = (number, one, many) => `${number.toLocaleString('en')} ${number === 1 ? one : many}`;
