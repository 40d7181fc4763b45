// Sends lines to the gateway until each person is saved or refused, and retries after outages. Each
// person has an id, so a retry saves no person twice.

import { access } from './access.js';
import { Backoff } from './src/backoff.js';

/** The longest outage, from the gateway's last successful response. */
const OUTAGE_MAX_MS = 60_000;
/** The timeout of a request. */
const RESPONSE_MS = 60_000;
/**
 * Statuses that a later retry may avoid. A full store (507) is none of them: a wait does not empty
 * it.
 */
const TRANSIENT = new Set([408, 425, 429, 500, 502, 503, 504]);

/** A failure that a later retry may avoid. */
class TransientError extends Error {}

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

/** The error of a failed request. */
function failure(status, text, retryAfter) {
  const words = text.startsWith('{') ? JSON.parse(text).detail : `the gateway answered ${status}`;
  if (!TRANSIENT.has(status)) return new Error(words);
  return Object.assign(new TransientError(words), { afterMs: 1000 * (Number(retryAfter) || 0) });
}

export class Sender {
  #signal;
  #waits;
  #backoff = new Backoff({ firstMs: 250, mostMs: 5000 });
  #failingSince;

  /**
   * Calls `waits` before each wait, with the reason and the milliseconds until the next attempt.
   */
  constructor(signal, waits) {
    this.#signal = signal;
    this.#waits = waits;
  }

  /**
   * Sends lines `{ line, json }`. Returns the number of saved lines, and `{ line, problem }` for
   * each refused line.
   */
  async send(lines) {
    let saved = 0;
    const refused = [];
    for (let left = lines; left.length > 0;) {
      try {
        const answer = await this.#post(left);
        // All lines from the first transient failure on are sent again: lines about the same person
        // stay in order.
        const failure = answer.refused.find(({ problem }) => TRANSIENT.has(problem.status));
        const done = Math.min(failure ? failure.line - 1 : answer.lines, left.length);
        const final = answer.refused.filter(({ line }) => line <= done);
        refused.push(...final.map(({ line, problem }) => ({ line: left[line - 1].line, problem })));
        saved += done - final.length;
        left = left.slice(done);
        if (done > 0) this.#succeeded();
        if (failure) throw new TransientError(failure.problem.detail);
        if (done === 0) throw new Error('the gateway read none of the lines');
      } catch (error) {
        await this.#waitAfter(error);
      }
    }
    return { saved, refused };
  }

  async #post(lines) {
    this.#signal.throwIfAborted();
    const request = async () => {
      const response = await access.fetch('people/import', {
        method: 'POST',
        headers: { 'content-type': 'application/x-ndjson' },
        body: lines.map(({ json }) => json).join('\n'),
        signal: AbortSignal.any([this.#signal, AbortSignal.timeout(RESPONSE_MS)]),
      });
      return [response, await response.text()];
    };
    const [response, text] = await request().catch((error) => {
      this.#signal.throwIfAborted();
      throw new TransientError(`the gateway cannot be reached (${error.message})`);
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
    if (!(error instanceof TransientError) || Date.now() - this.#failingSince >= OUTAGE_MAX_MS)
      throw error;
    const ms = this.#backoff.next({ afterMs: error.afterMs });
    this.#waits(error.message, ms);
    await pause(ms, this.#signal);
  }
}
