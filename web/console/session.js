// What the page knows: one live view, and what became of it lately. Components read it; it tells them when to look again.

import { addressOf } from './address.js';
import { live, ProblemError } from './client.js';
import { EventLog } from './event-log.js';
import { Rates } from './rates.js';
import { Rows } from './rows.js';
import { words } from './words.js';

/** How long a new snapshot may take before the table shows that it is not whole. */
const PATIENCE_MS = 400;
/** The page is drawn at most this often; the table scrolls by itself. */
const DRAW_MS = 80;
const CHANGES = new Set(['create', 'enter', 'update', 'leave', 'delete']);

export class Session {
  rows = new Rows();
  log = new EventLog();
  rates = new Rates();
  /** The filter that was typed, and what is wrong with it. */
  wanted;
  problem;
  /** Since when what is shown may be old: the connection is gone, or continuity is not proved. */
  oldSince;

  #changed;
  #due = false;
  #drawn = 0;
  #client;
  /** Who was in the view before the event: it names those who left. */
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
   * Begins with the filter that was typed; where it is refused, with everyone. It is asked for by message, because a
   * refused handshake ends the client, and the browser counts it as an error.
   */
  async open() {
    this.#client?.stop();
    const { where, kinds } = this.wanted;
    const url = addressOf('updates');
    const client = live(where ? { url } : { url, kinds, from: 'snapshot' });
    this.#client = client;
    client.on('*', (event) => this.#client === client && this.#take(event));
    this.#snapshotSince = Date.now();
    this.look();
    if (!where) return;
    await this.choose(this.wanted);
    if (this.problem && this.#client === client && !client.where) {
      // Ended in between, it is opened again as a whole.
      await client.filter({ kinds, from: 'snapshot' }).catch(() => {});
    }
  }

  /** Asks for another filter. A refusal stays beside the text that it is about. */
  async choose(wanted) {
    this.wanted = wanted;
    if (this.#client.state === 'ended') return this.open();
    const { where, kinds } = wanted;
    try {
      await this.#client.filter({ where, kinds, from: 'snapshot' });
      if (this.wanted === wanted) this.problem = undefined;
    } catch (error) {
      if (this.wanted === wanted && error instanceof ProblemError) this.problem = error.problem;
    }
    this.look();
  }

  /** Have the page drawn soon: at once where it is quiet, and not for each of many changes. */
  look() {
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
    // A new filter's pages take a moment: until then the old rows stay, or the table would flicker while you type.
    const loading = state === 'snapshot' && Date.now() - this.#snapshotSince < PATIENCE_MS;
    if (!loading) this.rows.show(view, () => this.look());
    this.#changed();
  }

  #tick() {
    this.rates.tick();
    this.look();
  }

  #take(event) {
    switch (event.type) {
      case 'snapshot':
        for (const person of event.people) this.#known.set(person.id, person);
        break;
      case 'reset':
      case 'filtered':
        this.#begin();
        this.#note(event);
        break;
      case 'connected':
        if (event.from === 'snapshot') this.#begin();
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
      case 'state':
      case 'end':
      case 'error':
        break;
      default:
        if (CHANGES.has(event.type)) this.#change(event);
        else this.#note(event);
    }
    this.look();
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
    // A snapshot is followed by the changes since its pages were read. That is news to nobody.
    if (this.#client.state === 'snapshot') return this.rows.stir();
    this.rows.flash(change.type, person);
    this.rates.count(change.type);
    this.#note({ ...change, person });
  }
}
