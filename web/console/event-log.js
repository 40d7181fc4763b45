// The last events, newest first. A paused log keeps its entries on the screen and collects new
// ones. Consecutive equal events are one entry with a count: during an outage each attempt fails
// with the same words.

const ENTRIES_MAX = 500;

export class EventLog {
  #entries = [];
  #count = 0;
  #frozen;

  /** `line` is the text of the event: two events with equal lines are equal. */
  add(event, line) {
    this.#count++;
    const last = this.#entries.at(-1);
    const isEqual = last !== undefined && last.line === line;
    const { key, count } = isEqual ? last : { key: this.#count, count: 0 };
    if (isEqual) this.#entries.pop();
    this.#entries.push({ key, time: new Date(), event, line, count: count + 1 });
    // In bulk: removing the first element of a long array for each event would be slow.
    if (this.#entries.length > 2 * ENTRIES_MAX)
      this.#entries.splice(0, this.#entries.length - ENTRIES_MAX);
  }

  get paused() {
    return this.#frozen !== undefined;
  }

  /** The number of events since the pause. */
  get missed() {
    return this.paused ? this.#count - this.#frozen.count : 0;
  }

  /** The entries to show, at most `max`. */
  latest(max) {
    const entries = this.#frozen?.entries ?? this.#entries;
    return entries.slice(-max).reverse();
  }

  togglePause() {
    this.#frozen = this.paused
      ? undefined
      : { entries: this.#entries.slice(-ENTRIES_MAX), count: this.#count };
  }

  clear() {
    this.#entries = [];
    if (this.#frozen) this.#frozen = { entries: [], count: this.#count };
  }
}
