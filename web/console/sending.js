// Lines go to the gateway until each of their people is saved or refused, through its outages: everyone has an id, so the
// same lines may be sent again.

import { Backoff } from './src/backoff.js';

/** How long the gateway may be away, counted from its last good answer. */
const PATIENCE_MS = 60_000;
/** For one answer. */
const ANSWER_MS = 60_000;
/** Too slow, too early, too often, or not able at present. A full store (507) does not empty itself. */
const TRANSIENT = new Set([408, 425, 429, 500, 502, 503, 504]);

/** No answer, or one that may be another after a while. */
class HeldUp extends Error {}

const pause = (ms, signal) => new Promise((resolve, reject) => {
  signal.throwIfAborted();
  const stopped = () => {
    clearTimeout(timer);
    reject(signal.reason);
  };
  const timer = setTimeout(() => {
    signal.removeEventListener('abort', stopped);
    resolve();
  }, ms);
  signal.addEventListener('abort', stopped, { once: true });
});

/** What is wrong with an answer as a whole. */
function failure(status, text, retryAfter) {
  const words = text.startsWith('{') ? JSON.parse(text).detail : `the gateway answered ${status}`;
  if (!TRANSIENT.has(status)) return new Error(words);
  return Object.assign(new HeldUp(words), { afterMs: 1000 * (Number(retryAfter) || 0) });
}

export class Sender {
  #signal;
  #waits;
  #backoff = new Backoff({ firstMs: 250, mostMs: 5000 });
  #failingSince;

  /** `waits` is called with the reason, and how many milliseconds it is to the next attempt. */
  constructor(signal, waits) {
    this.#signal = signal;
    this.#waits = waits;
  }

  /** Sends `{ line, json }`s; gives how many were saved, and `{ line, problem }` of those that were refused. */
  async send(lines) {
    let saved = 0;
    const refused = [];
    for (let left = lines; left.length > 0;) {
      try {
        const answer = await this.#post(left);
        // From the first line on that is held up, all come again: those about the same person stay in their order.
        const held = answer.refused.find(({ problem }) => TRANSIENT.has(problem.status));
        const done = Math.min(held ? held.line - 1 : answer.lines, left.length);
        const told = answer.refused.filter(({ line }) => line <= done);
        refused.push(...told.map(({ line, problem }) => ({ line: left[line - 1].line, problem })));
        saved += done - told.length;
        left = left.slice(done);
        if (done > 0) this.#succeeded();
        if (held) throw new HeldUp(held.problem.detail);
        if (done === 0) throw new Error('the gateway read none of the lines that it was sent');
      } catch (error) {
        await this.#waitAfter(error);
      }
    }
    return { saved, refused };
  }

  async #post(lines) {
    this.#signal.throwIfAborted();
    const answered = async () => {
      const response = await fetch('people/import', {
        method: 'POST',
        headers: { 'content-type': 'application/x-ndjson' },
        body: lines.map(({ json }) => json).join('\n'),
        signal: AbortSignal.any([this.#signal, AbortSignal.timeout(ANSWER_MS)]),
      });
      return [response, await response.text()];
    };
    const [response, text] = await answered().catch((error) => {
      this.#signal.throwIfAborted();
      throw new HeldUp(`the gateway cannot be reached (${error.message})`);
    });
    if (!response.ok) throw failure(response.status, text, response.headers.get('retry-after'));
    const refused = text.trim().split('\n').map((line) => JSON.parse(line));
    return { ...refused.pop(), refused };
  }

  #succeeded() {
    this.#failingSince = undefined;
    this.#backoff.succeeded();
  }

  async #waitAfter(error) {
    this.#failingSince ??= Date.now();
    if (!(error instanceof HeldUp) || Date.now() - this.#failingSince >= PATIENCE_MS) throw error;
    const ms = this.#backoff.next({ afterMs: error.afterMs });
    this.#waits(error.message, ms);
    await pause(ms, this.#signal);
  }
}
