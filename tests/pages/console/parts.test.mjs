// The console's parts without a page: the order of the rows, the log, the rates.

import assert from 'node:assert/strict';
import test from 'node:test';

import { load } from './modules.mjs';

const { Rows } = await load('rows.js');
const { EventLog } = await load('event-log.js');
const { Rates } = await load('rates.js');

const person = (id, lastName, age, updatedAt) => ({
  id,
  firstName: 'F',
  lastName,
  age,
  job: 'J',
  revision: 'e.1.1',
  updatedAt,
});

test('rows are in order, and departed people stay for a moment', (t) => {
  t.mock.timers.enable({ apis: ['Date', 'setTimeout'] });
  const [a, b, c] = [
    person('1', 'a', 30, '2026-01-01'),
    person('2', 'B', 20, '2026-01-03'),
    person('3', 'c', 20, '2026-01-02'),
  ];
  const view = new Map([a, b, c].map((person) => [person.id, person]));
  const rows = new Rows();
  const order = () => {
    t.mock.timers.tick(1000);
    rows.show(view, () => {});
    return rows.list.map(({ id }) => id).join('');
  };
  assert.equal(order(), '231', 'the latest change first');
  rows.sortBy('name');
  assert.equal(order(), '123', 'in any case');
  rows.sortBy('age');
  assert.equal(order(), '231', 'equal ages by id');
  rows.sortBy('age');
  assert.equal(order(), '132');
  view.delete('3');
  rows.flash('leave', c);
  assert.equal(order(), '132');
  assert.equal(rows.flashOf('3').type, 'leave');
  t.mock.timers.tick(1000);
  assert.equal(order(), '12');
  assert.equal(rows.flashOf('3'), undefined);
});

test('a paused log keeps its entries and counts new events', () => {
  const log = new EventLog();
  for (let n = 1; n <= 3; n++) log.add({ n }, `${n}`);
  log.togglePause();
  log.add({ n: 4 }, '4');
  assert.deepEqual([log.latest(2).map(({ event }) => event.n), log.missed], [[3, 2], 1]);
  log.togglePause();
  assert.deepEqual([log.latest(2).map(({ event }) => event.n), log.missed], [[4, 3], 0]);
  for (let n = 5; n <= 5000; n++) log.add({ n }, `${n}`);
  assert.deepEqual([log.latest(1)[0].event.n, log.latest(9999).length <= 1000], [5000, true]);
});

test('consecutive equal events are one entry with a count and the last time', (t) => {
  t.mock.timers.enable({ apis: ['Date'] });
  const log = new EventLog();
  for (let n = 1; n <= 3; n++) {
    t.mock.timers.tick(1000);
    log.add({ n }, 'disconnected the gateway cannot be reached');
  }
  const [{ key, count, event, time }] = log.latest(9);
  assert.deepEqual([count, event.n, time.getTime(), log.latest(9).length], [3, 3, 3000, 1]);
  log.togglePause();
  log.add({ n: 4 }, 'disconnected the gateway cannot be reached');
  assert.deepEqual(
    [log.latest(9).map(({ count }) => count), log.missed],
    [[3], 1],
    'visible entries do not change',
  );
  log.togglePause();
  assert.deepEqual(
    log.latest(9).map(({ key, count }) => [key, count]),
    [[key, 4]],
    'the entry stays the same',
  );
  log.add({ n: 5 }, 'connected');
  log.add({ n: 6 }, 'disconnected the gateway cannot be reached');
  assert.deepEqual(log.latest(9).map(({ count }) => count), [1, 1, 4]);
});

test('rates count arrivals, changes and departures in each second', () => {
  const rates = new Rates();
  for (const type of ['create', 'enter', 'update', 'leave', 'delete', 'delete', 'live'])
    rates.count(type);
  rates.tick();
  assert.deepEqual([rates.data.slice(1).map((line) => line.at(-1)), rates.last], [[2, 1, 3], 6]);
  rates.tick();
  assert.equal(rates.last, 0);
});
