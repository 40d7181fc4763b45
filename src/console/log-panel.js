// What happened, newest first.

import { html } from './vendor/htm-preact.js';

const SHOWN_MAX = 100;
const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
const BEGINNINGS = { now: 'begins', snapshot: 'begins with who matches' };
const RESETS = { trimmed: 'the log no longer reaches back', forked: 'the store lost changes', epoch: 'the store was made anew' };

/** An event in a few words. */
function words(event) {
  switch (event.type) {
    case 'connected': return BEGINNINGS[event.from] ?? 'goes on at the cursor';
    case 'disconnected': return event.why;
    case 'live': return `${event.count.toLocaleString()} in the view`;
    case 'filtered': return 'the new filter holds';
    case 'reset': return `begins anew: ${RESETS[event.reason] ?? event.reason}`;
    case 'stale': return `nothing proved for ${event.seconds} s`;
    case 'fresh': return 'proved again';
    default: {
      const { firstName, lastName, id, age, job } = event.person;
      const name = lastName === undefined ? id : `${firstName} ${lastName}`;
      return event.type === 'leave' || event.type === 'delete' ? name : `${name}, ${age}${job && `, ${job}`}`;
    }
  }
}

export function LogPanel({ log, look }) {
  const act = (action) => () => {
    action();
    look();
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
        ${log.latest(SHOWN_MAX).map(({ key, time, event }) => html`
          <li key=${key}>
            <time>${CLOCK.format(time)}</time>
            <span class=${`type ${event.type}`}>${event.type}</span>
            <span class="words">${words(event)}</span>
          </li>`)}
      </ol>
    </section>
  `;
}
