// The caller: the token of this tab, the rights that the gateway grants for it, and calls with it.

import { authorization, isToken } from './src/token.js';

/** The item of the tab's storage. The token is nowhere else: neither in an address nor in a log. */
const KEY = 'people-gateway.token';
/** The time limit of the question for the rights. */
const RIGHTS_MS = 10_000;

/** The storage of this tab; browsers may forbid a page to store, then the token is in memory. */
function tabStorage() {
  try {
    return globalThis.sessionStorage;
  } catch {
    return undefined;
  }
}

/** The token in a pasted text: terminals break long lines, and some copy the whole header. */
const tokenIn = (text) => text.trim().replace(/^bearer\s+/i, '').replace(/\s/g, '');

/** The problem of an answer; that of a proxy has no document. */
async function problemOf(response) {
  const other = { status: response.status, detail: `The gateway answered ${response.status}.` };
  const problem = await response.json().catch(() => undefined);
  return problem?.detail ? problem : other;
}

export class Access {
  /** What the caller may do, by `GET /rights`; undefined before the first answer. */
  rights;
  /** The time at which the token expires, in milliseconds of `Date.now()`. */
  until;
  /** Why the page needs another token, as a problem; undefined while it needs none. */
  refusal;
  /** Called after each change. */
  changed = () => {};

  #token;
  #storage;

  constructor(storage = tabStorage()) {
    this.#storage = storage;
    const kept = storage?.getItem(KEY) ?? '';
    this.#token = isToken(kept) ? kept : undefined;
  }

  /** The token; undefined without one. */
  get token() {
    return this.#token;
  }

  /** Whether the caller may do this; unknown rights leave the decision to the gateway. */
  can(verb) {
    return !this.rights || this.rights.can.includes(verb);
  }

  /** Whether the caller's role hides all of a field, such as `job` or `attributes`. */
  hides(field) {
    const { hide = [], show } = this.rights ?? {};
    const isWithin = (path) =>
      path === field || path.startsWith(`${field}.`) || path.startsWith(`${field}[`);
    return hide.includes(field) || (show !== undefined && !show.some(isWithin));
  }

  /** The reason for a button that the caller may not use. */
  why(verb) {
    const role = this.rights?.role;
    return `${role ? `The role ${role}` : 'Your token'} does not allow this: it lacks ${verb}.`;
  }

  /** The attributes of a button for an action with this verb. */
  button(verb, title) {
    return this.can(verb) ? { title } : { disabled: true, title: this.why(verb) };
  }

  /** Asks the gateway what the caller may do. Without an answer, the last one stays. */
  async ask() {
    const token = this.#token;
    const signal = AbortSignal.timeout(RIGHTS_MS);
    try {
      const response = await this.fetch('rights', { signal });
      const rights = response.ok && (await response.json());
      if (!rights || token !== this.#token) return;
      this.#take(rights);
      this.changed();
    } catch {
      // The live view reports that the gateway cannot be reached.
    }
  }

  /** Fetches a path of the gateway with the token. A 401 asks for another token. */
  async fetch(path, options = {}) {
    const token = this.#token;
    const headers = { ...options.headers, ...authorization(token) };
    const response = await fetch(path, { ...options, headers });
    if (response.status === 401) this.refuse(token, await problemOf(response.clone()));
    return response;
  }

  /** Takes note that the gateway refused this token; of an earlier token this is no news. */
  refuse(token, problem) {
    if (token !== this.#token || this.refusal) return;
    this.forget();
    this.refusal = problem;
    this.changed();
  }

  /**
   * Keeps the token in a pasted text if the gateway accepts it, and returns whether it does.
   * `refusal` says why not.
   */
  async signIn(text) {
    const token = tokenIn(text);
    const { rights, refusal } = await this.#try(token);
    this.refusal = refusal;
    if (rights) {
      this.#keep(token);
      this.#take(rights);
    }
    this.changed();
    return !refusal;
  }

  /** Forgets the token. */
  forget() {
    this.#token = undefined;
    this.#storage?.removeItem(KEY);
  }

  /** The rights that the gateway grants for a token, or the reason for which it does not. */
  async #try(token) {
    if (!isToken(token)) {
      const detail = 'This is no token: paste all of it, and nothing else.';
      return { refusal: { reason: 'malformed', detail } };
    }
    try {
      const headers = authorization(token);
      const signal = AbortSignal.timeout(RIGHTS_MS);
      const response = await fetch('rights', { headers, signal });
      if (!response.ok) return { refusal: await problemOf(response) };
      return { rights: await response.json() };
    } catch {
      return { refusal: { detail: 'The gateway cannot be reached. Try again.' } };
    }
  }

  #take(rights) {
    this.rights = rights;
    this.until = rights.seconds === undefined ? undefined : Date.now() + 1000 * rights.seconds;
  }

  #keep(token) {
    this.#token = token;
    try {
      this.#storage?.setItem(KEY, token);
    } catch {
      // The storage is full or not available: a reload asks for the token again.
    }
  }
}

/** The caller of this page. */
export const access = new Access();
