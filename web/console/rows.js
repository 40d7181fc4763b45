// The table's rows, in order. People that left or were deleted stay for a moment, marked, so that
// the eye can follow.

const FLASH_MS = 1800;
/** The limit of departed people that stay visible. */
const DEPARTED_MAX = 200;
const DEPARTURES = new Set(['leave', 'delete']);

/** The sort key of each column; undefined for a person whose value is hidden. */
const KEYS = {
  name: ({ firstName, lastName }) =>
    (firstName === undefined && lastName === undefined
      ? undefined
      : `${lastName ?? ''}\u0000${firstName ?? ''}`.toLowerCase()),
  age: ({ age }) => age,
  job: ({ job }) => job?.toLowerCase(),
  updated: ({ updatedAt }) => updatedAt,
};

export class Rows {
  /** People in order, including departed ones that are still visible. */
  list = [];
  column = 'updated';
  descending = true;

  /** The last change by id: `{ type, person, until, beat }`. */
  #flashes = new Map();
  #beat = 0;
  #dirty = true;
  #size = -1;
  #notBefore = 0;
  #later;

  /** Sorts by this column; reverses the order if it is the current column. */
  sortBy(column) {
    this.descending = column === this.column ? !this.descending : column === 'updated';
    this.column = column;
    this.#dirty = true;
    this.#notBefore = 0;
  }

  flash(type, person) {
    this.#flashes.delete(person.id);
    this.#flashes.set(person.id, {
      type,
      person,
      until: Date.now() + FLASH_MS,
      beat: ++this.#beat % 2,
    });
    this.#dirty = true;
  }

  /** Marks the rows as outdated, without a flash. */
  invalidate() {
    this.#dirty = true;
  }

  /** The recent change of a person; undefined if there was none. */
  flashOf(id) {
    return this.#flashes.get(id);
  }

  /** Removes all flashes, for a new view. */
  forget() {
    this.#flashes.clear();
    this.#dirty = true;
  }

  /**
   * Updates the rows from the view. The pause before the next sort is ten times the duration of the
   * last one: otherwise many changes of a large view would block the page. Calls `redraw` when the
   * rows need another update.
   */
  show(view, redraw) {
    const now = Date.now();
    this.#expire(now);
    if (!this.#dirty && view.size === this.#size) return;
    if (now < this.#notBefore) return this.#redrawAt(this.#notBefore, redraw);
    const began = performance.now();
    this.list = this.#sorted(view);
    this.#notBefore = now + 10 * (performance.now() - began);
    this.#dirty = false;
    this.#size = view.size;
    const next = this.#flashes.values().next().value;
    if (next) this.#redrawAt(next.until, redraw);
  }

  #redrawAt(time, redraw) {
    clearTimeout(this.#later);
    this.#later = setTimeout(redraw, Math.max(0, time - Date.now()) + 1);
  }

  /** Removes the flashes that are over. They are in the order of their time. */
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
    let departed = 0;
    for (const { type, person } of this.#flashes.values()) {
      if (
        DEPARTURES.has(type) &&
        !view.has(person.id) &&
        person.revision !== undefined &&
        departed++ < DEPARTED_MAX
      ) {
        keyed.push([key(person), person]);
      }
    }
    const sign = this.descending ? -1 : 1;
    // What is hidden comes last in either order.
    const hidden = (a, b) => Number(a === undefined) - Number(b === undefined);
    keyed.sort(
      ([a, { id: x }], [b, { id: y }]) =>
        hidden(a, b) || sign * (a < b ? -1 : a > b ? 1 : x < y ? -1 : 1),
    );
    return keyed.map(([, person]) => person);
  }
}
