// The state of the page: a live view, its recent changes, and the filter. Components read it; it
// redraws the page.

import { access } from './access.js';
import { addressOf } from './address.js';
import { live, ProblemError } from './client.js';
import { EventLog } from './event-log.js';
import { Rates } from './rates.js';
import { Rows } from './rows.js';
import { words } from './words.js';

/** The old rows stay this long while a new snapshot loads. */
const OLD_ROWS_MS = 400;
/** The shortest time between two draws of the page. */
const DRAW_MS = 80;
const CHANGES = new Set(['create', 'enter', 'update', 'leave', 'delete']);

export class Session {
  rows = new Rows();
  log = new EventLog();
  rates = new Rates();
  /** The filter in the box, and the gateway's problem with it. */
  wanted;
  problem;
  /** The time since which the table may be old: the connection is lost, or the gateway is stale. */
  oldSince;

  #changed;
  #due = false;
  #drawn = 0;
  #client;
  /** The people of the view before the current event: removals have only an id. */
  #known = new Map();
  #snapshotSince = 0;

  constructor(wanted, changed) {
    this.wanted = wanted;
    this.#changed = changed;
    this.open();
    setInterval(() => this.#tick(), 1000);
  }

  get client() {
    return this.#client;
  }

  /**
   * Connects with the filter in the box, or without a filter if the gateway refuses it. The filter
   * goes in a message, because a refused handshake ends the client and is an error in the browser's
   * console.
   */
  async open() {
    this.#client?.stop();
    const { where, kinds } = this.wanted;
    const { token } = access;
    const options = { url: addressOf('updates'), ...(token && { token }) };
    const client = live(where ? options : { ...options, kinds, from: 'snapshot' });
    this.#client = client;
    client.closed.then((error) => error?.status === 401 && access.refuse(token, error.problem));
    client.on('*', (event) => this.#client === client && this.#take(event));
    this.#snapshotSince = Date.now();
    this.redraw();
    if (!where) return;
    await this.choose(this.wanted);
    if (this.problem && this.#client === client && !client.where) {
      // A client that has ended since rejects this; `choose` opens a new one.
      await client.filter({ kinds, from: 'snapshot' }).catch(() => {});
    }
  }

  /** Changes the filter. If the gateway refuses it, `problem` says why, and the view stays. */
  async choose(wanted) {
    this.wanted = wanted;
    if (this.#client.state === 'ended') return this.open();
    const { where, kinds } = wanted;
    try {
      await this.#client.filter({ where, kinds, from: 'snapshot' });
      if (this.wanted === wanted) this.problem = undefined;
    } catch (error) {
      // The state shows why a client has ended: that is no fault of the filter.
      const isRefused = error instanceof ProblemError && error !== this.#client.error;
      if (this.wanted === wanted && isRefused) this.problem = error.problem;
    }
    this.redraw();
  }

  /** Saves a person. */
  save(person, options) {
    return this.#write((client) => client.save(person, options));
  }

  /** Deletes a person. */
  remove(id, options) {
    return this.#write((client) => client.remove(id, options));
  }

  async #write(write) {
    const { token } = access;
    try {
      return await write(this.#client);
    } catch (error) {
      if (error.status === 401) access.refuse(token, error.problem);
      throw error;
    }
  }

  /** Draws the page soon: at once if the last draw is long ago, and once for many changes. */
  redraw() {
    if (this.#due) return;
    this.#due = true;
    const draw = () => requestAnimationFrame(() => this.#draw());
    const wait = this.#drawn + DRAW_MS - Date.now();
    if (wait > 0) setTimeout(draw, wait);
    else draw();
  }

  #draw() {
    this.#due = false;
    this.#drawn = Date.now();
    const { view, state } = this.#client;
    // The pages of a new filter take a moment: the old rows stay until then, so the table does not
    // flicker.
    const loading = state === 'snapshot' && Date.now() - this.#snapshotSince < OLD_ROWS_MS;
    if (!loading) this.rows.show(view, () => this.redraw());
    this.#changed();
  }

  #tick() {
    this.rates.tick();
    this.redraw();
  }

  #take(event) {
    switch (event.type) {
      case 'snapshot':
        for (const person of event.people) this.#known.set(person.id, person);
        break;
      case 'reset':
      case 'filtered':
        if (event.reason === 'rights') access.ask();
        this.#begin();
        this.#note(event);
        break;
      case 'connected':
        if (event.from === 'snapshot') this.#begin();
        // Another gateway, or the same one after a restart, may have another policy.
        if (this.oldSince) access.ask();
        this.#note(event);
        break;
      case 'live':
        this.oldSince = undefined;
        this.#note({ ...event, count: this.#client.view.size });
        break;
      case 'disconnected':
        this.oldSince ??= new Date();
        this.#note(event);
        break;
      case 'stale':
        this.oldSince ??= new Date(Date.now() - event.seconds * 1000);
        this.#note(event);
        break;
      case 'fresh':
        this.oldSince = undefined;
        this.#note(event);
        break;
      case 'batch':
        for (const change of event.changes) this.#change(change);
        break;
      case 'position':
      case 'pong':
      case 'token':
      case 'state':
      case 'end':
        break;
      case 'error':
        // The filter box shows the faults of a filter.
        if (event.problem?.type !== '/problems/filter') this.#note(event);
        break;
      default:
        if (CHANGES.has(event.type)) this.#change(event);
        else this.#note(event);
    }
    this.redraw();
  }

  #note(event) {
    this.log.add(event, `${event.type} ${words(event)}`);
  }

  #begin() {
    this.#known.clear();
    this.#snapshotSince = Date.now();
    this.rows.forget();
  }

  #change(change) {
    const id = change.person?.id ?? change.id;
    const person = change.person ?? this.#known.get(id) ?? { id };
    if (change.person) this.#known.set(id, person);
    else this.#known.delete(id);
    // Changes between the pages of a snapshot and `live` belong to the snapshot: they are no news.
    if (this.#client.state === 'snapshot') return this.rows.invalidate();
    this.rows.flash(change.type, person);
    this.rates.count(change.type);
    this.#note({ ...change, person });
  }
}
