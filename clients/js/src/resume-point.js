// The point at which a client resumes after a lost connection. It follows every event.

/** A cursor's text as a map from partition to log position. */
const parse = (text) => new Map(text.split(',').map((at) => [at.slice(0, at.indexOf(':')), at]));

export class ResumePoint {
  /** @type {'now' | 'snapshot' | Map<string, string>} */
  #at;

  constructor(from) {
    this.reset(from);
  }

  /** Sets the point to `now`, `snapshot` or a cursor. */
  reset(from) {
    this.#at = from === 'now' || from === 'snapshot' ? from : parse(from);
  }

  /** The cursor; undefined before the gateway sent one, and during a snapshot. */
  get cursor() {
    return typeof this.#at === 'string' ? undefined : [...this.#at.values()].join(',');
  }

  /** The start of the next connection. */
  get from() {
    return this.cursor ?? this.#at;
  }

  /** Moves past an event. */
  pass(event) {
    switch (event.type) {
      case 'snapshot':
      case 'reset':
        this.#at = 'snapshot';
        break;
      case 'filtered':
        this.reset(event.cursor ?? 'snapshot');
        break;
      case 'live':
        this.reset(event.cursor);
        break;
      default:
        // An incomplete snapshot has no cursor, whatever arrives.
        if (typeof this.#at === 'string') return;
        if (event.cursor) this.reset(event.cursor);
        else if (event.at) this.#at.set(event.at.slice(0, event.at.indexOf(':')), event.at);
    }
  }
}
