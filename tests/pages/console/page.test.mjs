// The files of the console: no inline code, no other hosts, a small size, and no missing file.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const CONSOLE = new URL('../../../web/console/', import.meta.url);
const CLIENT = new URL('../../../clients/js/', import.meta.url);
const VENDORED = {
  'htm-preact.js': '72284e8e9079c87817145df1110f74e8a2aa040b2fc384922e18dfcb46fc1fd7',
  'uplot.js': '19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f',
  'uplot.css': 'df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04',
};

const isPart = (name) => /\.(html|js|css|svg)$/.test(name);
const list = (folder) => readdirSync(folder).filter(isPart).map((name) => new URL(name, folder));
const own = list(CONSOLE);
const files = [
  ...own,
  ...list(new URL('vendor/', CONSOLE)),
  new URL('index.js', CLIENT),
  ...list(new URL('src/', CLIENT)),
];
const name = (file) => fileURLToPath(file);

/** The file of a path, as in README.md. */
function served(path) {
  if (path === '/console/client.js') return new URL('index.js', CLIENT);
  if (path.startsWith('/console/src/')) return new URL(path.slice('/console/'.length), CLIENT);
  return new URL(path.slice('/console/'.length), CONSOLE);
}

test('the page has less than 150 KB compressed', () => {
  const bytes = files.reduce((sum, file) => sum + gzipSync(readFileSync(file)).length, 0);
  assert.ok(bytes < 150_000, `${bytes}`);
});

test('the page loads all of its files and no others', () => {
  const html = readFileSync(new URL('index.html', CONSOLE), 'utf8');
  // Paths are relative, so that a proxy may serve the page below a path.
  const waiting = [...html.matchAll(/(?:src|href)="(console\/[^"]+)"/g)].map(
    ([, path]) => `/${path}`,
  );
  const loaded = new Set();
  for (let path = waiting.pop(); path; path = waiting.pop()) {
    if (loaded.has(path)) continue;
    loaded.add(path);
    const text = readFileSync(served(path), 'utf8');
    if (!path.endsWith('.js')) continue;
    for (const [, from] of text.matchAll(/(?:^|\n)(?:import|export)[^;]*? from '([^']+)'/g)) {
      waiting.push(new URL(from, `http://page${path}`).pathname);
    }
  }
  assert.equal(
    loaded.size,
    files.length - 1,
    'all files are used, and index.html is the page itself',
  );
});

test('files have no inline code, no other hosts and no absolute paths', () => {
  for (const file of own) {
    const text = readFileSync(file, 'utf8').replaceAll('http://www.w3.org/2000/svg', '');
    assert.doesNotMatch(
      text,
      /(?:src|href)="\/|(?:fetch|from|import|WebSocket)\s*\(?['"`]\/|url: '\//,
      name(file),
    );
    assert.doesNotMatch(text, /<script(?![^>]*\bsrc=)|<style|\bstyle="|\son\w+="/, name(file));
    assert.doesNotMatch(text, /https?:\/\/(?!HOST)[\w.]/, name(file));
  }
});

test('people and tokens are never inserted as HTML, and no address or log has a token', () => {
  for (const file of own) {
    const text = readFileSync(file, 'utf8');
    assert.doesNotMatch(text, /(inner|outer|insertAdjacent)HTML|document\.write/i, name(file));
    assert.doesNotMatch(text, /console\.\w+\(/, name(file));
  }
  // Only one module reads and stores the token, and only one writes an address.
  const matching = (pattern) =>
    own.filter((file) => pattern.test(readFileSync(file, 'utf8'))).map((file) => name(file));
  assert.deepEqual(matching(/sessionStorage/), [fileURLToPath(new URL('access.js', CONSOLE))]);
  assert.deepEqual(
    matching(/history\.\w+|location\.\w+ =/),
    [fileURLToPath(new URL('main.js', CONSOLE))],
  );
});

test('vendored files are unchanged and have their licences', () => {
  for (const [file, hash] of Object.entries(VENDORED)) {
    const bytes = readFileSync(new URL(`vendor/${file}`, CONSOLE));
    assert.equal(createHash('sha256').update(bytes).digest('hex'), hash, file);
  }
  for (const library of ['htm', 'preact', 'uplot']) {
    assert.match(
      readFileSync(new URL(`vendor/LICENSE-${library}`, CONSOLE), 'utf8'),
      /MIT License|Apache License/,
    );
  }
});

test('files have at most 400 lines and begin with their purpose', () => {
  for (const file of [...own, ...list(new URL('src/', CLIENT))].filter((file) =>
    /\.(js|css)$/.test(file.pathname),
  )) {
    const text = readFileSync(file, 'utf8');
    assert.ok(text.split('\n').length <= 400, name(file));
    assert.match(text, /^(\/\/|\/\*) /, name(file));
  }
});
