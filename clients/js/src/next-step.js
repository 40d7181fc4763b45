// What a client does after a connection ended: stop, fail, or connect again. One table decides.

import { ClientError } from './problem.js';

/** The wait for an overloaded gateway, before the backoff. */
const OVERLOADED_MS = 5_000;

/**
 * `reconnect`: connect again after this wait. `startOver`: the cursor is of no use. `fail`: the
 * same attempt would fail again. None of them: the client ends without an error.
 * @typedef {{
 *   reconnect?: { upToMs?: number, afterMs?: number }, startOver?: true, fail?: Error
 * }} NextStep
 */

/**
 * The step after a close frame.
 * @returns {NextStep}
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
      return {
        fail: new ClientError(`the gateway closed with ${code} ${reason}: it would do so again`, {
          code,
          reason,
        }),
      };
    case 1001:
    case 1012: {
      const named = /^retry-ms=(\d+)$/.exec(reason);
      return { reconnect: named ? { upToMs: Number(named[1]) } : {} };
    }
    case 1013:
      return { reconnect: { afterMs: OVERLOADED_MS } };
    default:
      return { reconnect: {} };
  }
}

/**
 * The step after a refused handshake. `resumed`: the connection started at a cursor. `renews`: the
 * gateway refused the token, and the next one may be better.
 * @returns {NextStep}
 */
export function afterRefusal(error, retryAfter, { resumed, renews }) {
  const { status, problem } = error;
  if (renews) return { reconnect: {} };
  if (resumed && (status === 410 || problem.type === '/problems/cursor'))
    return { reconnect: {}, startOver: true };
  if (status === 408 || status === 425 || status === 429 || status >= 500) {
    const seconds = Number(retryAfter);
    return { reconnect: seconds > 0 ? { afterMs: seconds * 1000 } : {} };
  }
  return { fail: error };
}
