// One connection: the WebSocket, with time limits. It passes messages to its owner, and finally the
// reason for its end.

import { Backoff } from './backoff.js';
import { refusal } from './problem.js';
import { authorization, Renewal } from './token.js';

const SUBPROTOCOL = 'people.v1.json';
/**
 * The subprotocol that carries a token, because a page can set no header. It is never chosen.
 */
const bearer = (token) => (token === undefined ? [] : [`bearer.${token}`]);
/** The reference of the client's own pings. */
const HEARTBEAT_REF = 'beat';
/** The reason if only the WebSocket was refused. */
const ONLY_HTTP =
  'the WebSocket was refused, but the same stream over HTTP was not: ' +
  'does a proxy in between support WebSockets?';
/** The reference of the messages with a new token. */
const RENEWAL_REF = 'token';

/**
 * Why a connection ended: `code` and `reason` of a close frame, or `refused`, the gateway's answer
 * to the handshake, or neither if it broke; `why` in words.
 * @typedef {{
 *   why: string, code?: number, reason?: string, refused?: Error, retryAfter?: string | null
 * }} Disconnect
 */

export class Connection {
  #owner;
  #options;
  #urls;
  #token;
  #renewal;
  #socket;
  #timer;
  #over = false;
  #opened = false;
  #probed = false;
  /** Aborts the request that finds out why the handshake failed. */
  #probe = new AbortController();
  #lastMessage = 0;
  /** The time of a ping without an answer. */
  #pinged;

  /**
   * `owner` has `opened()`, `received(text)`, `notRenewed(error)` and `disconnected(disconnect)`.
   * `urls` has the same stream as `ws` and as `http`. Throws if no WebSocket can be made of it.
   */
  constructor(owner, urls, options, token) {
    this.#owner = owner;
    this.#urls = urls;
    this.#options = options;
    this.#token = token;
    this.#renewal = new Renewal(options.tokens, new Backoff(options.backoff), {
      send: (token) => this.send({ type: 'token', token, ref: RENEWAL_REF }),
      failed: (error) => owner.notRenewed(error),
    });
    this.#socket = new options.WebSocket(urls.ws.href, [SUBPROTOCOL, ...bearer(token)]);
    this.#socket.addEventListener('open', () => this.#over || this.#open());
    this.#socket.addEventListener('message', ({ data }) => this.#over || this.#receive(data));
    this.#socket.addEventListener(
      'close',
      ({ code, reason }) => this.#over || this.#closed(code, reason),
    );
    // A close event follows, except after a failed connection in Node.
    this.#socket.addEventListener('error', () => this.#over || this.#opened || this.#failed());
    this.#timer = setTimeout(() => {
      this.#end({ why: `no answer to the handshake within ${options.connectMs / 1000} s` });
    }, options.connectMs);
  }

  /** Sends a message, if the connection is open. */
  send(message) {
    if (this.#opened && !this.#over) this.#socket.send(JSON.stringify(message));
  }

  /** Asks the gateway to close, and ends the connection itself after a while. */
  stop() {
    if (!this.#opened) return this.#end({ why: 'stopped' });
    this.send({ type: 'stop' });
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => this.#end({ why: 'the gateway did not answer the stop' }),
      this.#options.stopMs,
    );
  }

  /** Checks at once whether the connection still works. */
  check() {
    if (this.#opened && this.#pinged === undefined) this.#ping();
  }

  /** Sends another token, as soon as there is one. */
  renew() {
    this.#renewal.begin();
  }

  /** Ends the connection without telling the owner. */
  abandon() {
    this.#over = true;
    this.#renewal.stop();
    clearTimeout(this.#timer);
    this.#probe.abort();
    // A connecting socket reports this as an error, which is ignored.
    this.#socket.close();
  }

  #open() {
    this.#opened = true;
    this.#lastMessage = Date.now();
    clearTimeout(this.#timer);
    this.#watchSilence();
    this.#owner.opened();
  }

  #receive(data) {
    this.#lastMessage = Date.now();
    this.#pinged = undefined;
    this.#owner.received(data);
  }

  /**
   * Pings a quiet connection, because a page cannot see the gateway's own pings. Only a ping
   * without an answer ends the connection: timers of a page in the background are late.
   */
  #watchSilence() {
    const { silenceMs } = this.#options;
    this.#timer = setTimeout(() => {
      if (this.#pinged !== undefined && Date.now() - this.#pinged >= silenceMs / 2) {
        const seconds = Math.round((Date.now() - this.#lastMessage) / 1000);
        return this.#end({ why: `the gateway was silent for ${seconds} s` });
      }
      if (this.#pinged === undefined && Date.now() - this.#lastMessage >= silenceMs / 2)
        this.#ping();
      this.#watchSilence();
    }, silenceMs / 4);
  }

  #ping() {
    this.#pinged = Date.now();
    this.send({ type: 'ping', ref: HEARTBEAT_REF });
  }

  #closed(code, reason) {
    if (!this.#opened) return this.#failed();
    // 1006 means that there was no close frame.
    if (code === 1006) return this.#end({ why: 'the connection was cut' });
    this.#end({ why: `the gateway closed with ${code} ${reason}`.trimEnd(), code, reason });
  }

  /**
   * A WebSocket does not distinguish a refusal from an outage. The same stream over HTTP does, with
   * a reason.
   */
  async #failed() {
    if (this.#probed) return;
    this.#probed = true;
    const refused = await this.#findRefusal();
    if (!this.#over) this.#end(refused ?? { why: 'the gateway cannot be reached' });
  }

  /** The refusal, if there is one. An accepted stream is dropped. */
  async #findRefusal() {
    try {
      const headers = { accept: 'text/event-stream', ...authorization(this.#token) };
      const response = await this.#options.fetch(this.#urls.http, {
        headers, cache: 'no-store', signal: this.#probe.signal,
      });
      if (response.ok) return { why: ONLY_HTTP };
      const refused = await refusal(response);
      return { why: refused.message, refused, retryAfter: response.headers.get('retry-after') };
    } catch {
      return (await this.#answers()) ? { why: this.#unreadable() } : undefined;
    } finally {
      this.#probe.abort();
    }
  }

  /** Whether a server answers. A page of another origin may not read the answer. */
  async #answers() {
    const { origin } = globalThis.location ?? {};
    if (this.#over || origin === undefined || origin === this.#urls.http.origin) return false;
    const { fetch } = this.#options;
    const opaque = { mode: 'no-cors', cache: 'no-store', signal: this.#probe.signal };
    return fetch(this.#urls.http, opaque).then(() => true, () => false);
  }

  /**
   * The answer may be a refusal, or a proxy's about an absent gateway, so the client tries again.
   */
  #unreadable() {
    const { origin } = globalThis.location;
    return (
      'the gateway, or a proxy before it, gave an answer that this page must not read: ' +
      `if this lasts, is the origin ${origin} listed in http.origins?`
    );
  }

  #end(disconnect) {
    if (this.#over) return;
    this.abandon();
    this.#owner.disconnected(disconnect);
  }
}
