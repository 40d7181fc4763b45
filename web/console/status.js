// The state of the connection, its cursor, and buttons to connect again.

import { CopyButton } from './copy.js';
import { html, useEffect, useState } from './vendor/htm-preact.js';

const WORDS = {
  connecting: 'Connecting',
  snapshot: 'Loading the snapshot',
  live: 'Live',
  stale: 'Stale: the table may be old',
  waiting: 'Connection lost',
  ended: 'Ended',
};

export function Status({ session }) {
  const { client } = session;
  const { state, cursor, error, retryAt } = client;
  const [why, setWhy] = useState('');
  useEffect(() => client.on('disconnected', (event) => setWhy(event.why)), [client]);
  const seconds = Math.max(0, Math.ceil((retryAt - Date.now()) / 1000));
  return html`
    <div class="status" data-state=${state}>
      <span class="state" role="status" aria-live="polite" title=${state === 'waiting' ? why : ''}>
        <span class="dot" aria-hidden="true"></span>${WORDS[state]}${
          state === 'ended' && error ? `: ${error.message}` : ''}
      </span>
      ${state === 'waiting' && html`
        <span class="quiet" aria-hidden="true">next attempt in ${seconds} s</span>
        <button onClick=${() => client.retry()}>Try now</button>`}
      ${state === 'ended' && html`<button onClick=${() => session.open()}>Connect again</button>`}
      ${cursor && html`
        <span class="cursor">
          <span class="quiet">Cursor</span> <code title=${cursor}>${cursor}</code>
          <${CopyButton} text=${cursor} what="cursor" />
        </span>`}
    </div>
  `;
}
