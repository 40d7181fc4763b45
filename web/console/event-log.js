// The last events, newest first. Paused, it shows what it showed, and goes on collecting. Equal ones, one right after the
// other, are one with a count: during an outage each attempt says the same.

const KEPT_MAX = 500;

export class EventLog {
  #entries = [];
  #count = 0;
  #frozen;

  /** `line` is what is read of it: two events with the same are equal. */
  add(event, line) {
    this.#count++;
    const last = this.#entries.at(-1);
    const isEqual = last !== undefined && last.line === line;
    const { key, count } = isEqual ? last : { key: this.#count, count: 0 };
    if (isEqual) this.#entries.pop();
    this.#entries.push({ key, time: new Date(), event, line, count: count + 1 });
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
