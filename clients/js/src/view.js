// The folded view: who matches, kept true by the events.

export class View {
  /** Id to person. Held by the user too: it is changed in place and never replaced. */
  people = new Map();

  /** What `people` is worth: `loading` (a snapshot arrives), `exact`, or `partial` (others may match too). */
  worth;

  /** Grows with each change of who is in it, or of what it is worth. */
  version = 0;

  #kinds;

  /** With the people who were held at the cursor that the client begins with, if there are any. */
  constructor(kinds, held) {
    this.#kinds = kinds;
    this.worth = held && kinds === 'all' ? 'exact' : 'partial';
    for (const person of held ?? []) this.people.set(person.id, person);
  }

  /** Folds an event. `kinds` are those of the filter that holds after it. */
  apply(event, kinds) {
    switch (event.type) {
      case 'connected':
        if (event.from === 'now') this.#clear('partial');
        if (event.from === 'snapshot') this.#clear('loading');
        break;
      case 'disconnected':
        // Half a snapshot is worth nothing, and nobody is to take it for a whole one.
        if (this.worth === 'loading') this.#clear('loading');
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
        // Where some kinds are left out, people come and go unseen.
        if (this.worth === 'loading') this.#become(this.#kinds === 'all' ? 'exact' : 'partial');
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

  #clear(worth) {
    if (this.people.size > 0) this.version++;
    this.people.clear();
    this.#become(worth);
  }

  #become(worth) {
    if (worth !== this.worth) this.version++;
    this.worth = worth;
  }
}
