// One connection: the WebSocket, and the time limits that it does not have by itself. It tells its owner what it hears,
// and once how it ended.

import { refusal } from './problem.js';

const SUBPROTOCOL = 'people.v1.json';
/** The reference of our own pings. */
export const BEAT = 'beat';

/**
 * How a connection ended: `code` and `reason` of a close frame, or `refused`, the gateway's answer to the handshake,
 * or neither when it broke off; `why` in words.
 * @typedef {{ why: string, code?: number, reason?: string, refused?: Error, retryAfter?: string | null }} Loss
 */

export class Connection {
  #owner;
  #options;
  #urls;
  #socket;
  #timer;
  #over = false;
  #opened = false;
  #asked = false;
  /** Aborts the question why the handshake failed. */
  #asking = new AbortController();
  #heard = 0;
  /** When we pinged and have heard nothing since. */
  #pinged;

  /**
   * `owner` has `opened()`, `heard(text)` and `lost(loss)`. `urls` has the same stream as `ws` and as `http`. Throws
   * where no WebSocket can be made of it.
   */
  constructor(owner, urls, options) {
    this.#owner = owner;
    this.#urls = urls;
    this.#options = options;
    this.#socket = new options.WebSocket(urls.ws.href, [SUBPROTOCOL]);
    this.#socket.addEventListener('open', () => this.#over || this.#open());
    this.#socket.addEventListener('message', ({ data }) => this.#over || this.#hear(data));
    this.#socket.addEventListener('close', ({ code, reason }) => this.#over || this.#closed(code, reason));
    // A close follows, but where Node's WebSocket could not connect.
    this.#socket.addEventListener('error', () => this.#over || this.#opened || this.#failed());
    this.#timer = setTimeout(() => {
      this.#end({ why: `no answer to the handshake within ${options.connectMs / 1000} s` });
    }, options.connectMs);
  }

  /** Sends a message, if there is a handshake's answer to send it after. */
  send(message) {
    if (this.#opened && !this.#over) this.#socket.send(JSON.stringify(message));
  }

  /** Asks for the end, and takes it after a while. */
  stop() {
    if (!this.#opened) return this.#end({ why: 'stopped' });
    this.send({ type: 'stop' });
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#end({ why: 'the gateway did not answer the stop' }), this.#options.stopMs);
  }

  /** Something may have happened to the network: find out now. */
  check() {
    if (this.#opened && this.#pinged === undefined) this.#ping();
  }

  /** Leaves without a word to the owner. */
  abandon() {
    this.#over = true;
    clearTimeout(this.#timer);
    this.#asking.abort();
    // A socket that still connects tells of this as an error, to nobody.
    this.#socket.close();
  }

  #open() {
    this.#opened = true;
    this.#heard = Date.now();
    clearTimeout(this.#timer);
    this.#beat();
    this.#owner.opened();
  }

  #hear(data) {
    this.#heard = Date.now();
    this.#pinged = undefined;
    this.#owner.heard(data);
  }

  /**
   * The gateway's own pings are hidden from a page, so a quiet connection is asked. Only an unanswered question is a
   * reason to leave: a page in the background has its timers late.
   */
  #beat() {
    const { silenceMs } = this.#options;
    this.#timer = setTimeout(() => {
      if (this.#pinged !== undefined && Date.now() - this.#pinged >= silenceMs / 2) {
        return this.#end({ why: `the gateway was silent for ${Math.round((Date.now() - this.#heard) / 1000)} s` });
      }
      if (this.#pinged === undefined && Date.now() - this.#heard >= silenceMs / 2) this.#ping();
      this.#beat();
    }, silenceMs / 4);
  }

  #ping() {
    this.#pinged = Date.now();
    this.send({ type: 'ping', ref: BEAT });
  }

  #closed(code, reason) {
    if (!this.#opened) return this.#failed();
    // Without a close frame it is 1006 here.
    if (code === 1006) return this.#end({ why: 'the connection was cut' });
    this.#end({ why: `the gateway closed with ${code} ${reason}`.trimEnd(), code, reason });
  }

  /** A WebSocket does not tell a refusal from an outage. The same stream over HTTP is refused in words. */
  async #failed() {
    if (this.#asked) return;
    this.#asked = true;
    const refused = await this.#ask();
    if (!this.#over) this.#end(refused ?? { why: 'the gateway cannot be reached' });
  }

  /** The refusal, if there is one. A stream that is granted is dropped. */
  async #ask() {
    try {
      const accept = { accept: 'text/event-stream' };
      const response = await this.#options.fetch(this.#urls.http, {
        headers: accept, cache: 'no-store', signal: this.#asking.signal,
      });
      if (response.ok) return { why: 'the WebSocket was refused, and the same stream over HTTP was not: does a proxy in between pass WebSockets on?' };
      const refused = await refusal(response);
      return { why: refused.message, refused, retryAfter: response.headers.get('retry-after') };
    } catch {
      return (await this.#answers()) ? { why: this.#unreadable() } : undefined;
    } finally {
      this.#asking.abort();
    }
  }

  /** Whether anything answers there. A page of another origin may be kept from reading what. */
  async #answers() {
    const { origin } = globalThis.location ?? {};
    if (this.#over || origin === undefined || origin === this.#urls.http.origin) return false;
    const { fetch } = this.#options;
    const opaque = { mode: 'no-cors', cache: 'no-store', signal: this.#asking.signal };
    return fetch(this.#urls.http, opaque).then(() => true, () => false);
  }

  /** It may be a refusal, or a proxy's word on a gateway that is away: so it is tried again. */
  #unreadable() {
    const { origin } = globalThis.location;
    return `the gateway, or a proxy before it, gave an answer that this page must not read: if this lasts, is the origin ${origin} listed in http.origins?`;
  }

  #end(loss) {
    if (this.#over) return;
    this.abandon();
    this.#owner.lost(loss);
  }
}
