// The client in a page: the answers that a browser hides, and the page's own events. A separate
// file, because it sets globals of a page.

import assert from 'node:assert/strict';
import test from 'node:test';

import { live, ProblemError } from '../index.js';
import { liveAt, Server } from './support/server.js';

const ORIGIN = 'http://page.example';
const HOUR_MS = 3_600_000;
const REFUSED = {
  type: '/problems/origin', status: 403,
  detail:
    `Pages of the origin ${ORIGIN} may not do this. The operator can list it in http.origins.`,
};

globalThis.location = { origin: ORIGIN, href: `${ORIGIN}/` };
globalThis.document = Object.assign(new EventTarget(), { visibilityState: 'hidden' });

/** Fetches like a browser: an answer of another origin can be read only if its headers allow it. */
async function browserFetch(url, options = {}) {
  const response = await fetch(url, {
    ...options,
    headers: { ...options.headers, origin: ORIGIN },
  });
  if (options.mode === 'no-cors') return { ok: false, status: 0, type: 'opaque' };
  if (response.headers.get('access-control-allow-origin') !== ORIGIN)
    throw new TypeError('Failed to fetch');
  return response;
}

function open(t, server, backoff = { firstMs: HOUR_MS, mostMs: HOUR_MS }) {
  const client = live({ url: server.url, fetch: browserFetch, backoff });
  t.after(() => client.stop());
  return client;
}

const next = (client, type) => new Promise((resolve) => client.on(type, resolve));

for (const [status, type] of [
  [403, 'origin'],
  [421, 'host'],
  [400, 'filter'],
  [426, 'malformed'],
]) {
  test(`a readable refusal with ${status} ends the client with its reason`, async (t) => {
    const server = await Server.start(t);
    const problem = { ...REFUSED, status, type: `/problems/${type}` };
    server.refusal = { status, problem, headers: { 'access-control-allow-origin': ORIGIN } };
    const client = open(t, server);
    const error = await client.closed;
    assert.ok(error instanceof ProblemError);
    assert.deepEqual(
      [error.status, error.message, error.problem],
      [status, problem.detail, problem],
    );
    assert.equal(client.state, 'ended');
  });
}

test('a temporary refusal does not end the client', async (t) => {
  const server = await Server.start(t);
  const client = open(t, server);
  for (const status of [429, 503]) {
    const headers = { 'access-control-allow-origin': ORIGIN, 'retry-after': '7' };
    server.refusal = { status, problem: { status, detail: 'later' }, headers };
    const { retryMs, why } = await next(client, 'disconnected');
    assert.ok(retryMs >= 7000, `${status}`);
    assert.equal(why, 'later');
    client.retry();
  }
});

test('the client distinguishes an unreadable answer from an outage, and retries', async (t) => {
  const server = await Server.start(t);
  server.refusal = { status: 403, problem: REFUSED };
  const client = open(t, server);
  const { why, retryMs } = await next(client, 'disconnected');
  assert.match(why, new RegExp(`${ORIGIN} listed in http.origins`));
  assert.equal(typeof retryMs, 'number');
  const absent = live({ url: 'http://127.0.0.1:1', fetch: browserFetch });
  t.after(() => absent.stop());
  assert.equal((await next(absent, 'disconnected')).why, 'the gateway cannot be reached');
});

test('a page that becomes visible retries at once', async (t) => {
  const server = await Server.start(t);
  const client = open(t, server);
  (await server.peer()).cut();
  await next(client, 'disconnected');
  document.dispatchEvent(new Event('visibilitychange'));
  assert.equal(client.state, 'waiting', 'the page is hidden');
  document.visibilityState = 'visible';
  document.dispatchEvent(new Event('visibilitychange'));
  (await server.peer()).send(liveAt('0:a.1.1'));
  await next(client, 'live');
  assert.equal(client.state, 'live');
});
