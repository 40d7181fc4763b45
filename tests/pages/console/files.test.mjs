// The console's reader of files, with the examples of the tests of `people-gateway import`.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import test from 'node:test';

import { load } from './modules.mjs';

const { encodingOf, textOf } = await load('decoding.js');
const { PeopleReader } = await load('people-file.js');
const { idOf, named } = await load('ids.js');
const { sha256 } = await load('sha256.js');
const { json, list, number, trimmed, typed, unprotected, years } = await load('values.js');

/**
 * The records of a file, read in pieces of this many characters: a line, and the person's JSON or
 * the error.
 */
function records(text, name = 'f.csv', size = text.length) {
  const reader = new PeopleReader(name);
  const found = [];
  for (let start = 0; start < text.length; start += size)
    found.push(...reader.read(text.slice(start, start + size)));
  found.push(...reader.end());
  return found;
}

/** The people of a file, without ids. */
const people = (...file) => records(...file).map(({ line, json }) => {
  const { id, ...person } = JSON.parse(json);
  return [line, person];
});

test('the hash is SHA-256 for all lengths', () => {
  for (let length = 0; length <= 200; length++) {
    const bytes = randomBytes(length);
    assert.equal(
      Buffer.from(sha256(bytes)).toString('hex'),
      createHash('sha256').update(bytes).digest('hex'),
      `${length}`,
    );
  }
});

test('ids are equal to those of the command line', () => {
  // Computed with Python's hashlib; src/cli/people/import/ids.rs has the same.
  assert.equal(idOf('people.csv', 2), '3113c110-26ef-8987-b143-d431eb42ae97');
  assert.equal(idOf('Müller & Söhne 東京.ndjson', 123456), '330fad5f-6d6b-837d-bcc8-22fede1f020b');
});

test('a JSON line without an id gets one, other lines stay unchanged', () => {
  const id = idOf('f', 7);
  for (const [line, expected] of [
    ['{}', `{"id":"${id}"}`],
    ['{ "age" : 99999999999999999999 }', `{"id":"${id}", "age" : 99999999999999999999 }`],
    ['{"a":{"id":1}}', `{"id":"${id}","a":{"id":1}}`],
    ['{"id": null ,"age":1}', `{"id": "${id}" ,"age":1}`],
    [
      '{"a":["id",{"id":null}],"\\"":"id","\\u0069d":null}',
      `{"a":["id",{"id":null}],"\\"":"id","\\u0069d":"${id}"}`,
    ],
  ]) {
    assert.equal(named(line, id), expected);
  }
  for (const line of [
    '{"id":"x"}', '{"id":7}', '{"\\u0069d":7}', '[1]', '[]', '{', '', 'nonsense', '{"id":1,"id":2}',
    '{"id":1,"id":null}',
  ]) {
    assert.equal(named(line, id), line);
  }
});

test('a text becomes a value only if it is exactly the value', () => {
  for (const value of [
    '7', '-7', '1.5', '18446744073709551615', '-9223372036854775808', 'true', 'false', '[1,"a"]',
    '{"a":{}}', '0.1', '1.0', '-0.0', '1e+16', '1000000000000000.0', '1.5e+300', '1e-6', '0.00001',
    '123456789012345.6', '0.30000000000000004', '[18446744073709551615]',
  ]) {
    assert.notEqual(typeof typed(value), 'string', value);
    assert.equal(json(typed(value)), value);
  }
  for (const text of [
    '', '007', '1.50', '1e3', '+7', ' 7', '7 ', '-', '-0', '18446744073709551616',
    '-9223372036854775809', '1,5', 'True', 'null', '[1', '{a}', '"7"', 'NaN', '0x1', '--7',
    '0.000001', '1e-5', '1e16', '10000000000000000.0', '1E16', '1e400', '123456789.123456789',
  ]) {
    assert.equal(typed(text), text);
  }
  const hard = '{"__proto__":{"2":1,"1":[true,null,"t","l1","\\u0000\\"1 2\\\\"]},"":1e300}';
  assert.equal(json(typed(hard)), hard);
});

test('CSV in pieces of any size gives the same records and line numbers', () => {
  const text =
    '\uFEFFFirst name,last_name,AGE, Job ,city,attributes.address.zip,code,' +
    'attributes,revision,\r\n' +
    'Ada,"Love ""Lace""", 36,,"Oslo,\r\nNorway",7,0123,,a.1.b,\r\n' +
    '\r\n' +
    ',,,,,,,,,\r\n' +
    'Alan,Turing,old, Engineer ,,,12345678901234567890,"{""b"":[1]}",,';
  const expected = [
    [
      2,
      {
        firstName: 'Ada',
        lastName: 'Love "Lace"',
        age: 36,
        job: '',
        attributes: { city: 'Oslo,\r\nNorway', address: { zip: 7 }, code: '0123' },
      },
    ],
    [
      6,
      {
        firstName: 'Alan',
        lastName: 'Turing',
        age: 'old',
        job: ' Engineer ',
        attributes: { code: 12345678901234567890, b: [1] },
      },
    ],
  ];
  for (const size of [1, 2, 3, 7, text.length])
    assert.deepEqual(people(text, 'f.csv', size), expected, `${size}`);
  const whole = records(text);
  assert.deepEqual(
    whole.map(({ line, json }) => JSON.parse(json).id === idOf('f.csv', line)),
    [true, true],
  );
  assert.match(whole[1].json, /"code":12345678901234567890}/, 'every digit');
});

test('lists and objects that the gateway would refuse are refused', () => {
  for (const [text, words] of [
    ['{"a":1,"a":2}', /"a" is given twice/],
    ['[{"a":1,"\\u0061":2}]', /"a" is given twice/],
    ['[99999999999999999999]', /beyond 64 bits/],
    ['[1e400]', /out of range/],
    ['["\\ud800"]', /surrogate/],
    ['[[[[[[[[[]]]]]]]]]', /nested deeper/],
  ]) assert.throws(() => typed(text), words, text);
  assert.equal(json(typed('[[[[[[[[]]]]]]]]')), '[[[[[[[[]]]]]]]]');
});

test('numbers, lists and ages have the values of the command line', () => {
  for (const [text, value] of [
    ['7', '7'], [' 007 ', '7'], ['+7', '7'], ['-0.50', '-0.50'], ['1E3', '1E3'], ['00', '0'],
    ['00.5', '0.5'],
  ]) {
    assert.equal(json(number(text)), value, text);
  }
  for (const text of [
    '', '-', '+-7', '1,5', '1.', '.5', '1e', '0x1', 'NaN', '7 7', '99999999999999999999', '1e400',
    'é7',
  ]) {
    assert.throws(() => number(text), undefined, text);
  }
  assert.equal(json(list('chess; go;7;;true')), '["chess","go",7,true]');
  assert.equal(json(list(' ; ')), '[]');
  for (const [text, age] of [
    ['36', 36], ['36.0', 36], ['3.6e1', 36], ['360E-1', 36], ['0.036e+3', 36], ['-0.0', 0],
    ['0e9999999999', 0], ['1.5e2', 150],
  ]) {
    assert.equal(json(years(text)), String(age), text);
  }
  for (const [text, value] of [
    ['36.5', '36.5'], ['1e3', '"1e3"'], ['151', '151'], ['-1', '-1'], ['036', '"036"'],
    ['36.00000000000000000001', '"36.00000000000000000001"'], ['1e99999999999', '"1e99999999999"'],
  ]) {
    assert.equal(json(years(text)), value, text);
  }
});

test('texts that an export protected from spreadsheets are restored', () => {
  for (const [cell, text] of [
    ["'=1", '=1'], ["''+", "'+"], ["'-1", '-1'], ["'@", '@'], ["'\t", '\t'], ["'\r", '\r'],
    ["'＝", '＝'], ["'t", undefined], ["'", undefined], ['=1', undefined], ["x'=1", undefined],
  ]) {
    assert.equal(unprotected(cell), text, cell);
  }
  assert.equal(trimmed('\uFEFF\u0085 \u00A0a\u3000\n'), 'a');
});

test('records and lines have a limit', () => {
  const header = 'firstName,lastName,age,job\n';
  assert.throws(
    () => records(`${header}A,"${'x\n'.repeat(600_000)}`),
    /line 2, column 3: this quote is not closed/,
  );
  assert.throws(
    () => records(`${header}A,${'x'.repeat(1_050_000)}`),
    /line 2: .* more than 1048576 characters/,
  );
  const lines = records(`{}\n{${'x'.repeat(1_050_000)}}\n{}`, 'f.jsonl');
  assert.deepEqual(
    lines.map(({ line, refused }) => [line, refused]),
    [
      [1, undefined],
      [2, 'is longer than 1048576 characters'],
      [3, undefined],
    ],
  );
});

test('unknown encodings are refused, and errors name the line of an invalid byte', async () => {
  assert.throws(() => encodingOf(Uint8Array.of(), 'ebcdic'), RangeError);
  const lines = 'a\r\n'.repeat(10_000);
  for (const [bytes, line] of [
    [`${lines}\xFF`, 10_001],
    [`aa${lines}\xFF`, 10_001],
    [`\xFF${lines}`, 1],
    [`${lines.slice(0, 16_383)}\xC3${lines}`, 5462],
    [`${lines}\xE6\x9D`, 10_001],
  ]) {
    let text = '';
    const reading = async () => {
      for await (const piece of textOf(new Blob([Buffer.from(bytes, 'latin1')])))
        text += piece.text;
    };
    const advice = 'choose the encoding of the file, for example windows-1252';
    await assert.rejects(reading, { message: `line ${line} is not UTF-8: ${advice}` });
    assert.equal(text, bytes.slice(0, bytes.search(/[^\r\na]/)));
  }
});

test('a file that begins with a brace is NDJSON unless its name ends with .csv', () => {
  const reader = new PeopleReader('f');
  const found = [
    ...reader.read(' {"age": 12345678901234567890}\n\n{"a'),
    ...reader.read('":1}\r\n{'),
    ...reader.end(),
  ];
  assert.deepEqual(found, [
    { line: 1, json: `{"id":"${idOf('f', 1)}","age": 12345678901234567890}` },
    { line: 3, json: `{"id":"${idOf('f', 3)}","a":1}` },
    { line: 4, json: '{' },
  ]);
  assert.throws(() => records('{}\n', 'f.CSV'), /No column/);
  assert.deepEqual(records('nonsense\n', 'f.jsonl'), [{ line: 1, json: 'nonsense' }]);
});
