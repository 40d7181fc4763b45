// One async iteration. Its queue is bounded: a consumer that is too slow loses the queue, not the truth. When it asks
// again it gets one `resync` with the view as it is then, and goes on from there.

/** How many people an event stands for. */
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
   * `max`: how many people may wait in all. `resync`: makes the event that stands for all that was lost. `late`: there
   * was something before this iteration began. `closed`: called when the consumer leaves.
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

  /** No more events. With an error, the consumer gets it after what waits. */
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

  /** An error is thrown once; what is asked afterwards is told that it is over. */
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
