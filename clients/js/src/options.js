// What a user may choose, read once and then trusted.

const KINDS = ['all', 'saves', 'deletes'];
const DEFAULTS = {
  where: '', kinds: 'all', from: 'now', queueMax: 10_000,
  connectMs: 10_000, silenceMs: 40_000, stopMs: 5_000,
};

export function readOptions(given) {
  const options = { ...DEFAULTS, ...given };
  options.backoff = { firstMs: 250, mostMs: 30_000, ...given.backoff };
  options.WebSocket ??= globalThis.WebSocket;
  // Called as a function of its own, a page's fetch wants to be bound.
  options.fetch ??= (...request) => globalThis.fetch(...request);
  if (!options.url) throw new TypeError('url is missing: such as ws://127.0.0.1:8080/updates');
  if (!options.WebSocket) throw new TypeError('there is no global WebSocket here: give one as the option WebSocket');
  if (!KINDS.includes(options.kinds)) throw new TypeError(`kinds is one of ${KINDS.join(', ')}, not ${options.kinds}`);
  const isCursor = options.from !== 'now' && options.from !== 'snapshot';
  if (options.people && !isCursor) throw new TypeError('people are those held at a cursor: give it as from');
  return options;
}
