// The files of the API page, and its functions for OpenAPI documents.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import test from 'node:test';

const PAGE = new URL('../../../web/api/', import.meta.url);
const CONSOLE = new URL('../../../web/console/', import.meta.url);
/** The console's files that the API page uses. */
const SHARED = ['style.css', 'icon.svg', 'copy.js', 'theme.js', 'vendor/htm-preact.js'];

const own = readdirSync(PAGE).filter((name) => /\.(html|js|css)$/.test(name));
const text = (name) => readFileSync(new URL(name, SHARED.includes(name) ? CONSOLE : PAGE), 'utf8');

test('the page loads all of its files and no others', () => {
  const waiting = [...text('index.html').matchAll(/(?:src|href)="docs\/([^"]+)"/g)].map(
    ([, name]) => name,
  );
  const loaded = new Set(['index.html']);
  for (let name = waiting.pop(); name; name = waiting.pop()) {
    if (loaded.has(name)) continue;
    loaded.add(name);
    if (!name.endsWith('.js')) continue;
    for (const [, from] of text(name).matchAll(/(?:^|\n)import[^;]*? from '\.\/([^']+)'/g))
      waiting.push(from);
  }
  assert.deepEqual([...loaded].sort(), [...own, ...SHARED].sort());
});

test('files have no inline code, other hosts or absolute paths, and name their purpose', () => {
  for (const name of own) {
    assert.doesNotMatch(text(name), /(?:src|href)="\/|fetch\('\//, name);
    assert.doesNotMatch(
      text(name),
      /<script(?![^>]*\bsrc=)|<style|\bstyle="|\son\w+="|https?:\/\/[\w.]/,
      name,
    );
    if (!name.endsWith('.html')) assert.match(text(name), /^(\/\/|\/\*) /, name);
  }
});

/** The address of a module; `imports` replaces its imports: `[name, address]`. */
const address = (name, ...imports) => {
  const whole = imports.reduce(
    (source, [from, to]) => source.replace(`'./${from}'`, JSON.stringify(to)),
    text(name),
  );
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
    '/updates': {
      get: {
        tags: ['B'],
        operationId: 'updates',
        'x-stream': true,
        parameters: [{ name: 'where', in: 'query', example: 'age > 3' }],
      },
    },
  },
  components: { parameters: { Id: { name: 'id', in: 'path', example: '7' } } },
};

test('calls are in groups without pages, and each has a curl line', () => {
  const found = groups(document);
  assert.deepEqual(
    found.map(({ tag, calls }) => [tag.name, calls.map(({ operationId }) => operationId)]),
    [
      ['A', ['replace']],
      ['B', ['updates']],
    ],
  );
  const lines = found
    .flatMap(({ calls }) => calls)
    .map((call) => line(document, call, 'http://h/'));
  assert.deepEqual(lines, [
    `curl -s -X PUT 'http://h/people/7' -H 'Content-Type: application/json' ` +
      `--data-binary '{"firstName":"O'\\''Hara"}'`,
    `curl -sN -G --data-urlencode 'where=age > 3' 'http://h/updates'`,
  ]);
});

test('schemas and limits have short texts', () => {
  for (const [schema, text] of [
    [{ type: 'array', items: { $ref: '#/components/schemas/Person' } }, 'Person[]'],
    [{ type: ['string', 'null'], format: 'uuid' }, 'string | null (uuid)'],
    [{ anyOf: [{ $ref: '#/components/schemas/A' }, { type: 'null' }] }, 'A | null'],
    [{ enum: ['a', 1] }, '"a" | 1'],
    [{}, 'any'],
  ]) assert.equal(words(schema), text);
  assert.deepEqual(limits({ minimum: 0, maximum: 150 }), ['0 to 150']);
  assert.deepEqual(limits({ minLength: 1, pattern: '^a$', default: 'x' }), [
    '1 or more characters',
    '^a$',
    'default x',
  ]);
});
