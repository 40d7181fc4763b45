// The panel with the last events, newest first.

import { html } from './vendor/htm-preact.js';
import { words } from './words.js';

const SHOWN_MAX = 100;
const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });

export function LogPanel({ log, redraw }) {
  const act = (action) => () => {
    action();
    redraw();
  };
  return html`
    <section class="panel log">
      <h2>
        Events
        <span class="actions">
          <button class="small" aria-pressed=${log.paused} onClick=${act(() => log.togglePause())}>
            ${log.paused ? `Resume (${log.missed} new)` : 'Pause'}
          </button>
          <button class="small" onClick=${act(() => log.clear())}>Clear</button>
        </span>
      </h2>
      <ol tabindex="0" aria-label="Events, newest first">
        ${log.latest(SHOWN_MAX).map(({ key, time, event, count }) => html`
          <li key=${key}>
            <time>${CLOCK.format(time)}</time>
            <span class=${`type ${event.type}`}>${event.type}</span>
            <span class="words">${words(event)}</span>
            ${count > 1 && html`<span class="count"
              title=${`${count} times, the last time at ${CLOCK.format(time)}`}>×${count}</span>`}
          </li>`)}
      </ol>
    </section>
  `;
}
