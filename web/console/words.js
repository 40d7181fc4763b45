// Events in words.

const BEGINNINGS = { now: 'begins', snapshot: 'begins with who matches' };
const RESETS = {
  trimmed: 'the log no longer reaches back', forked: 'the store lost changes', epoch: 'the store was made anew',
  unknown: 'the cursor is not one of this store', rights: 'what you may see has changed',
};

/** An event of the log in a few words. */
export function words(event) {
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
