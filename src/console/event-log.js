// The last events, newest first. Paused, it shows what it showed, and goes on collecting.

const KEPT_MAX = 500;

export class EventLog {
  #entries = [];
  #count = 0;
  #frozen;

  add(event) {
    this.#count++;
    this.#entries.push({ key: this.#count, time: new Date(), event });
    // Not one by one: shifting a long array for each event is slow.
    if (this.#entries.length > 2 * KEPT_MAX) this.#entries.splice(0, this.#entries.length - KEPT_MAX);
  }

  get paused() {
    return this.#frozen !== undefined;
  }

  /** How many came since it was paused. */
  get missed() {
    return this.paused ? this.#count - this.#frozen.count : 0;
  }

  /** What is to be shown, at most `max`. */
  latest(max) {
    const entries = this.#frozen?.entries ?? this.#entries;
    return entries.slice(-max).reverse();
  }

  togglePause() {
    this.#frozen = this.paused ? undefined : { entries: this.#entries.slice(-KEPT_MAX), count: this.#count };
  }

  clear() {
    this.#entries = [];
    if (this.#frozen) this.#frozen = { entries: [], count: this.#count };
  }
}
