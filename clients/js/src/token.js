// The caller's token: a text, or a function that is asked for one at each need. No message of an
// error has a token in it.

import { ClientError } from './problem.js';

/** The alphabet of a JWT. A browser repeats any other subprotocol in the text of its error. */
const TOKEN = /^[\w.-]+$/;
/** A token in a text: the JSON of every JWT's header begins with `{"`. */
const TOKEN_IN_TEXT = /\beyJ[\w.-]*/g;
/** The number of refused tokens in a row that ends the client. */
const REFUSALS_MAX = 2;

const words = (error) => String(error?.message ?? error).replace(TOKEN_IN_TEXT, '…');

/** Whether a value can be a token. */
export const isToken = (given) => typeof given === 'string' && TOKEN.test(given);

/** The headers for a token; none without one. */
export const authorization = (token) =>
  token === undefined ? {} : { authorization: `Bearer ${token}` };

export class TokenSource {
  #given;
  #limitMs;
  #refusals = 0;

  /** `given`: the option `token`. `limitMs`: the time limit of a function. */
  constructor(given, limitMs) {
    if (given !== undefined && typeof given !== 'function' && !isToken(given))
      throw new TypeError('token is a JWT, or a function that returns one');
    this.#given = given;
    this.#limitMs = limitMs;
  }

  /** Whether the next token may be another one. */
  get canRenew() {
    return typeof this.#given === 'function';
  }

  /**
   * The token for a request; undefined without the option. Rejects with a ClientError if the
   * function fails, and with the signal's reason after an abort.
   */
  async next(signal) {
    if (!this.canRenew) return this.#given;
    const token = await this.#ask(signal);
    if (!isToken(token)) throw new ClientError('no token: the function gave something else');
    return token;
  }

  /** The gateway accepted the last token. */
  accepted() {
    this.#refusals = 0;
  }

  /** The gateway refused the last token. Returns whether another one may be better. */
  refused() {
    return this.canRenew && ++this.#refusals < REFUSALS_MAX;
  }

  async #ask(signal) {
    signal?.throwIfAborted();
    let timer;
    let aborted;
    const limit = new Promise((_, reject) => {
      const error = new ClientError(`no token within ${this.#limitMs / 1000} s`);
      timer = setTimeout(() => reject(error), this.#limitMs);
      aborted = () => reject(signal.reason);
      signal?.addEventListener('abort', aborted);
    });
    try {
      return await Promise.race([limit, this.#call()]);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', aborted);
    }
  }

  async #call() {
    try {
      return await this.#given();
    } catch (error) {
      throw new ClientError(`no token: ${words(error)}`);
    }
  }
}

/** Replaces the token of one connection. After a failure it tries again, until it is stopped. */
export class Renewal {
  #tokens;
  #backoff;
  #owner;
  #timer;
  #busy = false;
  #leave = new AbortController();

  /** `owner` has `send(token)`, and `failed(error)` for each failure. */
  constructor(tokens, backoff, owner) {
    this.#tokens = tokens;
    this.#backoff = backoff;
    this.#owner = owner;
  }

  async begin() {
    if (!this.#tokens.canRenew || this.#busy) return;
    this.#busy = true;
    clearTimeout(this.#timer);
    const { signal } = this.#leave;
    try {
      const token = await this.#tokens.next(signal);
      if (!signal.aborted) this.#owner.send(token);
      this.#backoff.succeeded();
    } catch (error) {
      if (signal.aborted) return;
      this.#timer = setTimeout(() => this.begin(), this.#backoff.next());
      this.#owner.failed(error);
    } finally {
      this.#busy = false;
    }
  }

  stop() {
    this.#leave.abort();
    clearTimeout(this.#timer);
  }
}
