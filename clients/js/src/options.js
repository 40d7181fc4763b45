// The options of a client: checked once, then trusted.

import { Endpoint } from './rest.js';
import { TokenSource } from './token.js';

const KINDS = ['all', 'saves', 'deletes'];
const DEFAULTS = {
  where: '', kinds: 'all', from: 'now', queueMax: 10_000,
  connectMs: 10_000, tokenMs: 10_000, silenceMs: 40_000, stopMs: 5_000,
};
/** The longest wait between attempts, and the one for a gateway on this machine. */
const WAIT_MOST_MS = 30_000;
const LOOPBACK_WAIT_MOST_MS = 3_000;

export function readOptions(given) {
  const options = { ...DEFAULTS, ...given };
  options.WebSocket ??= globalThis.WebSocket;
  // A page's fetch must be called as a method of the global object.
  options.fetch ??= (...request) => globalThis.fetch(...request);
  if (!options.url) throw new TypeError('url is missing: such as ws://127.0.0.1:8080/updates');
  if (!options.WebSocket)
    throw new TypeError('there is no global WebSocket here: set the option WebSocket');
  if (options.fields !== undefined && !Array.isArray(options.fields))
    throw new TypeError("fields is an array of paths, such as ['job', 'attributes.city']");
  if (!KINDS.includes(options.kinds))
    throw new TypeError(`kinds is one of ${KINDS.join(', ')}, not ${options.kinds}`);
  const isCursor = options.from !== 'now' && options.from !== 'snapshot';
  if (options.people && !isCursor)
    throw new TypeError('people need the cursor at which they were held: set from');
  options.endpoint = new Endpoint(options.url);
  options.tokens = new TokenSource(options.token, options.tokenMs);
  const oursMs =
    given.backoff?.mostMs ?? (options.endpoint.isLoopback ? LOOPBACK_WAIT_MOST_MS : WAIT_MOST_MS);
  options.backoff = { firstMs: 250, mostMs: WAIT_MOST_MS, oursMs, ...given.backoff };
  return options;
}
