// The client with a real gateway: the view stays exact through restarts and lost histories.

import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import test from 'node:test';

import { live, ProblemError } from '../index.js';
import { eventually, Gateway, idOf, randomPerson } from './support/gateway.js';

const ADULTS = 'age >= 50 && job == "Engineer"';

function open(t, gateway, options) {
  const client = live({
    url: gateway.url,
    from: 'snapshot',
    backoff: { firstMs: 10, mostMs: 100 },
    ...options,
  });
  t.after(() => client.stop());
  return client;
}

/** Saves and deletes random people. */
async function churn(gateway, writes, people = 40) {
  for (let write = 0; write < writes; write++) {
    const id = idOf(Math.floor(Math.random() * people));
    if (Math.random() < 0.25) await gateway.delete(id);
    else await gateway.save(id, randomPerson());
  }
}

/** Whether a cursor of one partition has passed a position of it, in the same epoch. */
function hasPassed(cursor, position) {
  const [[epoch, sequence], [ofChange, changed]] = [cursor, position].map((at) => at.split('.'));
  return epoch === ofChange && Number(sequence) >= Number(changed);
}

/**
 * Waits until the client has passed the last change: the answer to a write says that the change is
 * stored, not that it has reached the clients.
 */
function caughtUp(gateway, client) {
  return eventually('the client has passed the last change', async () => {
    if (client.state !== 'live') return false;
    // A lost connection ends a ping.
    const cursor = await client.ping().catch(() => undefined);
    return cursor && (!gateway.written || hasPassed(cursor, gateway.written));
  });
}

/** Asserts that the view equals the list. No other client may write meanwhile. */
async function assertExact(gateway, client) {
  await caughtUp(gateway, client);
  assert.ok(client.exact);
  assert.deepEqual(Object.fromEntries(client.view), await gateway.matching(client.where));
}

/** Folds the events of an iteration by the rules of the documentation. */
function follow(client) {
  const people = new Map();
  const put = (change) =>
    change.person ? people.set(change.person.id, change.person) : people.delete(change.id);
  (async () => {
    for await (const event of client) {
      if (['reset', 'filtered', 'resync'].includes(event.type)) people.clear();
      if (event.type === 'connected' && ['now', 'snapshot'].includes(event.from)) people.clear();
      for (const person of event.people ?? []) people.set(person.id, person);
      for (const change of event.changes ?? []) put(change);
      if (event.at) put(event);
    }
  })();
  return people;
}

test('a view is exact while people are saved and deleted', async (t) => {
  const gateway = await Gateway.start(t);
  await churn(gateway, 60);
  const clients = ['', ADULTS, 'firstName in ["Ada", "Emmy"]'].map((where) =>
    open(t, gateway, { where }),
  );
  const folds = clients.map(follow);
  await churn(gateway, 200);
  for (const [index, client] of clients.entries()) {
    await assertExact(gateway, client);
    assert.deepEqual(folds[index], client.view);
  }
});

test('a view survives a killed gateway', async (t) => {
  const gateway = await Gateway.start(t);
  await churn(gateway, 30);
  const client = open(t, gateway, { where: ADULTS });
  const fold = follow(client);
  const events = [];
  client.on('*', ({ type }) => events.push(type));
  await assertExact(gateway, client);
  for (let restart = 0; restart < 3; restart++) {
    await churn(gateway, 20);
    await gateway.killAndRestart();
    // Some changes happen before the client reconnects.
    await churn(gateway, 20);
    await assertExact(gateway, client);
  }
  assert.deepEqual(fold, client.view);
  const count = (type) => events.filter((other) => other === type).length;
  assert.ok(count('connected') >= 3);
  assert.equal(
    count('snapshot') + count('reset'),
    1,
    'it resumed at its cursor, without a second snapshot',
  );
});

test('a replaced store resets the view', async (t) => {
  const gateway = await Gateway.start(t);
  await churn(gateway, 30);
  const client = open(t, gateway);
  const resets = [];
  client.on('reset', ({ reason }) => resets.push(reason));
  await assertExact(gateway, client);
  await gateway.killAndRestart(() => rm(`${gateway.folder}/data`, { recursive: true }));
  gateway.written = undefined;
  await churn(gateway, 5);
  await assertExact(gateway, client);
  assert.deepEqual(resets, ['epoch']);
});

test('a cursor that the log no longer reaches is reset', async (t) => {
  const gateway = await Gateway.start(t, { 'store.log_max': 20 });
  await gateway.save(idOf(1), randomPerson());
  const first = open(t, gateway);
  await assertExact(gateway, first);
  const { cursor } = first;
  await first.stop();
  await churn(gateway, 60);
  // The gateway's memory may have more than its log.
  await gateway.killAndRestart();
  const client = open(t, gateway, { from: cursor, people: first.view.values() });
  const reset = new Promise((resolve) => client.on('reset', resolve));
  assert.equal((await reset).reason, 'trimmed');
  await assertExact(gateway, client);
});

test('a view continues from a cursor and its kept people', async (t) => {
  const gateway = await Gateway.start(t);
  await churn(gateway, 30);
  const first = open(t, gateway, { where: ADULTS });
  await assertExact(gateway, first);
  await first.stop();
  await churn(gateway, 30);
  const kept = JSON.parse(JSON.stringify([...first.view.values()]));
  const client = open(t, gateway, { where: ADULTS, from: first.cursor, people: kept });
  client.on('snapshot', () => assert.fail('it must resume'));
  await assertExact(gateway, client);
});

test('a new filter starts with a snapshot, or with now', async (t) => {
  const gateway = await Gateway.start(t);
  await churn(gateway, 60);
  const client = open(t, gateway, { where: ADULTS });
  const fold = follow(client);
  await assertExact(gateway, client);
  for (const where of ['age < 30', '', 'job == "Mathematician"']) {
    const filtering = client.filter({ where, from: 'snapshot' });
    const [cursor] = await Promise.all([filtering, churn(gateway, 20)]);
    assert.deepEqual([cursor, client.where], [undefined, where]);
    await assertExact(gateway, client);
    assert.deepEqual(fold, client.view);
  }
  const cursor = await client.filter({ where: 'age < 10', kinds: 'saves' });
  assert.deepEqual(
    [cursor, client.view.size, client.exact, client.kinds],
    [client.cursor, 0, false, 'saves'],
  );
  const created = new Promise((resolve) => client.on('create', resolve));
  await client.save({ firstName: 'No', lastName: 'Adult', age: 12, job: '' });
  await client.save({ firstName: 'A', lastName: 'Child', age: 9, job: '' });
  assert.equal((await created).person.lastName, 'Child');
});

test('a refused filter has the position of its error, and the old one stays', async (t) => {
  const gateway = await Gateway.start(t);
  await churn(gateway, 20);
  const client = open(t, gateway, { where: ADULTS });
  await assertExact(gateway, client);
  const wrong = client.filter({ where: '"😀" == job && age == "x"', from: 'snapshot' });
  await assert.rejects(wrong, (error) => {
    assert.ok(error instanceof ProblemError);
    assert.deepEqual(
      [error.problem.type, error.problem.offset],
      ['/problems/filter', '"😀" == job && age == '.length - 1],
    );
    return true;
  });
  await churn(gateway, 20);
  assert.equal(client.where, ADULTS);
  await assertExact(gateway, client);
});

test('an invalid filter at the start ends the client with the problem', async (t) => {
  const gateway = await Gateway.start(t);
  const client = open(t, gateway, { where: 'age >' });
  const error = await client.closed;
  assert.ok(error instanceof ProblemError, error);
  assert.deepEqual(
    [error.status, error.problem.type, error.problem.offset],
    [400, '/problems/filter', 5],
  );
  await assert.rejects(async () => {
    for await (const event of client) assert.fail(event.type);
  }, error);
});

test('a client reconnects after a graceful shutdown', async (t) => {
  const gateway = await Gateway.start(t);
  const client = open(t, gateway);
  await assertExact(gateway, client);
  const lost = new Promise((resolve) => client.on('disconnected', resolve));
  await gateway.kill('SIGTERM');
  assert.equal((await lost).code, 1012);
  await gateway.killAndRestart();
  await churn(gateway, 10);
  await assertExact(gateway, client);
});

test('the client saves, changes and deletes people over REST, and reports refusals', async (t) => {
  const gateway = await Gateway.start(t);
  const client = open(t, gateway, { url: `http://${gateway.address}` });
  await assertExact(gateway, client);
  const { person, at } = await client.save({
    firstName: 'Ada',
    lastName: 'Lovelace',
    age: 36,
    job: 'Mathematician',
  });
  assert.equal(at, `0:${person.revision}`);
  await eventually('the person is in the view', () => client.view.has(person.id));
  const older = await client.save({ ...person, age: 37 }, { ifMatch: person.revision });
  assert.equal(older.person.age, 37);
  await assert.rejects(client.save({ ...person, age: 38 }, { ifMatch: person.revision }), {
    status: 412,
  });
  await assert.rejects(client.save({ ...person, age: -1, job: 5 }), (error) => {
    assert.deepEqual(error.problem.errors.map(({ pointer }) => pointer).sort(), ['/age', '/job']);
    return true;
  });
  await client.remove(person.id);
  await eventually('the person has left the view', () => client.view.size === 0);
  await assert.rejects(client.remove(person.id), { status: 404 });
});
