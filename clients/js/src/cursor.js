// Where a client stands: what it would ask for if it had to connect again now. Every event passes through it.

/** A cursor's text as a map from partition to `at`. */
const parse = (text) => new Map(text.split(',').map((at) => [at.slice(0, at.indexOf(':')), at]));

export class Place {
  /** @type {'now' | 'snapshot' | Map<string, string>} */
  #at;

  constructor(from) {
    this.begin(from);
  }

  /** Stands at `now`, `snapshot` or a cursor. */
  begin(from) {
    this.#at = from === 'now' || from === 'snapshot' ? from : parse(from);
  }

  /** The cursor; undefined before it was told, and during a snapshot. */
  get cursor() {
    return typeof this.#at === 'string' ? undefined : [...this.#at.values()].join(',');
  }

  /** Where the next connection begins. */
  get from() {
    return this.cursor ?? this.#at;
  }

  pass(event) {
    switch (event.type) {
      case 'snapshot':
      case 'reset':
        this.#at = 'snapshot';
        break;
      case 'filtered':
        this.begin(event.cursor ?? 'snapshot');
        break;
      case 'live':
        this.begin(event.cursor);
        break;
      default:
        // Within a snapshot there is no cursor, whatever arrives: half of one is worth nothing.
        if (typeof this.#at === 'string') return;
        if (event.cursor) this.begin(event.cursor);
        else if (event.at) this.#at.set(event.at.slice(0, event.at.indexOf(':')), event.at);
    }
  }
}
