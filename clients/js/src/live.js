// The client itself: connects, reads events, tracks its resume point, and reconnects.

import { Backoff } from './backoff.js';
import { Connection } from './connection.js';
import { Listeners } from './listeners.js';
import { afterClose, afterRefusal } from './next-step.js';
import { readOptions } from './options.js';
import { ClientError, ProblemError } from './problem.js';
import { Queue } from './queue.js';
import * as rest from './rest.js';
import { ResumePoint } from './resume-point.js';
import { View } from './view.js';

/** The most filters and pings that wait for their answer. */
const COMMANDS_MAX = 64;
const ANSWERS = ['filtered', 'error', 'pong'];
/** The known types. Messages of other types, from a newer gateway, are ignored. */
const KNOWN = new Set([
  ...ANSWERS, 'snapshot', 'live', 'create', 'enter', 'update', 'leave', 'delete', 'batch',
  'position', 'reset', 'stale', 'fresh', 'expiring', 'token',
]);

export class Live {
  #options;
  #endpoint;
  /** The filter that the gateway has confirmed. */
  #filter;
  #resume;
  #view;
  #backoff;
  #listeners = new Listeners();
  #queues = new Set();
  /** Whether there were events: an iteration that begins now has missed them. */
  #hasEvents = false;
  /** Commands without an answer by reference, in order. */
  #pending = new Map();
  #refs = 0;
  #state = 'connecting';
  /** The number of state changes. */
  #stateChanges = 0;
  /** The last snapshot, and the version of its view. */
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
    this.#resume = new ResumePoint(from);
    this.#view = new View(kinds, people);
    this.#backoff = new Backoff(backoff);
    this.closed = new Promise((resolve) => (this.#settleClosed = resolve));
    if (signal?.aborted) this.#end();
    signal?.addEventListener('abort', () => this.#end(), { signal: this.#leave.signal });
    globalThis.addEventListener?.('online', () => this.retry(), { signal: this.#leave.signal });
    globalThis.document?.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') this.retry();
    }, { signal: this.#leave.signal });
    // Connects later, so that the caller can add listeners first.
    queueMicrotask(() => this.#state === 'connecting' && this.#connect());
  }

  get view() {
    return this.#view.people;
  }

  get exact() {
    return this.#view.completeness === 'exact';
  }

  get state() {
    return this.#state;
  }

  get cursor() {
    return this.#resume.cursor;
  }

  get where() {
    return this.#filter.where;
  }

  get kinds() {
    return this.#filter.kinds;
  }

  snapshot() {
    const { version } = this.#view;
    // Both numbers only grow, so their sum changes with either.
    if (this.#snapshot?.version !== version + this.#stateChanges) {
      const people =
        this.#snapshotOf === version
          ? this.#snapshot.people
          : Object.freeze([...this.view.values()]);
      this.#snapshotOf = version;
      this.#snapshot = Object.freeze({
        version: version + this.#stateChanges,
        people,
        exact: this.exact,
        state: this.#state,
      });
    }
    return this.#snapshot;
  }

  on(type, listener) {
    return this.#listeners.add(type, listener);
  }

  [Symbol.asyncIterator]() {
    const queue = new Queue({
      max: this.#options.queueMax,
      late: this.#hasEvents && this.#state !== 'ended',
      resync: () => ({
        type: 'resync',
        people: [...this.view.values()],
        exact: this.exact,
        cursor: this.cursor,
      }),
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
    return rest.save(this.#options, person, options);
  }

  remove(id, options) {
    return rest.remove(this.#options, id, options);
  }

  /** Sends a command. The next connection repeats filters without an answer, but no pings. */
  #command(kind, message) {
    return new Promise((resolve, reject) => {
      if (this.#stopping || this.#state === 'ended') throw new ClientError('the client has ended');
      if (this.#pending.size >= COMMANDS_MAX)
        throw new ClientError('too many commands wait for the gateway');
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

  /** Connects with a fresh token. An attempt without a token fails like one without a gateway. */
  async #connect() {
    clearTimeout(this.#timer);
    this.retryAt = undefined;
    this.#from = this.#resume.from;
    this.#stale = false;
    this.#enter('connecting');
    const { signal } = this.#leave;
    try {
      this.#open(await this.#options.tokens.next(signal));
    } catch (error) {
      if (!signal.aborted) this.#disconnected({ why: error.message });
    }
  }

  #open(token) {
    if (this.#state === 'ended') return;
    const asked = { ...this.#filter, fields: this.#options.fields };
    const stream = (scheme, from) => this.#endpoint.stream(scheme, asked, from);
    // The request over HTTP only finds out whether the gateway refuses, so it needs no snapshot.
    const httpFrom = this.#from === 'snapshot' ? 'now' : this.#from;
    const owner = {
      opened: () => this.#opened(),
      received: (text) => this.#received(text),
      notRenewed: (error) => this.#notRenewed(error),
      disconnected: (disconnect) => this.#disconnected(disconnect),
    };
    try {
      this.#connection = new Connection(
        owner,
        { ws: stream('ws', this.#from), http: stream('http', httpFrom) },
        this.#options,
        token,
      );
    } catch (error) {
      this.#end(error);
    }
  }

  #opened() {
    this.#options.tokens.accepted();
    this.#tell(
      { type: 'connected', from: this.#from },
      this.#from === 'snapshot' ? 'snapshot' : 'connecting',
    );
    for (const { message } of this.#pending.values()) this.#connection?.send(message);
  }

  #received(text) {
    let event;
    try {
      event = JSON.parse(text);
      if (KNOWN.has(event.type)) this.#take(event);
    } catch (error) {
      this.#end(
        new ClientError(`this is no gateway: ${error.message}: ${String(text).slice(0, 200)}`),
      );
    }
  }

  #take(event) {
    const command = ANSWERS.includes(event.type) ? this.#answered(event.ref) : undefined;
    if (event.type === 'filtered') {
      if (!command) throw new Error('the client requested no such filter');
      const { where, kinds } = command.message;
      this.#filter = { where, kinds };
    }
    this.#tell(event, this.#stateAfter(event));
    if (event.type === 'live') this.#backoff.succeeded();
    if (event.type === 'expiring') this.#connection?.renew();
    if (event.type === 'error') command?.reject(new ProblemError(event.problem));
    else command?.resolve(event.cursor);
  }

  /** There is no new token yet. The connection goes on with the old one. */
  #notRenewed({ message }) {
    this.#tell({ type: 'error', problem: { detail: message } }, this.#state);
  }

  #stateAfter({ type, cursor }) {
    if (type === 'stale' || type === 'fresh') this.#stale = type === 'stale';
    const live = this.#stale ? 'stale' : 'live';
    if (type === 'live') return live;
    if (type === 'snapshot' || type === 'reset' || (type === 'filtered' && !cursor))
      return 'snapshot';
    return this.#state === 'live' || this.#state === 'stale' ? live : this.#state;
  }

  /** Applies an event, then passes it to listeners and iterations. */
  #tell(event, state) {
    this.#resume.pass(event);
    this.#view.apply(event, this.#filter.kinds);
    this.#enter(state);
    this.#hasEvents = true;
    for (const queue of this.#queues) queue.push(event);
    this.#listeners.tell(event);
  }

  #disconnected(disconnect) {
    this.#connection = undefined;
    const { reconnect, startOver, fail } = this.#stopping ? {} : this.#nextStep(disconnect);
    if (startOver) this.#resume.reset('snapshot');
    const retryMs = reconnect && this.#backoff.next(reconnect);
    if (reconnect) {
      this.retryAt = Date.now() + retryMs;
      this.#timer = setTimeout(() => this.#connect(), retryMs);
    }
    const { why, code, reason, refused } = disconnect;
    const event = { type: 'disconnected', why, code, reason, problem: refused?.problem, retryMs };
    this.#tell(event, reconnect ? 'waiting' : this.#state);
    if (!reconnect) return this.#end(fail);
    for (const [ref, { message, reject }] of this.#pending) {
      if (message.type === 'ping' && this.#pending.delete(ref))
        reject(new ClientError(why, disconnect));
    }
  }

  #nextStep({ code, reason, refused, retryAfter }) {
    if (refused) {
      return afterRefusal(refused, retryAfter, {
        resumed: this.#from !== 'now' && this.#from !== 'snapshot',
        renews: refused.status === 401 && this.#options.tokens.refused(),
      });
    }
    return code === undefined ? { reconnect: {} } : afterClose(code, reason);
  }

  #enter(state) {
    if (state === this.#state || this.#state === 'ended') return;
    this.#state = state;
    this.#stateChanges++;
    this.#listeners.tell({ type: 'state', state });
  }

  /** Ends the client. With an error, a new client would end in the same way. */
  #end(error) {
    if (this.#state === 'ended') return;
    clearTimeout(this.#timer);
    this.#leave.abort();
    this.#connection?.abandon();
    this.#connection = undefined;
    this.retryAt = undefined;
    this.error = error;
    this.#enter('ended');
    for (const { reject } of this.#pending.values())
      reject(error ?? new ClientError('the client has ended'));
    this.#pending.clear();
    for (const queue of this.#queues) queue.end(error);
    this.#queues.clear();
    this.#listeners.tell({ type: 'end', error });
    this.#settleClosed(error);
  }
}
