// The API page as files, and what it makes of a description.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import test from 'node:test';

const PAGE = new URL('../../web/api/', import.meta.url);
const CONSOLE = new URL('../../web/console/', import.meta.url);
/** The console's files that it has at its own paths. */
const SHARED = ['style.css', 'icon.svg', 'copy.js', 'theme.js', 'vendor/htm-preact.js'];

const own = readdirSync(PAGE).filter((name) => /\.(html|js|css)$/.test(name));
const text = (name) => readFileSync(new URL(name, SHARED.includes(name) ? CONSOLE : PAGE), 'utf8');

test('whatever the page loads is there, and all that is there is loaded', () => {
  const waiting = [...text('index.html').matchAll(/(?:src|href)="docs\/([^"]+)"/g)].map(([, name]) => name);
  const seen = new Set(['index.html']);
  for (let name = waiting.pop(); name; name = waiting.pop()) {
    if (seen.has(name)) continue;
    seen.add(name);
    if (!name.endsWith('.js')) continue;
    for (const [, from] of text(name).matchAll(/(?:^|\n)import[^;]*? from '\.\/([^']+)'/g)) waiting.push(from);
  }
  assert.deepEqual([...seen].sort(), [...own, ...SHARED].sort());
});

test('nothing is inline, nothing names another host or a path from its root, and each file begins with its purpose', () => {
  for (const name of own) {
    assert.doesNotMatch(text(name), /(?:src|href)="\/|fetch\('\//, name);
    assert.doesNotMatch(text(name), /<script(?![^>]*\bsrc=)|<style|\bstyle="|\son\w+="|https?:\/\/[\w.]/, name);
    if (!name.endsWith('.html')) assert.match(text(name), /^(\/\/|\/\*) /, name);
  }
});


/** A module that imports none, or only those that are given as `[name, address]`. */
const address = (name, ...imports) => {
  const whole = imports.reduce((source, [from, to]) => source.replace(`'./${from}'`, JSON.stringify(to)), text(name));
  return `data:text/javascript,${encodeURIComponent(whole)}`;
};
const described = address('document.js');
const { groups, limits, words } = await import(described);
const { line } = await import(address('curl.js', ['document.js', described]));

const document = {
  tags: [{ name: 'A' }, { name: 'B' }, { name: 'Pages' }],
  paths: {
    '/people/{id}': {
      put: {
        tags: ['A'], operationId: 'replace', parameters: [{ $ref: '#/components/parameters/Id' }],
        requestBody: { content: { 'application/json': { example: { firstName: "O'Hara" } } } },
      },
    },
    '/docs': { get: { tags: ['Pages'], operationId: 'page' } },
    '/updates': { get: { tags: ['B'], operationId: 'updates', 'x-stream': true, parameters: [{ name: 'where', in: 'query', example: 'age > 3' }] } },
  },
  components: { parameters: { Id: { name: 'id', in: 'path', example: '7' } } },
};

test('calls stand in their groups but for pages, and each has a line for a shell', () => {
  const found = groups(document);
  assert.deepEqual(found.map(({ tag, calls }) => [tag.name, calls.map(({ operationId }) => operationId)]), [['A', ['replace']], ['B', ['updates']]]);
  const lines = found.flatMap(({ calls }) => calls).map((call) => line(document, call, 'http://h/'));
  assert.deepEqual(lines, [
    `curl -s -X PUT 'http://h/people/7' -H 'Content-Type: application/json' --data-binary '{"firstName":"O'\\''Hara"}'`,
    `curl -sN -G --data-urlencode 'where=age > 3' 'http://h/updates'`,
  ]);
});

test('a shape is told in a few words', () => {
  for (const [schema, said] of [
    [{ type: 'array', items: { $ref: '#/components/schemas/Person' } }, 'Person[]'],
    [{ type: ['string', 'null'], format: 'uuid' }, 'string | null (uuid)'],
    [{ anyOf: [{ $ref: '#/components/schemas/A' }, { type: 'null' }] }, 'A | null'],
    [{ enum: ['a', 1] }, '"a" | 1'],
    [{}, 'any'],
  ]) assert.equal(words(schema), said);
  assert.deepEqual(limits({ minimum: 0, maximum: 150 }), ['0 to 150']);
  assert.deepEqual(limits({ minLength: 1, pattern: '^a$', default: 'x' }), ['1 or more characters', '^a$', 'default x']);
});
