// Callbacks by type. An exception in one is reported like any uncaught error, and affects neither
// the others nor the client.

function report(error) {
  if (globalThis.reportError) return globalThis.reportError(error);
  // Node has no reportError.
  queueMicrotask(() => {
    throw error;
  });
}

export class Listeners {
  #byType = new Map();

  /** Adds a listener. Returns a function that removes it. */
  add(type, listener) {
    const listeners = this.#byType.get(type) ?? new Set();
    this.#byType.set(type, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  /**
   * Calls the listeners. Those of a type also get the changes in a batch; those of all types get a
   * batch as one event.
   */
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
