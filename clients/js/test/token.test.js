// The token: asked for at each need, sent where no log keeps it, and replaced before it expires.

import assert from 'node:assert/strict';
import test from 'node:test';

import { ClientError, live, ProblemError } from '../index.js';
import { create, liveAt, Server } from './support/server.js';

const HOUR_MS = 3_600_000;
const quick = { backoff: { firstMs: 5, mostMs: 20 } };
/** A text that a failure must never show. */
const SECRET = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2VjcmV0';

function open(t, server, options) {
  const client = live({ url: server.url, ...quick, ...options });
  t.after(() => client.stop());
  return client;
}

const next = (client, type) => new Promise((resolve) => {
  const off = client.on(type, (event) => (off(), resolve(event)));
});

/** A function that gives `t1`, `t2` and so on; `asked` counts the calls. */
function numbered() {
  const token = () => `t${++token.asked}`;
  token.asked = 0;
  return token;
}

const refusal = (status, reason) => ({
  status,
  problem: { type: `/problems/${status === 401 ? 'token' : 'forbidden'}`, status, reason },
});
const bearer = ({ headers, offers }) =>
  headers.authorization ?? offers.find((name) => name.startsWith('bearer.'));

test('each connection offers a fresh token beside the format', async (t) => {
  const server = await Server.start(t);
  const client = open(t, server, { token: numbered() });
  for (const token of ['t1', 't2', 't3']) {
    const peer = await server.peer();
    assert.deepEqual(peer.offers, ['people.v1.json', `bearer.${token}`]);
    peer.cut();
  }
  assert.equal(client.error, undefined);
});

test('a text is the token of each connection, and without the option there is none', async (t) => {
  const server = await Server.start(t);
  open(t, server, { token: 'a.b-c_d.e' });
  for (let again = 0; again < 2; again++) {
    const peer = await server.peer();
    assert.deepEqual(peer.offers, ['people.v1.json', 'bearer.a.b-c_d.e']);
    if (again === 0) peer.cut();
  }
  open(t, server, {});
  assert.deepEqual((await server.peer()).offers, ['people.v1.json']);
});

test('a client whose token has expired resumes at its cursor with another one', async (t) => {
  const server = await Server.start(t);
  const client = open(t, server, { token: numbered() });
  const peer = await server.peer();
  const arrived = next(client, 'live');
  peer.send(liveAt('0:a.5.1,v:00ff'));
  await arrived;
  const changed = next(client, 'create');
  peer.send(create(1, '0:a.6.1'));
  await changed;
  peer.close(4001, 'expired');
  const lost = await next(client, 'disconnected');
  assert.deepEqual([lost.code, lost.reason], [4001, 'expired']);
  const again = await server.peer();
  assert.deepEqual(again.offers[1], 'bearer.t2');
  assert.equal(again.query.from, '0:a.6.1,v:00ff', 'the print of the rights stays in the cursor');
  const reset = next(client, 'reset');
  again.send({ type: 'reset', reason: 'rights' });
  assert.equal((await reset).reason, 'rights');
  assert.deepEqual([client.view.size, client.cursor, client.state], [0, undefined, 'snapshot']);
});

test('a token that expires soon is replaced on the open connection', async (t) => {
  const server = await Server.start(t);
  const client = open(t, server, { token: numbered() });
  const peer = await server.peer();
  const expiring = next(client, 'expiring');
  peer.send(liveAt('0:a.5.1'), { type: 'expiring', seconds: 90 });
  assert.equal((await expiring).seconds, 90);
  const { type, token, ref } = await peer.nextMessage();
  assert.deepEqual([type, token], ['token', 't2']);
  const renewed = next(client, 'token');
  peer.send({ type: 'token', ref, seconds: 3600 });
  assert.equal((await renewed).seconds, 3600);
  const error = next(client, 'error');
  peer.send({ type: 'expiring', seconds: 90 });
  const second = await peer.nextMessage();
  assert.equal(second.token, 't3');
  peer.send({ type: 'error', ref: second.ref, problem: { type: '/problems/token' } });
  assert.equal((await error).problem.type, '/problems/token');
  assert.equal(client.state, 'live', 'a refused replacement changes nothing');
});

test('a failed replacement is reported and tried again while the old token holds', async (t) => {
  const server = await Server.start(t);
  let calls = 0;
  const token = async () => {
    if (++calls === 2) throw new Error(`no answer to ${SECRET}`);
    return `t${calls}`;
  };
  const client = open(t, server, { token });
  const peer = await server.peer();
  const error = next(client, 'error');
  peer.send(liveAt('0:a.5.1'), { type: 'expiring', seconds: 90 });
  assert.deepEqual((await error).problem, { detail: 'no token: no answer to …' });
  assert.equal((await peer.nextMessage()).token, 't3');
  assert.equal(client.state, 'live');
});

test('a text is not sent again when it expires', async (t) => {
  const server = await Server.start(t);
  const client = open(t, server, { token: 'a.b.c' });
  const peer = await server.peer();
  const expiring = next(client, 'expiring');
  peer.send(liveAt('0:a.5.1'), { type: 'expiring', seconds: 90 });
  await expiring;
  client.ping().catch(() => {});
  assert.equal((await peer.nextMessage()).type, 'ping');
});

test('a function that fails or gives no token is a failed attempt', async (t) => {
  const server = await Server.start(t);
  const outcomes = [
    () => { throw new Error('the issuer is away'); },
    () => Promise.reject(new TypeError(`bad: ${SECRET}`)),
    () => undefined,
    () => `Bearer ${SECRET}`,
    () => '',
    () => SECRET,
  ];
  const expected = [
    'no token: the issuer is away',
    'no token: bad: …',
    ...Array(3).fill('no token: the function gave something else'),
  ];
  const events = [];
  const client = open(t, server, { token: () => outcomes.shift()() });
  client.on('disconnected', (event) => events.push(event));
  assert.deepEqual((await server.peer()).offers, ['people.v1.json', `bearer.${SECRET}`]);
  assert.deepEqual(events.map(({ why }) => why), expected);
  for (const { retryMs, code, problem } of events) {
    assert.ok(retryMs <= quick.backoff.mostMs);
    assert.deepEqual([code, problem], [undefined, undefined]);
  }
});

test('a function has a time limit, and its late answer is ignored', async (t) => {
  const server = await Server.start(t);
  let late;
  let calls = 0;
  const token = () => {
    if (++calls > 1) return 't2';
    return new Promise((resolve) => (late = resolve));
  };
  const client = open(t, server, { token, tokenMs: 20 });
  assert.equal((await next(client, 'disconnected')).why, 'no token within 0.02 s');
  late('t1');
  assert.equal((await server.peer()).offers[1], 'bearer.t2');
});

test('a client that is stopped while it waits for a token ends at once', async (t) => {
  const server = await Server.start(t);
  const client = open(t, server, { token: () => new Promise(() => {}) });
  await new Promise(setImmediate);
  client.on('disconnected', () => assert.fail('there was no connection'));
  assert.equal(await client.stop(), undefined);
  assert.equal(client.state, 'ended');
});

test('an expired token is replaced after its refusal', async (t) => {
  const server = await Server.start(t);
  const token = numbered();
  server.refusal = (request) => (/t1$/.test(bearer(request)) ? refusal(401, 'expired') : undefined);
  const client = open(t, server, { token });
  const lost = await next(client, 'disconnected');
  assert.equal(lost.problem.reason, 'expired');
  assert.ok(lost.retryMs <= quick.backoff.mostMs);
  assert.equal((await server.peer()).offers[1], 'bearer.t2');
  assert.deepEqual(
    server.requests.map(bearer),
    ['bearer.t1', 'Bearer t1'],
    'the second look carries the same token',
  );
  assert.equal(client.error, undefined);
});

test('two refused tokens in a row end the client with the problem', async (t) => {
  const server = await Server.start(t);
  const token = numbered();
  const client = open(t, server, { token });
  let refused = next(client, 'disconnected');
  server.refusal = refusal(401, 'expired');
  assert.equal((await refused).problem.reason, 'expired');
  server.refusal = undefined;
  const peer = await server.peer();
  server.refusal = refusal(401, 'signature');
  refused = next(client, 'disconnected');
  peer.cut();
  await refused;
  const error = await client.closed;
  assert.ok(error instanceof ProblemError);
  assert.deepEqual([error.status, error.problem.reason, token.asked], [401, 'signature', 4]);
});

test('an accepted token forgets the refusals before it', async (t) => {
  const server = await Server.start(t);
  const token = numbered();
  server.refusal = (request) =>
    (/t[135]$/.test(bearer(request)) ? refusal(401, 'expired') : undefined);
  const client = open(t, server, { token });
  for (const accepted of ['t2', 't4', 't6']) {
    const peer = await server.peer();
    assert.equal(peer.offers[1], `bearer.${accepted}`);
    const arrived = next(client, 'live');
    peer.send(liveAt('0:a.5.1'));
    await arrived;
    if (accepted !== 't6') peer.cut();
  }
  assert.equal(client.error, undefined);
});

for (const [name, status, options] of [
  ['a refused text', 401, { token: 'a.b.c' }],
  ['a missing token', 401, {}],
  ['a token without the right', 403, { token: numbered() }],
]) {
  test(`${name} ends the client with the problem`, async (t) => {
    const server = await Server.start(t);
    server.refusal = refusal(status, 'expired');
    const error = await open(t, server, options).closed;
    assert.ok(error instanceof ProblemError);
    assert.equal(error.status, status);
    assert.equal(server.refused, 1);
  });
}

/** A client with its server's answers to REST: of the stream it needs nothing. */
async function rest(t, token, ...answers) {
  const server = await Server.start(t);
  const client = open(t, server, { token });
  await server.peer();
  server.requests.length = 0;
  server.refusal = () => answers.shift();
  return { server, client };
}
const saved = (problem) => ({ status: 200, headers: { 'change-position': '0:a.7.1' }, problem });
const ADA = { firstName: 'Ada', lastName: 'L', age: 36, job: '' };

test('saves and deletions carry a token, and replace one that has expired', async (t) => {
  const { server, client } = await rest(
    t, numbered(),
    saved({ id: 'x' }), refusal(401, 'expired'), saved({ id: 'x' }), { status: 204 },
  );
  assert.deepEqual(await client.save(ADA), { person: { id: 'x' }, at: '0:a.7.1' });
  await client.save({ ...ADA, id: 'x' }, { ifMatch: 'a.7.1' });
  await client.remove('x');
  assert.deepEqual(
    server.requests.map(({ method, headers }) => [method, headers.authorization]),
    [['POST', 'Bearer t2'], ['PUT', 'Bearer t3'], ['PUT', 'Bearer t4'], ['DELETE', 'Bearer t5']],
  );
  assert.equal(server.requests[2].headers['if-match'], '"a.7.1"');
  for (const { url } of server.requests) assert.doesNotMatch(url, /t\d|\?/);
});

test('a save is refused once the second token has expired, too, or is not enough', async (t) => {
  const { server, client } = await rest(
    t, numbered(),
    refusal(401, 'expired'), refusal(401, 'expired'), refusal(401, 'key'), refusal(403),
  );
  await assert.rejects(client.save(ADA), { name: 'ProblemError', status: 401 });
  assert.equal(server.requests.length, 2);
  await assert.rejects(client.save(ADA), { status: 401 });
  await assert.rejects(client.remove('x'), { status: 403 });
  assert.equal(server.requests.length, 4);
  assert.equal(client.error, undefined, 'a refused save does not end the client');
});

test('a save without a token is refused before it is sent', async (t) => {
  let fails = false;
  const token = () => {
    if (fails) throw new Error('the issuer is away');
    return 't1';
  };
  const { server, client } = await rest(t, token);
  fails = true;
  await assert.rejects(client.save(ADA), (error) => {
    assert.ok(error instanceof ClientError);
    assert.equal(error.message, 'no token: the issuer is away');
    return true;
  });
  assert.equal(server.requests.length, 0);
});

test('a caller that may not read gets no person', async (t) => {
  const answer = { status: 204, headers: { 'change-position': '0:a.7.1' } };
  const { client } = await rest(t, 'a.b.c', answer);
  assert.deepEqual(await client.save(ADA), { person: undefined, at: '0:a.7.1' });
});

test('no event, error or URL shows a token', async (t) => {
  const server = await Server.start(t);
  const seen = [];
  class Socket extends WebSocket {
    constructor(url, protocols) {
      super(url, protocols);
      seen.push(String(url));
    }
  }
  const looked = (url, options) => {
    seen.push(String(url));
    return fetch(url, options);
  };
  server.refusal = refusal(401, 'expired');
  const client = open(t, server, {
    token: () => SECRET, WebSocket: Socket, fetch: looked, backoff: { firstMs: 1, mostMs: HOUR_MS },
  });
  client.on('*', (event) => seen.push(JSON.stringify(event)));
  const error = await client.closed;
  seen.push(JSON.stringify(error), error.stack, String(error));
  assert.ok(seen.length > 6);
  assert.throws(() => live({ url: 'ws://h', token: `${SECRET} ` }), ({ message, stack }) => {
    seen.push(message, stack);
    return true;
  });
  for (const text of seen) assert.doesNotMatch(text, /eyJ|c2VjcmV0/);
});
