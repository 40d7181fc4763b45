// The table's rows, in order. Who left or was deleted stays for a moment, marked, so that an eye can follow.

const FLASH_MS = 1800;
/** Beyond these, people who go are no longer shown going: nobody could follow. */
const GONE_MAX = 200;
const GOING = new Set(['leave', 'delete']);

/** What a column sorts by. */
const KEYS = {
  name: ({ firstName, lastName }) => `${lastName}\u0000${firstName}`.toLowerCase(),
  age: ({ age }) => age,
  job: ({ job }) => job.toLowerCase(),
  updated: ({ updatedAt }) => updatedAt,
};

export class Rows {
  /** People, the ones on their way out included. */
  list = [];
  column = 'updated';
  descending = true;

  /** Id to what happened last: `{ type, person, until, beat }`. */
  #flashes = new Map();
  #beat = 0;
  #dirty = true;
  #size = -1;
  #notBefore = 0;
  #later;

  /** Sorts by this column, or the other way round where it is it already. */
  sortBy(column) {
    this.descending = column === this.column ? !this.descending : column === 'updated';
    this.column = column;
    this.#dirty = true;
    this.#notBefore = 0;
  }

  flash(type, person) {
    this.#flashes.delete(person.id);
    this.#flashes.set(person.id, { type, person, until: Date.now() + FLASH_MS, beat: ++this.#beat % 2 });
    this.#dirty = true;
  }

  /** Somebody changed, and nothing is to be seen of it but the row. */
  stir() {
    this.#dirty = true;
  }

  /** What happened to this person lately, if anything did. */
  flashOf(id) {
    return this.#flashes.get(id);
  }

  /** Another view begins. */
  forget() {
    this.#flashes.clear();
    this.#dirty = true;
  }

  /**
   * Takes the view as it is. Sorting many people at each of many changes would be all that the page does: it waits ten
   * times as long as it took the last time. `again` is called when it is worth another look.
   */
  show(view, again) {
    const now = Date.now();
    this.#expire(now);
    if (!this.#dirty && view.size === this.#size) return;
    if (now < this.#notBefore) return this.#lookAt(this.#notBefore, again);
    const began = performance.now();
    this.list = this.#sorted(view);
    this.#notBefore = now + 10 * (performance.now() - began);
    this.#dirty = false;
    this.#size = view.size;
    const next = this.#flashes.values().next().value;
    if (next) this.#lookAt(next.until, again);
  }

  #lookAt(time, again) {
    clearTimeout(this.#later);
    this.#later = setTimeout(again, Math.max(0, time - Date.now()) + 1);
  }

  /** They lie in the order of their time. */
  #expire(now) {
    for (const [id, { until }] of this.#flashes) {
      if (until > now) break;
      this.#flashes.delete(id);
      this.#dirty = true;
    }
  }

  #sorted(view) {
    const key = KEYS[this.column];
    const keyed = Array.from(view.values(), (person) => [key(person), person]);
    let gone = 0;
    for (const { type, person } of this.#flashes.values()) {
      if (GOING.has(type) && !view.has(person.id) && person.lastName !== undefined && gone++ < GONE_MAX) {
        keyed.push([key(person), person]);
      }
    }
    const sign = this.descending ? -1 : 1;
    keyed.sort(([a, { id: x }], [b, { id: y }]) => sign * (a < b ? -1 : a > b ? 1 : x < y ? -1 : 1));
    return keyed.map(([, person]) => person);
  }
}
