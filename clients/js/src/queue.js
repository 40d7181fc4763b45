// The bounded queue of one async iteration. If the consumer is too slow, the queue is dropped, and
// the next event is one `resync` with the current view.

/** The size of an event in a queue: people and changes, and one for the event. */
const weight = (event) => 1 + (event.people?.length ?? event.changes?.length ?? 0);

export class Queue {
  #events = [];
  #weight = 0;
  #max;
  #resync;
  #waiting = [];
  #overflown;
  #end;
  #closed;

  /**
   * `max`: the largest sum of sizes. `resync`: makes the event that replaces a dropped queue.
   * `late`: there were events before this iteration began. `closed`: called when the consumer
   * leaves.
   */
  constructor({ max, resync, late, closed }) {
    this.#max = max;
    this.#resync = resync;
    this.#overflown = late;
    this.#closed = closed;
  }

  push(event) {
    if (this.#waiting.length > 0) {
      this.#waiting.shift().resolve({ value: event, done: false });
    } else if (!this.#overflown) {
      this.#weight += weight(event);
      this.#events.push(event);
      if (this.#weight > this.#max) {
        this.#overflown = true;
        this.#empty();
      }
    }
  }

  /** Ends the iteration, after the events in the queue, with an error if given. */
  end(error) {
    if (this.#end) return;
    this.#end = { error };
    while (this.#waiting.length > 0) this.#settle(this.#waiting.shift());
  }

  next() {
    if (this.#overflown) {
      this.#overflown = false;
      return Promise.resolve({ value: this.#resync(), done: false });
    }
    const event = this.#events.shift();
    if (event) {
      this.#weight -= weight(event);
      return Promise.resolve({ value: event, done: false });
    }
    return new Promise((resolve, reject) => {
      const waiting = { resolve, reject };
      if (this.#end) this.#settle(waiting);
      else this.#waiting.push(waiting);
    });
  }

  return() {
    this.#overflown = false;
    this.#empty();
    this.end();
    this.#closed(this);
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  /** Throws an error once; later calls get the end of the iteration. */
  #settle({ resolve, reject }) {
    const { error } = this.#end;
    this.#end = {};
    if (error) reject(error);
    else resolve({ value: undefined, done: true });
  }

  #empty() {
    this.#events = [];
    this.#weight = 0;
  }
}
