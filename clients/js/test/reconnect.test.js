// Reconnects: a client resumes at its cursor, or with a snapshot if it has none, after a wait.

import assert from 'node:assert/strict';
import test from 'node:test';

import { ClientError, live, ProblemError } from '../index.js';
import { create, liveAt, page, Server } from './support/server.js';

const HOUR_MS = 3_600_000;
const quick = { backoff: { firstMs: 5, mostMs: 20 } };

function open(test, server, options) {
  const client = live({ url: server.url, ...quick, ...options });
  test.after(() => client.stop());
  return client;
}

/** The next event of a type. */
const next = (client, type) => new Promise((resolve) => {
  const off = client.on(type, (event) => (off(), resolve(event)));
});

/** Sends messages, and waits until the client has processed them. */
async function deliver(client, peer, ...messages) {
  const processed = next(client, messages.at(-1).type);
  peer.send(...messages);
  await processed;
}

test('a cut client resumes at its advanced cursor with the same filter', async (t) => {
  const server = await Server.start(t);
  const client = open(t, server, { kinds: 'saves', where: 'age > 1 && job != "+&"' });
  let peer = await server.peer();
  assert.deepEqual(peer.query, { kinds: 'saves', where: 'age > 1 && job != "+&"', from: 'now' });
  await deliver(
    client,
    peer,
    liveAt('0:a.5.1,1:b.7.2'),
    create(1, '1:b.8.3'),
    { type: 'unheard of', at: '0:x.9.9' },
    create(2, '1:b.9.4'),
  );
  peer.cut();
  for (let again = 0; again < 2; again++) {
    peer = await server.peer();
    assert.deepEqual(peer.query, {
      kinds: 'saves',
      where: 'age > 1 && job != "+&"',
      from: '0:a.5.1,1:b.9.4',
    });
    peer.cut();
  }
  peer = await server.peer();
  await deliver(client, peer, { type: 'batch', cursor: '0:a.6.1,1:b.9.9', changes: [] });
  assert.equal(client.cursor, '0:a.6.1,1:b.9.9');
  await deliver(client, peer, { type: 'position', cursor: '0:a.7.1,1:b.9.9' });
  peer.cut();
  assert.equal((await server.peer()).query.from, '0:a.7.1,1:b.9.9');
});

test('a cut snapshot starts again and is never exact', async (t) => {
  const server = await Server.start(t);
  const client = open(t, server, { from: 'snapshot' });
  for (let again = 0; again < 3; again++) {
    const peer = await server.peer();
    assert.equal(peer.query.from, 'snapshot');
    await deliver(client, peer, page({ id: 'a' }, { id: 'b' }), create('c', '0:a.9.9'));
    assert.deepEqual(
      [client.view.size, client.exact, client.cursor, client.state],
      [3, false, undefined, 'snapshot'],
    );
    peer.cut();
    await next(client, 'disconnected');
    assert.deepEqual([client.view.size, client.exact, client.state], [0, false, 'waiting']);
  }
  const peer = await server.peer();
  await deliver(client, peer, page({ id: 'd' }), liveAt('0:a.9.9'));
  assert.deepEqual([[...client.view.keys()], client.exact, client.state], [['d'], true, 'live']);
  peer.cut();
  assert.equal((await server.peer()).query.from, '0:a.9.9');
  assert.deepEqual([client.view.size, client.exact], [1, true]);
});

test('a reset client has no view and no cursor before live', async (t) => {
  const server = await Server.start(t);
  const client = open(t, server, { from: '0:a.5.1', people: [{ id: 'held' }] });
  const peer = await server.peer();
  assert.equal(peer.query.from, '0:a.5.1');
  assert.deepEqual([client.exact, client.view.size], [true, 1]);
  await deliver(client, peer, { type: 'reset', reason: 'trimmed' });
  assert.deepEqual([client.exact, client.view.size, client.cursor], [false, 0, undefined]);
  peer.close(4010, 'slow');
  assert.equal((await server.peer()).query.from, 'snapshot');
});

test('a client resumes at its cursor after temporary closes', async (t) => {
  const server = await Server.start(t);
  const client = open(t, server);
  for (const [index, code] of [1001, 1011, 1013, 4010, 1012].entries()) {
    const peer = await server.peer();
    if (index > 0) assert.equal(peer.query.from, `0:a.${index}.1`);
    await deliver(client, peer, liveAt(`0:a.${index + 1}.1`));
    peer.close(code);
    const lost = await next(client, 'disconnected');
    assert.deepEqual([lost.code, lost.retryMs <= quick.backoff.mostMs], [code, true]);
  }
});

test('a restarting gateway sets the longest wait', async (t) => {
  const server = await Server.start(t);
  const client = open(t, server, { backoff: { firstMs: HOUR_MS, mostMs: HOUR_MS } });
  for (const code of [1001, 1012]) {
    const peer = await server.peer();
    await deliver(client, peer, liveAt('0:a.5.1'));
    peer.close(code, 'retry-ms=30');
    assert.ok((await next(client, 'disconnected')).retryMs <= 30);
  }
  assert.equal((await server.peer()).query.from, '0:a.5.1');
});

test('an overloaded gateway gets more time', async (t) => {
  const server = await Server.start(t);
  const client = open(t, server, { backoff: { firstMs: 1, mostMs: HOUR_MS } });
  const peer = await server.peer();
  peer.close(1013);
  assert.ok((await next(client, 'disconnected')).retryMs >= 1000);
  assert.ok(client.state === 'waiting' && client.retryAt > Date.now());
  client.retry();
  await server.peer();
});

for (const code of [1002, 1003, 1007, 1008, 1009]) {
  test(`a close with ${code} ends the client with the reason`, async (t) => {
    const server = await Server.start(t);
    const client = open(t, server);
    (await server.peer()).close(code, 'too many messages');
    const error = await client.closed;
    assert.ok(error instanceof ClientError);
    assert.deepEqual(
      [error.code, error.reason, client.state, client.error],
      [code, 'too many messages', 'ended', error],
    );
    assert.match(error.message, /too many messages/);
  });
}

test('a normal close ends the client without an error', async (t) => {
  const server = await Server.start(t);
  const client = open(t, server);
  (await server.peer()).close(1000);
  assert.equal(await client.closed, undefined);
  await assert.rejects(client.filter(), ClientError);
});

test('events in flight arrive after a stop', async (t) => {
  const server = await Server.start(t);
  const client = open(t, server);
  const peer = await server.peer();
  await deliver(client, peer, liveAt('0:a.5.1'));
  const ended = client.stop();
  assert.deepEqual(await peer.nextMessage(), { type: 'stop' });
  peer.send(create(1, '0:a.6.1'));
  peer.close(1000);
  assert.equal(await ended, undefined);
  assert.deepEqual([client.view.size, client.cursor], [1, '0:a.6.1']);
});

test('a stop without an answer ends the client', async (t) => {
  const server = await Server.start(t);
  const client = open(t, server, { stopMs: 20 });
  await deliver(client, await server.peer(), liveAt('0:a.5.1'));
  assert.equal(await client.stop(), undefined);
});

test('an abort signal ends the client at once, even while it waits', async (t) => {
  const server = await Server.start(t);
  const leave = new AbortController();
  const client = open(t, server, {
    signal: leave.signal,
    backoff: { firstMs: HOUR_MS, mostMs: HOUR_MS },
  });
  (await server.peer()).cut();
  await next(client, 'disconnected');
  leave.abort();
  assert.equal(await client.closed, undefined);
  assert.equal(client.state, 'ended');
});

test('the client pings a silent gateway, and disconnects if no answer comes', async (t) => {
  const server = await Server.start(t);
  const client = open(t, server, { silenceMs: 80 });
  const peer = await server.peer();
  await deliver(client, peer, liveAt('0:a.5.1'));
  for (let answered = 0; answered < 3; answered++) {
    const { type, ref } = await peer.nextMessage();
    assert.equal(type, 'ping');
    peer.send({ type: 'pong', ref, cursor: `0:a.${6 + answered}.1` });
  }
  assert.equal((await peer.nextMessage()).type, 'ping');
  assert.match((await next(client, 'disconnected')).why, /silent/);
  assert.equal((await server.peer()).query.from, '0:a.8.1');
});

test('a refused filter ends the client with the problem', async (t) => {
  const server = await Server.start(t);
  const problem = { type: '/problems/filter', detail: 'age is a number', offset: 7, length: 3 };
  server.refusal = { status: 400, problem };
  const error = await open(t, server, { where: 'age == "x"' }).closed;
  assert.ok(error instanceof ProblemError);
  assert.deepEqual([error.status, error.problem, error.message], [400, problem, 'age is a number']);
  assert.equal(server.refused, 1);
});

test('after a temporary refusal the client waits for the time that the gateway sets', async (t) => {
  const server = await Server.start(t);
  server.refusal = {
    status: 503,
    headers: { 'retry-after': '7' },
    problem: { type: '/problems/overloaded' },
  };
  const client = open(t, server, { backoff: { firstMs: 1, mostMs: HOUR_MS } });
  const lost = await next(client, 'disconnected');
  assert.ok(lost.retryMs >= 7000, `${lost.retryMs}`);
  assert.equal(lost.problem.type, '/problems/overloaded');
  server.refusal = undefined;
  client.retry();
  await server.peer();
});

test('a refused cursor is replaced by a snapshot', async (t) => {
  const server = await Server.start(t);
  server.refusal = {
    status: 400,
    problem: { type: '/problems/cursor', detail: 'other partitions' },
  };
  const client = open(t, server, { from: '0:a.5.1' });
  await next(client, 'disconnected');
  server.refusal = undefined;
  assert.equal((await server.peer()).query.from, 'snapshot');
});

test('an unreachable gateway is an outage, and the client retries', async (t) => {
  const client = open(t, { url: 'http://127.0.0.1:1' });
  for (let again = 0; again < 3; again++)
    assert.match((await next(client, 'disconnected')).why, /cannot be reached/);
});

test('a server that is not a gateway ends the client with an error', async (t) => {
  const server = await Server.start(t);
  const client = open(t, server);
  (await server.peer()).send({ type: 'live' });
  assert.match((await client.closed).message, /no gateway/);
});

test('a filter survives a reconnect, and a ping does not', async (t) => {
  const server = await Server.start(t);
  const client = open(t, server);
  let peer = await server.peer();
  await deliver(client, peer, liveAt('0:a.5.1'));
  const filtered = client.filter({ where: 'age > 1', kinds: 'saves' });
  const pinged = client.ping();
  const command = await peer.nextMessage();
  const { ref } = command;
  assert.deepEqual(command, { type: 'filter', where: 'age > 1', kinds: 'saves', from: 'now', ref });
  peer.cut();
  await assert.rejects(pinged, ClientError);
  peer = await server.peer();
  assert.deepEqual(
    peer.query,
    { from: '0:a.5.1' },
    'the old filter applies until the gateway confirms the new one',
  );
  assert.deepEqual(await peer.nextMessage(), command);
  peer.send({ type: 'filtered', ref, cursor: '0:a.6.1' });
  assert.equal(await filtered, '0:a.6.1');
  peer.cut();
  assert.deepEqual((await server.peer()).query, {
    where: 'age > 1',
    kinds: 'saves',
    from: '0:a.6.1',
  });
});

test('commands over the limit are refused', async (t) => {
  const server = await Server.start(t);
  const client = open(t, server);
  await deliver(client, await server.peer(), liveAt('0:a.5.1'));
  const outcomes = Array.from({ length: 65 }, () => client.ping().catch((error) => error.message));
  assert.match(await outcomes[64], /too many commands/);
});

test('an exception in a callback affects nothing else', async (t) => {
  const server = await Server.start(t);
  const client = open(t, server);
  const uncaught = new Promise((resolve) => (globalThis.reportError = resolve));
  t.after(() => delete globalThis.reportError);
  client.on('live', () => {
    throw new Error('mine');
  });
  const peer = await server.peer();
  await deliver(client, peer, liveAt('0:a.5.1'), create(1, '0:a.6.1'));
  assert.equal((await uncaught).message, 'mine');
  assert.equal(client.view.size, 1);
});
