// What follows from the end of a connection: an end, a failure, or another try. One table decides.

import { ClientError } from './problem.js';

/** Before the backoff, when the server says that it is overloaded. */
const OVERLOADED_MS = 5_000;

/**
 * After a close. `again` says how to wait, `fail` that the same would happen again; neither: the end was asked for.
 * @returns {{ again?: { upToMs?: number, afterMs?: number }, fail?: Error }}
 */
export function afterClose(code, reason) {
  switch (code) {
    case 1000:
      return {};
    case 1002:
    case 1003:
    case 1007:
    case 1008:
    case 1009:
      return { fail: new ClientError(`the gateway closed with ${code} ${reason}: it would do so again`, { code, reason }) };
    case 1001:
    case 1012: {
      const named = /^retry-ms=(\d+)$/.exec(reason);
      return { again: named ? { upToMs: Number(named[1]) } : {} };
    }
    case 1013:
      return { again: { afterMs: OVERLOADED_MS } };
    default:
      return { again: {} };
  }
}

/**
 * After a refused handshake. `anew` says that the cursor is of no use any more.
 * @returns {{ again?: { afterMs?: number }, anew?: true, fail?: Error }}
 */
export function afterRefusal(error, retryAfter, resumed) {
  const { status, problem } = error;
  if (resumed && (status === 410 || problem.type === '/problems/cursor')) return { again: {}, anew: true };
  if (status === 408 || status === 425 || status === 429 || status >= 500) {
    const seconds = Number(retryAfter);
    return { again: seconds > 0 ? { afterMs: seconds * 1000 } : {} };
  }
  return { fail: error };
}
