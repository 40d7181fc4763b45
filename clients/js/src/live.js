// The client itself: connects, reads, keeps its place, and comes back.

import { Backoff } from './backoff.js';
import { Connection } from './connection.js';
import { Place } from './cursor.js';
import { Listeners } from './listeners.js';
import { readOptions } from './options.js';
import { ClientError, ProblemError } from './problem.js';
import { Queue } from './queue.js';
import * as rest from './rest.js';
import { afterClose, afterRefusal } from './sequel.js';
import { View } from './view.js';

/** Filters and pings that may wait for their answer. */
const COMMANDS_MAX = 64;
const ANSWERS = ['filtered', 'error', 'pong'];
/** What a newer gateway may say beside these is passed over. */
const KNOWN = new Set([
  ...ANSWERS, 'snapshot', 'live', 'create', 'enter', 'update', 'leave', 'delete', 'batch', 'position', 'reset', 'stale', 'fresh',
]);

export class Live {
  #options;
  #endpoint;
  /** What the gateway judges by, as far as it has told us. */
  #filter;
  #place;
  #view;
  #backoff;
  #listeners = new Listeners();
  #queues = new Set();
  /** Events were told already: an iteration that begins now has missed them. */
  #told = false;
  /** Reference to command, in the order in which they were given. */
  #pending = new Map();
  #refs = 0;
  #state = 'connecting';
  /** How often the state has changed. */
  #states = 0;
  /** The last one that was asked for, and the version of the view in it. */
  #snapshot;
  #snapshotOf;
  #stale = false;
  #stopping = false;
  #connection;
  #from;
  #timer;
  #settleClosed;
  #leave = new AbortController();

  constructor(options) {
    this.#options = readOptions(options);
    const { endpoint, where, kinds, from, people, backoff, signal } = this.#options;
    this.#endpoint = endpoint;
    this.#filter = { where, kinds };
    this.#place = new Place(from);
    this.#view = new View(kinds, people);
    this.#backoff = new Backoff(backoff);
    this.closed = new Promise((resolve) => (this.#settleClosed = resolve));
    if (signal?.aborted) this.#end();
    signal?.addEventListener('abort', () => this.#end(), { signal: this.#leave.signal });
    globalThis.addEventListener?.('online', () => this.retry(), { signal: this.#leave.signal });
    globalThis.document?.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') this.retry();
    }, { signal: this.#leave.signal });
    // Whoever made us attaches listeners first.
    queueMicrotask(() => this.#state === 'connecting' && this.#connect());
  }

  get view() {
    return this.#view.people;
  }

  get exact() {
    return this.#view.worth === 'exact';
  }

  get state() {
    return this.#state;
  }

  get cursor() {
    return this.#place.cursor;
  }

  get where() {
    return this.#filter.where;
  }

  get kinds() {
    return this.#filter.kinds;
  }

  snapshot() {
    const { version } = this.#view;
    // Both numbers only grow: their sum is another one as soon as either is.
    if (this.#snapshot?.version !== version + this.#states) {
      const people = this.#snapshotOf === version ? this.#snapshot.people : Object.freeze([...this.view.values()]);
      this.#snapshotOf = version;
      this.#snapshot = Object.freeze({ version: version + this.#states, people, exact: this.exact, state: this.#state });
    }
    return this.#snapshot;
  }

  on(type, listener) {
    return this.#listeners.add(type, listener);
  }

  [Symbol.asyncIterator]() {
    const queue = new Queue({
      max: this.#options.queueMax,
      late: this.#told && this.#state !== 'ended',
      resync: () => ({ type: 'resync', people: [...this.view.values()], exact: this.exact, cursor: this.cursor }),
      closed: () => this.#queues.delete(queue),
    });
    if (this.#state === 'ended') queue.end(this.error);
    else this.#queues.add(queue);
    return queue;
  }

  filter({ where = '', kinds = 'all', from = 'now' } = {}) {
    return this.#command('f', { type: 'filter', where, kinds, from });
  }

  ping() {
    return this.#command('p', { type: 'ping' });
  }

  retry() {
    if (this.#state === 'waiting') this.#connect();
    else this.#connection?.check();
  }

  stop() {
    if (!this.#stopping && this.#state !== 'ended') {
      this.#stopping = true;
      if (this.#connection) this.#connection.stop();
      else this.#end();
    }
    return this.closed;
  }

  save(person, options) {
    return rest.save(this.#options.fetch, this.#endpoint, person, options);
  }

  remove(id, options) {
    return rest.remove(this.#options.fetch, this.#endpoint, id, options);
  }

  /** A filter outlives the connection: with the next one it is asked for again. A ping does not. */
  #command(kind, message) {
    return new Promise((resolve, reject) => {
      if (this.#stopping || this.#state === 'ended') throw new ClientError('the client has ended');
      if (this.#pending.size >= COMMANDS_MAX) throw new ClientError('too many commands wait for the gateway');
      const ref = `${kind}${++this.#refs}`;
      const command = { message: { ...message, ref }, resolve, reject };
      this.#pending.set(ref, command);
      this.#connection?.send(command.message);
    });
  }

  #answered(ref) {
    const command = this.#pending.get(ref);
    this.#pending.delete(ref);
    return command;
  }

  #connect() {
    clearTimeout(this.#timer);
    this.retryAt = undefined;
    this.#from = this.#place.from;
    this.#stale = false;
    this.#enter('connecting');
    const stream = (scheme, from) => this.#endpoint.stream(scheme, this.#filter, from);
    // Over HTTP we only ask whether we are welcome: no need to begin a snapshot for that.
    const asked = this.#from === 'snapshot' ? 'now' : this.#from;
    const owner = {
      opened: () => this.#opened(),
      heard: (text) => this.#heard(text),
      lost: (loss) => this.#lost(loss),
    };
    try {
      this.#connection = new Connection(owner, { ws: stream('ws', this.#from), http: stream('http', asked) }, this.#options);
    } catch (error) {
      this.#end(error);
    }
  }

  #opened() {
    this.#tell({ type: 'connected', from: this.#from }, this.#from === 'snapshot' ? 'snapshot' : 'connecting');
    for (const { message } of this.#pending.values()) this.#connection?.send(message);
  }

  #heard(text) {
    let event;
    try {
      event = JSON.parse(text);
      if (KNOWN.has(event.type)) this.#take(event);
    } catch (error) {
      this.#end(new ClientError(`this is no gateway: ${error.message}: ${String(text).slice(0, 200)}`));
    }
  }

  #take(event) {
    const command = ANSWERS.includes(event.type) ? this.#answered(event.ref) : undefined;
    if (event.type === 'filtered') {
      if (!command) throw new Error('nobody asked for a filter');
      const { where, kinds } = command.message;
      this.#filter = { where, kinds };
    }
    this.#tell(event, this.#stateAfter(event));
    if (event.type === 'live') this.#backoff.succeeded();
    if (event.type === 'error') command?.reject(new ProblemError(event.problem));
    else command?.resolve(event.cursor);
  }

  #stateAfter({ type, cursor }) {
    if (type === 'stale' || type === 'fresh') this.#stale = type === 'stale';
    const live = this.#stale ? 'stale' : 'live';
    if (type === 'live') return live;
    if (type === 'snapshot' || type === 'reset' || (type === 'filtered' && !cursor)) return 'snapshot';
    return this.#state === 'live' || this.#state === 'stale' ? live : this.#state;
  }

  /** First it counts, then it is told. */
  #tell(event, state) {
    this.#place.pass(event);
    this.#view.apply(event, this.#filter.kinds);
    this.#enter(state);
    this.#told = true;
    for (const queue of this.#queues) queue.push(event);
    this.#listeners.tell(event);
  }

  #lost(loss) {
    this.#connection = undefined;
    const { again, anew, fail } = this.#stopping ? {} : this.#sequel(loss);
    if (anew) this.#place.begin('snapshot');
    const retryMs = again && this.#backoff.next(again);
    if (again) {
      this.retryAt = Date.now() + retryMs;
      this.#timer = setTimeout(() => this.#connect(), retryMs);
    }
    const { why, code, reason, refused } = loss;
    const event = { type: 'disconnected', why, code, reason, problem: refused?.problem, retryMs };
    this.#tell(event, again ? 'waiting' : this.#state);
    if (!again) return this.#end(fail);
    for (const [ref, { message, reject }] of this.#pending) {
      if (message.type === 'ping' && this.#pending.delete(ref)) reject(new ClientError(why, loss));
    }
  }

  #sequel({ code, reason, refused, retryAfter }) {
    if (refused) return afterRefusal(refused, retryAfter, this.#from !== 'now' && this.#from !== 'snapshot');
    return code === undefined ? { again: {} } : afterClose(code, reason);
  }

  #enter(state) {
    if (state === this.#state || this.#state === 'ended') return;
    this.#state = state;
    this.#states++;
    this.#listeners.tell({ type: 'state', state });
  }

  /** With an error, it ended by itself and would again. */
  #end(error) {
    if (this.#state === 'ended') return;
    clearTimeout(this.#timer);
    this.#leave.abort();
    this.#connection?.abandon();
    this.#connection = undefined;
    this.retryAt = undefined;
    this.error = error;
    this.#enter('ended');
    for (const { reject } of this.#pending.values()) reject(error ?? new ClientError('the client has ended'));
    this.#pending.clear();
    for (const queue of this.#queues) queue.end(error);
    this.#queues.clear();
    this.#listeners.tell({ type: 'end', error });
    this.#settleClosed(error);
  }
}
