// The wait before the next attempt: exponential, with full jitter, so that clients that lost their
// connections together don't reconnect together (M. Brooker, "Exponential Backoff and Jitter", AWS
// 2015).

/** More doublings change nothing for any limit in use. */
const DOUBLINGS_MAX = 24;

export class Backoff {
  #failures = 0;

  /** `oursMs` bounds the waits without a time from the gateway. */
  constructor({ firstMs, mostMs, oursMs = mostMs }, random = Math.random) {
    Object.assign(this, { firstMs, mostMs, oursMs, random });
  }

  /** Forgets the failures so far. */
  succeeded() {
    this.#failures = 0;
  }

  /**
   * A random wait in milliseconds, at most `mostMs`. With a time from the gateway: `upToMs` is the
   * upper bound, `afterMs` comes before our own wait.
   */
  next({ upToMs, afterMs = 0 } = {}) {
    const ceiling = Math.min(this.oursMs, this.firstMs * 2 ** this.#failures);
    this.#failures = Math.min(this.#failures + 1, DOUBLINGS_MAX);
    return Math.min(
      this.mostMs,
      afterMs + this.random() * Math.min(upToMs ?? ceiling, this.mostMs),
    );
  }
}
