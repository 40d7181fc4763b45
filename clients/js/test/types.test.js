// TypeScript accepts the types and the examples of the documents, in its strictest mode.
// scripts/test-js.sh installs the compiler; without the compiler, these tests are skipped.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

const { NODE_TOOLS } = process.env;
const CLIENT = fileURLToPath(new URL('..', import.meta.url));
const ROOT = join(CLIENT, '../..');
const DOCUMENTS = ['docs/clients.md', 'clients/js/README.md', 'README.md'];
const OPTIONS = {
  strict: true,
  noEmit: true,
  allowJs: true,
  checkJs: true,
  jsx: 'react-jsx',
  target: 'ES2022',
  module: 'ESNext',
  moduleResolution: 'Bundler',
  lib: ['ES2023', 'DOM', 'DOM.Iterable'],
  types: [],
  skipLibCheck: false,
  noUncheckedIndexedAccess: false,
  noImplicitReturns: true,
  exactOptionalPropertyTypes: true,
};
const skip = NODE_TOOLS ? false : 'NODE_TOOLS is not set: scripts/test-js.sh sets it';

/** The JavaScript and TypeScript of a document: `{ language, code, line }`. */
function examples(document) {
  const text = readFileSync(join(ROOT, document), 'utf8');
  const found = [];
  for (const { index, 1: language, 2: block } of text.matchAll(
    /^```(js|mjs|ts|tsx|html)\n(.*?)^```/gms,
  )) {
    const code =
      language === 'html' ? /<script type="module">(.*?)<\/script>/s.exec(block)?.[1] : block;
    if (code)
      found.push({
        language: language === 'html' ? 'js' : language,
        code,
        line: text.slice(0, index).split('\n').length,
      });
  }
  return found;
}

/** Compiles files in a folder that has the package. Returns the compiler's output. */
function compile(t, files) {
  const folder = mkdtempSync(join(tmpdir(), 'people-gateway-types-'));
  t.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(CLIENT, join(folder, 'node_modules/people-gateway-client'));
  symlinkSync(join(NODE_TOOLS, 'node_modules/@types'), join(folder, 'node_modules/@types'));
  symlinkSync(join(NODE_TOOLS, 'node_modules/csstype'), join(folder, 'node_modules/csstype'));
  const names = Object.keys(files);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: OPTIONS, files: names }),
  );
  try {
    execFileSync(
      join(NODE_TOOLS, 'node_modules/.bin/tsc'),
      ['--project', folder, '--pretty', 'false'],
      { encoding: 'utf8' },
    );
    return '';
  } catch (error) {
    return error.stdout;
  }
}

test('the types and the examples of the documents compile in the strictest mode', { skip }, (t) => {
  const files = { 'types.ts': readFileSync(new URL('support/types.ts', import.meta.url), 'utf8') };
  for (const document of DOCUMENTS) {
    for (const { language, code, line } of examples(document)) {
      // The package's paths in a clone and in a gateway.
      const imports = /'(\.\/clients\/js\/index\.js|\/console\/client\.js)'/g;
      files[`${document}-${line}.${language}`] =
        `${code.replace(imports, "'people-gateway-client'")}\nexport {};\n`;
    }
  }
  assert.ok(Object.keys(files).length > 5, Object.keys(files).join());
  assert.equal(compile(t, files), '');
});
