// Short texts for the events in the log.

import { nameOf } from './person.js';

const STARTS = { now: 'from now on', snapshot: 'with a snapshot' };
const RESETS = {
  trimmed: 'the log no longer has the changes after the cursor', forked: 'the store lost changes',
  epoch: 'the store lost its history',
  unknown: 'the cursor is not from this store', rights: 'your rights changed',
};

/** The words of a refusal. */
const refusal = ({ detail, title, status } = {}) =>
  `refused: ${detail || title || `the gateway answered ${status}`}`;

/** The text for an event. */
export function words(event) {
  switch (event.type) {
    case 'connected': return STARTS[event.from] ?? 'from the cursor';
    case 'disconnected': return event.why;
    case 'live': return `${event.count.toLocaleString()} in the view`;
    case 'filtered': return 'the new filter applies';
    case 'reset': return `starts over: ${RESETS[event.reason] ?? event.reason}`;
    case 'stale': return `for ${event.seconds} s, changes may be missing`;
    case 'expiring': return `the token expires in ${event.seconds} s`;
    case 'fresh': return 'no change is missing';
    case 'error': return refusal(event.problem);
    default: {
      const { id, age, job } = event.person;
      const name = nameOf(event.person) ?? id;
      const isGone = event.type === 'leave' || event.type === 'delete';
      const shown = isGone ? [] : [age, job].filter((value) => value !== undefined && value !== '');
      return [name, ...shown].join(', ');
    }
  }
}
