// The parts that decide: the resume point, the waits, and the options.

import assert from 'node:assert/strict';
import test from 'node:test';

import { live } from '../index.js';
import { Backoff } from '../src/backoff.js';
import { readOptions } from '../src/options.js';
import { refusal } from '../src/problem.js';
import { Endpoint } from '../src/rest.js';
import { ResumePoint } from '../src/resume-point.js';
import { create, liveAt, page } from './support/server.js';

const CURSOR = '0:a.5.1,1:b.7.2';

/** The resume point of a client with this start, after these events. */
function after(from, ...events) {
  const point = new ResumePoint(from);
  events.forEach((event) => point.pass(event));
  return point.from;
}

test('a change advances its partition of the last cursor', () => {
  assert.equal(after('now', liveAt(CURSOR), create(1, '1:b.8.3')), '0:a.5.1,1:b.8.3');
  assert.equal(after(CURSOR, create(1, '0:a.6.1')), '0:a.6.1,1:b.7.2');
  assert.equal(
    after('now', liveAt(CURSOR), { type: 'filtered', cursor: '0:a.9.9,1:b.9.9' }),
    '0:a.9.9,1:b.9.9',
  );
  for (const type of ['position', 'batch', 'pong']) {
    assert.equal(after(CURSOR, { type, cursor: '1:b.9.1,0:a.9.1' }), '1:b.9.1,0:a.9.1', type);
  }
});

test('an incomplete snapshot has no cursor, whatever messages arrive', () => {
  for (const begin of [page(), { type: 'reset' }, { type: 'filtered' }]) {
    const meanwhile = [
      create(1, '0:a.6.1'),
      { type: 'pong', cursor: CURSOR },
      { type: 'position', cursor: CURSOR },
    ];
    assert.equal(after(CURSOR, begin, ...meanwhile), 'snapshot', begin.type);
    assert.equal(after('now', begin, ...meanwhile, liveAt(CURSOR)), CURSOR);
  }
  assert.equal(after('now', { type: 'pong' }), 'now');
});

test('waits are random, up to a bound that doubles until the maximum', () => {
  for (const [random, expected] of [
    [0, [0, 0, 0, 0, 0]],
    [0.5, [50, 100, 200, 400, 500]],
    [1, [100, 200, 400, 800, 1000]],
  ]) {
    const backoff = new Backoff({ firstMs: 100, mostMs: 1000 }, () => random);
    assert.deepEqual(expected.map(() => backoff.next()), expected);
    backoff.succeeded();
    assert.equal(backoff.next(), expected[0]);
  }
});

test('waits for a local gateway are short unless the gateway sets them', () => {
  const most = (url, backoff, wait) =>
    new Backoff(
      readOptions({ url, WebSocket: Object, ...(backoff && { backoff }) }).backoff,
      () => 1,
    ).next(wait);
  const many = { firstMs: 1e6 };
  for (const url of [
    'http://127.0.0.1:8080',
    'ws://localhost',
    'http://a.localhost:1',
    'http://[::1]:8080',
    'ws://127.9.9.9',
  ]) {
    assert.deepEqual(
      [most(url, many), most(url, many, { afterMs: 20_000 }), most(url, many, { upToMs: 9_000 })],
      [3_000, 23_000, 9_000],
      url,
    );
    assert.equal(
      most(url, { ...many, mostMs: 50_000 }),
      50_000,
      'the option overrides the default',
    );
  }
  for (const url of [
    'https://people.example',
    'http://localhost.example',
    'http://128.0.0.1',
    'http://[::2]',
  ]) {
    assert.equal(most(url, many), 30_000, url);
  }
});

test('a wait from the gateway is bounded by the limit of the client', () => {
  const most = (wait) => new Backoff({ firstMs: 100, mostMs: 1000 }, () => 1).next(wait);
  assert.deepEqual([most({ upToMs: 30 }), most({ upToMs: 5000 })], [30, 1000]);
  assert.deepEqual([most({ afterMs: 300 }), most({ afterMs: 5000 })], [400, 1000]);
});

test('a URL may name the gateway or a stream, with any scheme', () => {
  const all = { where: '', kinds: 'all' };
  for (const [url, stream, people] of [
    ['http://h:1', 'ws://h:1/updates?from=now', 'http://h:1/people/x'],
    ['wss://h/people', 'wss://h/people?from=now', 'https://h/people/x'],
    ['https://h/base/', 'wss://h/base/updates?from=now', 'https://h/base/people/x'],
    [
      'ws://h/base/updates?tenant=1#top',
      'ws://h/base/updates?tenant=1&from=now',
      'http://h/base/people/x',
    ],
  ]) {
    const endpoint = new Endpoint(url);
    assert.equal(endpoint.stream('ws', all, 'now').href, stream);
    assert.equal(endpoint.people('x').href, people);
  }
  const filtered = new Endpoint('ws://h').stream(
    'http',
    { where: 'age > 1 && job == "+"', kinds: 'saves', fields: ['job', 'attributes.city'] },
    'a:b',
  );
  assert.deepEqual(Object.fromEntries(filtered.searchParams), {
    kinds: 'saves',
    where: 'age > 1 && job == "+"',
    fields: 'job,attributes.city',
    from: 'a:b',
  });
  assert.equal(filtered.protocol, 'http:');
});

test('invalid options are refused at once', () => {
  for (const options of [
    {},
    { url: 'ftp://h' },
    { url: 'h' },
    { url: 'ws://h', kinds: 'some' },
    { url: 'ws://h', people: [] },
    { url: 'ws://h', token: '' },
    { url: 'ws://h', token: 'Bearer a.b.c' },
    { url: 'ws://h', token: null },
  ]) {
    assert.throws(() => live(options), TypeError);
  }
});

test('a refusal has the seconds after which a repeat makes sense', async () => {
  const answer = async (status, headers) =>
    (await refusal(new Response('{"detail":"d"}', { status, headers }))).retryAfter;
  for (const status of [429, 503]) {
    assert.equal(await answer(status, { 'retry-after': '7' }), 7);
    assert.equal(await answer(status, { 'retry-after': '0' }), 0);
    assert.equal(await answer(status, { 'retry-after': 'Wed, 21 Oct 2026 07:28:00 GMT' }), undefined);
    assert.equal(await answer(status, {}), undefined);
  }
});
