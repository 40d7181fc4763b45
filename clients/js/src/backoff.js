// When to try again: exponential, with full jitter, so that clients which were cut off together don't come back together
// (M. Brooker, "Exponential Backoff and Jitter", AWS 2015).

/** Doublings beyond this change nothing for any limit that makes sense. */
const DOUBLINGS_MAX = 24;

export class Backoff {
  #failures = 0;

  /** `oursMs` bounds the waits that the server did not name. */
  constructor({ firstMs, mostMs, oursMs = mostMs }, random = Math.random) {
    Object.assign(this, { firstMs, mostMs, oursMs, random });
  }

  /** What failed before no longer counts. */
  succeeded() {
    this.#failures = 0;
  }

  /**
   * A random wait in milliseconds, at most `mostMs`. The server may have named one: `upToMs` is spread from nothing to
   * there, `afterMs` comes before ours.
   */
  next({ upToMs, afterMs = 0 } = {}) {
    const ceiling = Math.min(this.oursMs, this.firstMs * 2 ** this.#failures);
    this.#failures = Math.min(this.#failures + 1, DOUBLINGS_MAX);
    return Math.min(this.mostMs, afterMs + this.random() * Math.min(upToMs ?? ceiling, this.mostMs));
  }
}
