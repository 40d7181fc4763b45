// The console and `people-gateway import` read random files with the same result. A failure prints
// the seed.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

import { load } from './modules.mjs';

const { textOf } = await load('decoding.js');
const { PeopleReader } = await load('people-file.js');

const PROGRAM =
  process.env.PEOPLE_GATEWAY ??
  fileURLToPath(new URL('../../../target/debug/people-gateway', import.meta.url));
const FILES = 800;
const AT_ONCE = 4;
const SEED = Number(process.env.SEED ?? 20261129);

/** A generator of numbers below 1 from a seed (mulberry32). */
function numbers(seed) {
  return () => {
    seed = (seed + 0x6D2B79F5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const CELLS = [
  '', 'A', 'b c', ' x ', '7', '-5', '36.0', '3.6e1', '007', '1.50', '1e400', 'true', 'null',
  '[1,"a"]', '{"a":1}', '{"a":1,"a":2}', '[99999999999999999999]', '{"b":{"c":[]}}',
  '[[[[[[[[[1]]]]]]]]]', '["\\ud800"]', "'=1", "''-", "'t", '=1+1', 'é', '東京', '😀', '\u0000',
  '\uFEFF', '\u00A0', '\u0085', '\u2028', 'İ', 'a;b', 'a,b', 'a\tb', '5" disk', '"', 'x"y"z',
  'a\nb', 'a\r\nb', 'a\rb', '0190f3e2-7c1b-7d9a-8f00-1234567890ab',
];
const HEADINGS = [
  'firstName', 'lastName', 'age', 'job', 'id', 'attributes', 'city', 'attributes.a.b', 'tags', '',
  'revision', 'First name', 'İD', ' JOB ', '\uFEFFage', 'a.b', '__proto__', 'x"y',
];

function file(random) {
  const one = (list) => list[Math.floor(random() * list.length)];
  const chance = (share) => random() < share;
  const separator = one([',', ',', ';', '\t']);
  const end = () => (chance(0.05) ? one(['\n', '\r', '\r\n', '\n\n', '\r\r\n']) : usual);
  const usual = one(['\n', '\r\n', '\r']);
  const quoted = (cell) => `"${cell.replaceAll('"', '""')}"`;
  const written = (cell) => {
    if (chance(0.02)) return one([`"${cell}" `, ` "${cell}"`, `"${cell}"x`, `"${cell}`, cell]);
    return chance(0.2) || /[",;\t\r\n]/.test(cell) ? quoted(cell) : cell;
  };
  const needed = ['firstName', 'lastName', 'age', 'job'];
  const headings = [
    ...needed,
    ...Array.from({ length: Math.floor(random() * 4) }, () => one(HEADINGS)),
  ];
  if (chance(0.05)) headings.splice(Math.floor(random() * headings.length), 1);
  headings.sort(() => random() - 0.5);
  const rows = Array.from({ length: Math.floor(random() * 6) }, () => {
    const length = chance(0.1) ? Math.floor(random() * (headings.length + 2)) : headings.length;
    return Array.from({ length }, () => one(CELLS));
  });
  const before =
    (chance(0.1) ? '\uFEFF' : '') +
    (chance(0.1) ? `sep=${separator}${end()}` : '') +
    (chance(0.05) ? end() : '');
  const lines = [headings, ...rows].map((cells) => cells.map(written).join(separator));
  const text = before + lines.map((line) => line + end()).join('');
  const whole = chance(0.3) ? text.trimEnd() : text;
  if (chance(0.05)) return Buffer.from(`\uFEFF${whole}`, 'utf16le');
  const bytes = Buffer.from(whole);
  if (chance(0.05) && bytes.length > 0)
    bytes[Math.floor(random() * bytes.length)] = one([0xc3, 0xff, 0x80]);
  return bytes;
}

/** The console's result for a file. */
async function inConsole(path, bytes) {
  const [people, refused] = [[], []];
  try {
    const reader = new PeopleReader(path.split('/').at(-1));
    const take = (records) => {
      for (const { line, json, refused: words } of records)
        (words === undefined ? people : refused).push(
          words === undefined ? JSON.parse(json) : line,
        );
    };
    for await (const { text } of textOf(new Blob([bytes]))) take(reader.read(text));
    take(reader.end());
    return { people, refused };
  } catch (error) {
    return { people, refused, ended: positionIn(error.message) };
  }
}

/** The program's result for a file. */
function inProgram(path) {
  return new Promise((resolve) => {
    execFile(
      PROGRAM,
      ['import', '--dry-run', path],
      { maxBuffer: 1 << 26 },
      (_, stdout, stderr) => {
        const people = stdout
          .split('\n')
          .filter((line) => line !== '')
          .map((line) => JSON.parse(line));
        const lines = stderr.split('\n');
        const refused = lines
          .filter((line) => line.startsWith(`${path}:`))
          .map((line) => Number(line.slice(path.length + 1).split(':')[0]));
        const ended = lines.find((line) =>
          line.startsWith('people-gateway: the import is incomplete: '),
        );
        resolve(ended ? { people, refused, ended: positionIn(ended) } : { people, refused });
      },
    );
  });
}

const POSITION = /line \d+, column \d+|line \d+ is not/;
const KNOWN_WORDS = /overlap|no column is \w+|names no attribute|UTF-\d+/i;

/** The line and column in an error message, or its first known words. */
const positionIn = (message) =>
  (POSITION.exec(message) ?? KNOWN_WORDS.exec(message) ?? ['?'])[0].toLowerCase();

test(
  `the console and the program read ${FILES} random files with the same result`,
  { skip: !existsSync(PROGRAM) && 'the program is not built' },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'files-'));
    const totals = { people: 0, refused: 0, ended: 0 };
    try {
      const waiting = Array.from({ length: FILES }, (_, index) => index);
      const work = async () => {
        for (let index = waiting.shift(); index !== undefined; index = waiting.shift()) {
          const bytes = file(numbers(SEED + index));
          const path = join(folder, `${index}.csv`);
          writeFileSync(path, bytes);
          const [ofConsole, ofProgram] = await Promise.all([
            inConsole(path, bytes),
            inProgram(path),
          ]);
          assert.deepEqual(
            ofConsole,
            ofProgram,
            `SEED=${SEED + index}: ${JSON.stringify(bytes.toString())}`,
          );
          totals.people += ofConsole.people.length;
          totals.refused += ofConsole.refused.length;
          totals.ended += ofConsole.ended === undefined ? 0 : 1;
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, work));
    } finally {
      rmSync(folder, { recursive: true });
    }
    // The test needs enough files of each kind.
    for (const [kind, count] of Object.entries(totals))
      assert.ok(count >= FILES / 8, `${kind}: ${count}`);
  },
);
