// Callbacks by type. One that throws is reported like any uncaught error, and harms neither the others nor the client.

function report(error) {
  if (globalThis.reportError) return globalThis.reportError(error);
  // Node has none.
  queueMicrotask(() => {
    throw error;
  });
}

export class Listeners {
  #byType = new Map();

  /** Returns a function that takes the listener away. */
  add(type, listener) {
    const listeners = this.#byType.get(type) ?? new Set();
    this.#byType.set(type, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  /** Those of a type are told of the changes within a batch too; to those of all types a batch is one event. */
  tell(event) {
    this.#call(event.type, event);
    if (event.type === 'batch') {
      for (const change of event.changes) this.#call(change.type, change);
    }
    this.#call('*', event);
  }

  #call(type, event) {
    for (const listener of this.#byType.get(type) ?? []) {
      try {
        listener(event);
      } catch (error) {
        report(error);
      }
    }
  }
}
