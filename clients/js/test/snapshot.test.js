// Snapshots of the view for drawing, and listeners of single types of change.

import assert from 'node:assert/strict';
import test from 'node:test';

import { live } from '../index.js';
import { create, liveAt, page, person, Server } from './support/server.js';

async function connect(t) {
  const server = await Server.start(t);
  const client = live({ url: server.url, from: 'snapshot', backoff: { firstMs: 1, mostMs: 5 } });
  t.after(() => client.stop());
  const next = (type) => new Promise((resolve) => {
    const off = client.on(type, (event) => (off(), resolve(event)));
  });
  const peer = await server.peer();
  return {
    client, peer, next,
    /** Sends a message, and waits until the client has processed it. */
    deliver: async (message) => {
      const processed = next(message.type);
      peer.send(message);
      return processed;
    },
  };
}

test('a snapshot never changes, and a new one appears only with a change', async (t) => {
  const { client, peer, next, deliver } = await connect(t);
  const snapshots = [client.snapshot()];
  /** Asserts that there is a new snapshot, and returns it. */
  const another = (what) => {
    const now = client.snapshot();
    assert.notEqual(now, snapshots.at(-1), what);
    assert.ok(now.version > snapshots.at(-1).version, what);
    assert.equal(now, client.snapshot(), what);
    snapshots.push(now);
    return now;
  };
  await deliver(page(person(1)));
  assert.deepEqual(another('a page').people, [person(1)]);
  await deliver(liveAt('0:a.5.1'));
  const live = another('live');
  assert.deepEqual([live.exact, live.state], [true, 'live']);
  await deliver({ type: 'position', cursor: '0:a.7.1' });
  assert.equal(client.snapshot(), live, 'the cursor is not part of a snapshot');
  await deliver({ type: 'leave', at: '0:a.8.1', id: 'id-9' });
  assert.equal(client.snapshot(), live, 'the removal of an unknown person changes nothing');
  await deliver(create(2, '0:a.9.1'));
  const more = another('a change');
  assert.deepEqual(more.people.map(({ id }) => id), ['id-1', 'id-2']);
  await deliver({ type: 'stale', seconds: 5 });
  const stale = another('a state');
  assert.deepEqual([stale.state, stale.people], ['stale', more.people]);
  assert.equal(
    stale.people,
    more.people,
    'the list is the same object, so it need not be drawn again',
  );
  await deliver({ type: 'delete', at: '0:a.10.1', id: 'id-1' });
  assert.deepEqual(another('another change').people.map(({ id }) => id), ['id-2']);
  assert.deepEqual(live.people, [person(1)], 'an old snapshot is unchanged');
  assert.throws(() => live.people.push(person(3)), TypeError);
  const lost = next('disconnected');
  peer.cut();
  await lost;
  assert.equal(another('a lost connection').state, 'waiting');
  client.stop();
  await client.closed;
  assert.equal(another('the end').state, 'ended');
});

test('code like useSyncExternalStore draws each change', async (t) => {
  const { client, deliver } = await connect(t);
  const drawn = [];
  let held = client.snapshot();
  client.on('*', () => {
    const now = client.snapshot();
    if (Object.is(now, held)) return;
    held = now;
    drawn.push(now.people.map(({ firstName }) => firstName).join());
  });
  await deliver(page());
  await deliver(liveAt('0:a.1.1'));
  for (const n of [1, 2]) await deliver(create(n, `0:a.${n + 1}.1`));
  assert.deepEqual(drawn.slice(-2), ['P1', 'P1,P2']);
});

test('listeners of a type get the changes in a batch, and of all types the batch', async (t) => {
  const { client, deliver } = await connect(t);
  await deliver(page(person(1), person(2)));
  await deliver(liveAt('0:a.1.1'));
  const events = [];
  for (const type of ['batch', 'create', 'enter', 'update', 'leave', 'delete', '*']) {
    client.on(type, (event) =>
      events.push([type, event.type, event.id ?? event.person?.id, client.view.size]),
    );
  }
  const { at, ...created } = create(3, '0:a.2.1');
  const { type, ...changed } = created;
  const changes = [
    created,
    { ...changed, type: 'update' },
    { ...changed, type: 'enter' },
    { type: 'leave', id: 'id-1' },
    { type: 'delete', id: 'id-2' },
  ];
  await deliver({ type: 'batch', cursor: '0:a.9.1', changes });
  assert.deepEqual(
    events,
    [
      ['batch', 'batch', undefined, 1], ['create', 'create', 'id-3', 1],
      ['update', 'update', 'id-3', 1], ['enter', 'enter', 'id-3', 1], ['leave', 'leave', 'id-1', 1],
      ['delete', 'delete', 'id-2', 1], ['*', 'batch', undefined, 1],
    ],
    'the whole batch is in the view before the listeners are called',
  );
});

test('people without the fields that a role hides are kept as they come', async (t) => {
  const { client, deliver } = await connect(t);
  const hidden = { id: 'id-1', revision: 'a.1.1' };
  await deliver(page(hidden, person(2)));
  await deliver(liveAt('0:a.5.1'));
  assert.deepEqual(client.snapshot().people, [hidden, person(2)]);
  const named = { ...hidden, lastName: 'L', revision: 'a.6.1' };
  await deliver({ type: 'update', at: '0:a.6.1', person: named });
  assert.deepEqual(client.view.get('id-1'), named);
  const without = { ...hidden, revision: 'a.7.1' };
  await deliver({ type: 'update', at: '0:a.7.1', person: without });
  assert.deepEqual(client.view.get('id-1'), without, 'nothing stays of an earlier version');
  await deliver({ type: 'reset', reason: 'rights' });
  assert.deepEqual([client.view.size, client.state], [0, 'snapshot']);
});

test('refusals with 403 are errors with the words of the gateway', async (t) => {
  const { client, peer, deliver } = await connect(t);
  await deliver(liveAt('0:a.5.1'));
  for (const problem of [
    { type: '/problems/filter', status: 403, detail: 'job is hidden.', offset: 0, length: 3 },
    { type: '/problems/forbidden', status: 403, detail: 'The role lacks watch.', verb: 'watch' },
  ]) {
    const refused = client.filter({ where: 'job == "x"' });
    const { ref } = await peer.nextMessage();
    peer.send({ type: 'error', ref, problem });
    await assert.rejects(refused, { name: 'ProblemError', status: 403, message: problem.detail });
    assert.deepEqual([client.state, client.where, client.error], ['live', '', undefined]);
  }
});
