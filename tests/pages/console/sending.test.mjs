// An import continues after outages, as `people-gateway import` does: it sends failed lines again,
// in order.

import assert from 'node:assert/strict';
import test from 'node:test';

import { load } from './modules.mjs';

const { Sender } = await load('sending.js');

const lines = ['a', 'b', 'c', 'd'].map((json, index) => ({ line: 10 + index, json }));
const refusal = (line, status) => ({ line, problem: { status, detail: `status ${status}` } });
const report = (lines, ...refused) => {
  const sums = { saved: lines - refused.length, refused: refused.length, lines };
  return new Response([...refused, sums].map((one) => `${JSON.stringify(one)}\n`).join(''));
};
const problem = (status, headers = {}) =>
  new Response(JSON.stringify({ detail: `status ${status}` }), { status, headers });

/**
 * A sender whose gateway gives these answers in turn; `sent` has the bodies, `waits` the reasons
 * for waits.
 */
function sender(t, answers, signal = new AbortController().signal) {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const sent = [];
  const waits = [];
  t.mock.method(globalThis, 'fetch', async (_, { body }) => {
    sent.push(body.replaceAll('\n', ''));
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (answer instanceof Error) throw answer;
    return answer instanceof Response ? answer : answer();
  });
  const waited = (why, ms) => {
    waits.push(why);
    // The sender must set its timer before the clock moves.
    setImmediate(() => t.mock.timers.tick(Math.ceil(ms) + 1));
  };
  return { sent, waits, sender: new Sender(signal, waited) };
}

test('refused lines have their line numbers in the file', async (t) => {
  const { sender: one, sent, waits } = sender(t, [report(4, refusal(2, 422), refusal(4, 422))]);
  const { saved, refused } = await one.send(lines);
  assert.deepEqual(
    [saved, refused.map(({ line }) => line), sent, waits],
    [2, [11, 13], ['abcd'], []],
  );
});

test('all lines from the first transient failure on are sent again', async (t) => {
  const {
    sender: one,
    sent,
    waits,
  } = sender(t, [report(4, refusal(1, 422), refusal(3, 503)), report(2, refusal(2, 422))]);
  const { saved, refused } = await one.send(lines);
  assert.deepEqual([saved, refused.map(({ line }) => line)], [2, [10, 13]]);
  assert.deepEqual([sent, waits], [['abcd', 'cd'], ['status 503']]);
});

test('the sender waits for the end of an outage and sends the lines again', async (t) => {
  const cut = new TypeError('fetch failed');
  const {
    sender: one,
    sent,
    waits,
  } = sender(t, [cut, problem(503, { 'retry-after': '7' }), problem(429), report(4)]);
  const began = Date.now();
  assert.deepEqual(await one.send(lines), { saved: 4, refused: [] });
  assert.deepEqual(sent, ['abcd', 'abcd', 'abcd', 'abcd']);
  assert.deepEqual(waits, [
    'the gateway cannot be reached (fetch failed)',
    'status 503',
    'status 429',
  ]);
  assert.ok(
    Date.now() - began >= 5000,
    'the sender waits as long as the gateway sets, up to the limit',
  );
});

test('a permanent failure ends the import', async (t) => {
  for (const [answer, words] of [
    [() => problem(507), 'status 507'],
    [() => problem(404), 'status 404'],
    [() => new Response('<html>', { status: 400 }), 'the gateway answered 400'],
    [() => report(0), 'the gateway read none of the lines'],
  ]) {
    t.mock.reset();
    const { sender: one, sent } = sender(t, [answer]);
    await assert.rejects(one.send(lines), { message: words });
    assert.equal(sent.length, 1, words);
  }
});

test('an outage over the limit ends the import', async (t) => {
  const { sender: one, waits } = sender(t, [() => problem(503)]);
  const began = Date.now();
  await assert.rejects(one.send(lines), { message: 'status 503' });
  assert.ok(Date.now() - began >= 60_000);
  assert.ok(waits.length > 12, `${waits.length}`);
});

test('a stop ends the wait', async (t) => {
  const stop = new AbortController();
  t.mock.method(globalThis, 'fetch', async () => problem(503));
  const one = new Sender(stop.signal, () => setImmediate(() => stop.abort()));
  await assert.rejects(one.send(lines), { name: 'AbortError' });
});
