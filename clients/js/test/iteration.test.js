// Async iteration: all events in order, in a bounded queue, without silent losses.

import assert from 'node:assert/strict';
import test from 'node:test';

import { live } from '../index.js';
import { create, liveAt, page, person, Server } from './support/server.js';

async function connect(t, options) {
  const server = await Server.start(t);
  const client = live({ url: server.url, backoff: { firstMs: 1, mostMs: 5 }, ...options });
  t.after(() => client.stop());
  const events = client[Symbol.asyncIterator]();
  const next = async () => (await events.next()).value;
  return { server, client, events, next, peer: await server.peer() };
}

/** Waits until the client has processed all messages of the peer. */
async function processed(client, peer) {
  const pong = client.ping();
  const { ref } = await peer.nextMessage();
  peer.send({ type: 'pong', ref });
  await pong;
}

test('an iteration has all events in order, across connections', async (t) => {
  const { server, client, next, peer } = await connect(t);
  peer.send(liveAt('0:a.1.1'), create(1, '0:a.2.1'));
  await processed(client, peer);
  peer.cut();
  (await server.peer()).send(create(2, '0:a.3.1'));
  const events = [];
  for (let n = 0; n < 7; n++) events.push((await next()).type);
  assert.deepEqual(events, [
    'connected', 'live', 'create', 'pong', 'disconnected', 'connected', 'create',
  ]);
});

test('a slow iteration gets one resync for all missed events, and continues', async (t) => {
  const { client, next, peer } = await connect(t, { from: 'snapshot', queueMax: 10 });
  peer.send(page(person('a')), liveAt('0:a.1.1'));
  for (let n = 2; n < 50; n++) peer.send(create(n, `0:a.${n}.1`));
  await processed(client, peer);
  peer.send({ type: 'leave', at: '0:a.50.1', id: 'id-a', revision: 'a.50.1' });
  await processed(client, peer);
  const resync = await next();
  assert.deepEqual([resync.type, resync.exact, resync.cursor], ['resync', true, '0:a.50.1']);
  assert.deepEqual(resync.people, [...client.view.values()]);
  assert.equal(resync.people.length, 48);
  peer.send(create('b', '0:a.51.1'));
  assert.equal((await next()).person.id, 'id-b');
});

test('a queue is measured in people, so that large pages fill it', async (t) => {
  const { client, next, peer } = await connect(t, { from: 'snapshot', queueMax: 100 });
  peer.send(page(...Array.from({ length: 200 }, (_, n) => person(n))));
  await processed(client, peer);
  const resync = await next();
  assert.deepEqual([resync.type, resync.people.length, resync.exact], ['resync', 200, false]);
  peer.send(liveAt('0:a.1.1'));
  assert.equal((await next()).type, 'live');
});

test('an iteration that keeps up is never resynchronised', async (t) => {
  const { next, peer } = await connect(t, { queueMax: 3 });
  peer.send(liveAt('0:a.1.1'));
  assert.deepEqual([(await next()).type, (await next()).type], ['connected', 'live']);
  for (let n = 2; n < 50; n++) {
    peer.send(create(n, `0:a.${n}.1`));
    assert.equal((await next()).at, `0:a.${n}.1`);
  }
});

test('a late iteration begins with a resync', async (t) => {
  const { client, next, peer } = await connect(t, { from: 'snapshot' });
  peer.send(page(person('a')), liveAt('0:a.1.1'));
  for (let n = 0; n < 3; n++) await next();
  const late = client[Symbol.asyncIterator]();
  const first = (await late.next()).value;
  assert.deepEqual([first.type, first.people, first.exact], ['resync', [person('a')], true]);
});

test('an iteration ends after its queue when the client is stopped', async (t) => {
  const { client, peer } = await connect(t);
  const events = [];
  const all = (async () => {
    for await (const event of client) events.push(event.type);
  })();
  peer.send(liveAt('0:a.1.1'));
  await processed(client, peer);
  client.stop();
  peer.close(1000);
  await all;
  assert.equal(events.at(-1), 'disconnected');
});

test('an iteration throws once the error that ended the client', async (t) => {
  const { client, events, peer } = await connect(t);
  peer.close(1008, 'no');
  await client.closed;
  assert.equal((await events.next()).value.type, 'connected');
  assert.equal((await events.next()).value.type, 'disconnected');
  await assert.rejects(events.next(), { code: 1008 });
  assert.equal((await events.next()).done, true);
});

test('leaving an iteration does not stop the client', async (t) => {
  const { client, peer } = await connect(t);
  peer.send(liveAt('0:a.1.1'));
  for await (const event of client) {
    if (event.type === 'live' || event.type === 'resync') break;
  }
  peer.send(create(1, '0:a.2.1'));
  await processed(client, peer);
  assert.equal(client.view.size, 1);
});
