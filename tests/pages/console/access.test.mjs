// The console's caller: the token of the tab, the rights, and the calls with both.

import assert from 'node:assert/strict';
import test from 'node:test';

import { load } from './modules.mjs';

const { Access, access } = await load('access.js');
const { existingAt } = await load('import-plan.js');
const { linesFor } = await load('lines.js');
const { Sender } = await load('sending.js');

const KEY = 'people-gateway.token';
const TOKEN = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2VjcmV0';

/** A tab's storage in memory. */
const storage = (items = {}) => ({
  getItem: (key) => items[key] ?? null,
  setItem: (key, value) => (items[key] = value),
  removeItem: (key) => delete items[key],
  items,
});
const problem = (status, members) =>
  Response.json({ status, detail: `status ${status}`, ...members }, { status });
const missing = () => problem(401, { reason: 'missing' });
const expired = () => problem(401, { reason: 'expired', detail: 'The token has expired.' });
const reader = (members) => Response.json({
  subject: 'ada', role: 'reader', can: ['read', 'watch'], hide: [], seconds: 60, ...members,
});

/** Answers calls in turn; `calls` has the path and the Authorization of each. */
function gateway(t, ...answers) {
  const calls = [];
  t.mock.method(globalThis, 'fetch', async (path, { headers } = {}) => {
    calls.push([String(path), headers?.authorization]);
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    return answer;
  });
  return calls;
}

test('without authentication all is allowed, and nobody is named', async (t) => {
  const calls = gateway(t, Response.json({ can: ['read', 'create', 'import'], hide: [] }));
  const one = new Access(storage());
  assert.ok(one.can('create'), 'before the answer');
  await one.ask();
  assert.deepEqual(calls, [['rights', undefined]]);
  assert.deepEqual([one.refusal, one.until, one.rights.subject], [undefined, undefined, undefined]);
  assert.deepEqual(one.button('create', 'Key: n'), { title: 'Key: n' });
});

test('an accepted token is kept for the tab, and is sent with each call', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 });
  const kept = storage();
  const calls = gateway(t, missing(), reader(), Response.json([]), reader());
  const one = new Access(kept);
  let changes = 0;
  one.changed = () => changes++;
  await one.ask();
  assert.deepEqual([one.refusal.reason, changes], ['missing', 1]);
  assert.equal(await one.signIn(` Bearer ${TOKEN.slice(0, 40)}\n  ${TOKEN.slice(40)}\n`), true);
  assert.deepEqual([one.refusal, one.token, changes], [undefined, TOKEN, 2]);
  assert.deepEqual(kept.items, { [KEY]: TOKEN });
  assert.deepEqual([one.rights.subject, one.until], ['ada', 1_060_000]);
  await one.fetch('people', { headers: { accept: 'application/json' } });
  const reloaded = new Access(kept);
  await reloaded.ask();
  assert.deepEqual(calls, [
    ['rights', undefined],
    ['rights', `Bearer ${TOKEN}`],
    ['people', `Bearer ${TOKEN}`],
    ['rights', `Bearer ${TOKEN}`],
  ]);
  reloaded.forget();
  assert.deepEqual([reloaded.token, kept.items], [undefined, {}]);
});

test('buttons that the rights do not allow are disabled with the reason', async (t) => {
  gateway(t, reader(), reader({ role: null, can: [] }));
  const one = new Access(storage({ [KEY]: TOKEN }));
  await one.ask();
  assert.deepEqual([one.can('watch'), one.can('import')], [true, false]);
  assert.deepEqual(one.button('delete', 'Key: x'), {
    disabled: true, title: 'The role reader does not allow this: it lacks delete.',
  });
  await one.ask();
  assert.equal(one.why('read'), 'Your token does not allow this: it lacks read.');
});

test('a refused token is not kept, and the reason is shown', async (t) => {
  const kept = storage();
  const calls = gateway(
    t,
    problem(401, { reason: 'signature', detail: 'The signature is wrong.' }),
    problem(503, { detail: 'No keys yet.' }),
    new Response('<html>', { status: 502 }),
    new TypeError('fetch failed'),
    new Response('<html>', { status: 200 }),
  );
  const one = new Access(kept);
  const details = [];
  for (let again = 0; again < 5; again++) {
    assert.equal(await one.signIn(TOKEN), false);
    details.push(one.refusal.detail);
  }
  const absent = 'The gateway cannot be reached. Try again.';
  assert.deepEqual(details, [
    'The signature is wrong.', 'No keys yet.', 'The gateway answered 502.', absent, absent,
  ]);
  assert.equal(calls.length, 5);
  for (const text of ['', 'a"b', 'ä.b.c', '<b>']) {
    assert.equal(await one.signIn(text), false);
    assert.match(one.refusal.detail, /^This is no token/);
  }
  assert.equal(calls.length, 5, 'what cannot be a token is not sent');
  assert.deepEqual([one.token, kept.items], [undefined, {}]);
});

test('a token that the gateway refuses later is forgotten', async (t) => {
  const kept = storage({ [KEY]: TOKEN });
  gateway(t, reader(), expired(), missing(), reader(), expired());
  const one = new Access(kept);
  await one.ask();
  const answer = await one.fetch('people/1');
  assert.equal((await answer.json()).reason, 'expired', 'the caller can read the answer, too');
  assert.deepEqual([one.token, kept.items], [undefined, {}]);
  await one.fetch('people/2');
  assert.equal(one.refusal.reason, 'expired', 'the first reason stays');
  assert.equal(one.rights.subject, 'ada', 'the page below stays as it is');
  await one.signIn('a.new.one');
  one.refuse(TOKEN, { reason: 'expired' });
  assert.deepEqual([one.token, one.refusal], ['a.new.one', undefined], 'a late refusal is no news');
});

test('a 403 refuses a call, not the token', async (t) => {
  gateway(t, problem(403, { verb: 'import' }));
  const one = new Access(storage({ [KEY]: TOKEN }));
  assert.equal((await one.fetch('people/import')).status, 403);
  assert.deepEqual([one.token, one.refusal], [TOKEN, undefined]);
});

test('without a storage the token is in memory', async (t) => {
  gateway(t, reader(), reader());
  const full = storage();
  full.setItem = () => { throw new Error('full'); };
  for (const kept of [undefined, full]) {
    const one = new Access(kept);
    assert.equal(await one.signIn(TOKEN), true);
    assert.equal(one.token, TOKEN);
    one.forget();
  }
  assert.equal(new Access(storage({ [KEY]: 'a "b"' })).token, undefined, 'garbage is ignored');
});

test('imports, previews and command lines use the token of the page', async (t) => {
  globalThis.location = { href: 'https://people.example/gw/' };
  t.after(() => delete globalThis.location);
  const view = { where: 'age > 1', kinds: 'all' };
  assert.doesNotMatch(Object.values(linesFor(view)).join(), /Authorization/);
  const sums = JSON.stringify({ saved: 1, refused: 0, lines: 1 });
  const calls = gateway(t, reader(), new Response(sums), Response.json([]), expired());
  await access.signIn(TOKEN);
  const sender = new Sender(new AbortController().signal, () => {});
  assert.equal((await sender.send([{ line: 1, json: '{}' }])).saved, 1);
  assert.deepEqual(await existingAt(['city'], undefined), []);
  for (const line of Object.values(linesFor(view))) {
    assert.match(line, / -H "Authorization: Bearer \$PEOPLE_GATEWAY_TOKEN" /);
    assert.ok(!line.includes(TOKEN));
  }
  await assert.rejects(sender.send([{ line: 1, json: '{}' }]), {
    message: 'The token has expired.',
  });
  assert.equal(access.refusal.reason, 'expired');
  assert.deepEqual(calls.map(([, sent]) => sent), Array(4).fill(`Bearer ${TOKEN}`));
  for (const [path] of calls) assert.doesNotMatch(path, /eyJ/);
});
