// The folded view: the people who match, updated by events.

export class View {
  /** The people by id. Users hold this Map, so it is changed in place and never replaced. */
  people = new Map();

  /**
   * How complete `people` is: `loading` (a snapshot arrives), `exact`, or `partial` (others may
   * match too).
   */
  completeness;

  /** Grows with each change of the people or of their completeness. */
  version = 0;

  #kinds;

  /** `held`: the people at the cursor at which the client starts. */
  constructor(kinds, held) {
    this.#kinds = kinds;
    this.completeness = held && kinds === 'all' ? 'exact' : 'partial';
    for (const person of held ?? []) this.people.set(person.id, person);
  }

  /** Folds an event. `kinds` are those of the filter after the event. */
  apply(event, kinds) {
    switch (event.type) {
      case 'connected':
        if (event.from === 'now') this.#clear('partial');
        if (event.from === 'snapshot') this.#clear('loading');
        break;
      case 'disconnected':
        // An incomplete snapshot must not pass for a complete one.
        if (this.completeness === 'loading') this.#clear('loading');
        break;
      case 'reset':
        this.#clear('loading');
        break;
      case 'filtered':
        this.#kinds = kinds;
        this.#clear(event.cursor ? 'partial' : 'loading');
        break;
      case 'snapshot':
        for (const person of event.people) this.#put(person);
        break;
      case 'live':
        // Without some kinds, the view misses arrivals and departures.
        if (this.completeness === 'loading')
          this.#become(this.#kinds === 'all' ? 'exact' : 'partial');
        break;
      case 'batch':
        event.changes.forEach((change) => this.#fold(change));
        break;
      default:
        this.#fold(event);
    }
  }

  #fold(change) {
    switch (change.type) {
      case 'create':
      case 'enter':
      case 'update':
        this.#put(change.person);
        break;
      case 'leave':
      case 'delete':
        if (this.people.delete(change.id)) this.version++;
    }
  }

  #put(person) {
    this.people.set(person.id, person);
    this.version++;
  }

  #clear(completeness) {
    if (this.people.size > 0) this.version++;
    this.people.clear();
    this.#become(completeness);
  }

  #become(completeness) {
    if (completeness !== this.completeness) this.version++;
    this.completeness = completeness;
  }
}
