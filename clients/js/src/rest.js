// The gateway's URLs, made from the user's one, and the two writes that pages need most.

import { refusal } from './problem.js';
import { authorization } from './token.js';

const STREAMS = /\/(people|updates)\/?$/;

/** The URLs of the stream, over a WebSocket and over HTTP, and of the people. */
export class Endpoint {
  #stream;

  /** `url`: the gateway's, or that of a stream; http, https, ws or wss; relative in a page. */
  constructor(url) {
    this.#stream = new URL(url, globalThis.location?.href);
    this.#stream.hash = '';
    if (!STREAMS.test(this.#stream.pathname)) {
      this.#stream.pathname = `${this.#stream.pathname.replace(/\/$/, '')}/updates`;
    }
    if (!/^(ws|http)s?:$/.test(this.#stream.protocol)) {
      throw new TypeError(`url is http, https, ws or wss, not ${this.#stream.protocol}`);
    }
  }

  /** Whether the host's name means this machine. */
  get isLoopback() {
    return /^(localhost|.*\.localhost|127(\.\d+){3}|\[::1\])$/.test(this.#stream.hostname);
  }

  /** The URL of a stream with this filter, fields and start; `scheme` is `ws` or `http`. */
  stream(scheme, { where, kinds, fields }, from) {
    const url = new URL(this.#stream);
    url.protocol = /^(wss|https):$/.test(url.protocol) ? `${scheme}s:` : `${scheme}:`;
    if (kinds !== 'all') url.searchParams.set('kinds', kinds);
    if (where) url.searchParams.set('where', where);
    if (fields) url.searchParams.set('fields', fields.join(','));
    url.searchParams.set('from', from);
    return url;
  }

  people(id) {
    const url = this.stream('http', { kinds: 'all' }, '');
    url.search = '';
    url.pathname =
      url.pathname.replace(STREAMS, '/people') +
      (id === undefined ? '' : `/${encodeURIComponent(id)}`);
    return url;
  }
}

/**
 * Sends a request with the caller's token, and sends it again with another token if that one has
 * expired. `options` are the checked options of the client. Throws for a refusal.
 */
async function call({ fetch, tokens }, url, { headers, ...request }) {
  const attempt = async () => {
    const token = await tokens.next(request.signal);
    const response = await fetch(url, {
      ...request, headers: { ...headers, ...authorization(token) },
    });
    if (!response.ok) throw await refusal(response);
    return response;
  };
  return attempt().catch((error) => {
    const isExpired = error.status === 401 && error.problem.reason === 'expired';
    if (isExpired && tokens.canRenew) return attempt();
    throw error;
  });
}

/** Saves a person: a new one without `id` (POST), an existing one with it (PUT). */
export async function save(options, person, { ifMatch, signal } = {}) {
  const headers = {
    'content-type': 'application/json',
    ...(ifMatch && { 'if-match': `"${ifMatch}"` }),
  };
  const method = person.id ? 'PUT' : 'POST';
  const response = await call(options, options.endpoint.people(person.id || undefined), {
    method, headers, signal, body: JSON.stringify(person),
  });
  // A caller that may not read gets an answer without a body.
  const text = await response.text();
  return {
    person: text === '' ? undefined : JSON.parse(text),
    at: response.headers.get('change-position'),
  };
}

/** Deletes a person. */
export async function remove(options, id, { ifMatch, signal } = {}) {
  const headers = ifMatch ? { 'if-match': `"${ifMatch}"` } : {};
  const url = options.endpoint.people(id);
  const response = await call(options, url, { method: 'DELETE', headers, signal });
  return { at: response.headers.get('change-position') };
}
