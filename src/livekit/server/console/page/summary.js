// The figures in the header.

import { byId, setText } from './dom.js';
import { rate } from './format.js';

const WIDTH = 120;
const HEIGHT = 26;

export function showSummary({ participants, calls, failed, rate: size, series }) {
  setText(byId('figure-participants'), participants.toLocaleString('en'));
  setText(byId('figure-calls'), calls.toLocaleString('en'));
  setText(byId('figure-failed'), failed.toLocaleString('en'));
  setText(byId('figure-rate'), rate(size));
  const peak = Math.max(...series, 1);
  const x = (index) => ((index * WIDTH) / (series.length - 1)).toFixed(1);
  const y = (value) => (HEIGHT + 1 - (value / peak) * HEIGHT).toFixed(1);
  byId('spark-line').setAttribute('points', series.map((value, index) => `${x(index)},${y(value)}`).join(' '));
}

export function showLive(isLive) {
  byId('live').dataset.live = isLive ? 'yes' : 'no';
  setText(byId('live'), isLive ? 'Live' : 'The server does not respond. Reconnecting…');
}
