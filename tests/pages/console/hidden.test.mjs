// People whose fields the caller's role hides: shown without them, never sent with them.

import assert from 'node:assert/strict';
import test from 'node:test';

import { load } from './modules.mjs';

const { access } = await load('access.js');
const { draft, fieldsOf, hasHidden, nameOf, texts } = await load('person.js');
const { differences } = await load('conflict.js');
const { existingAt } = await load('import-plan.js');
const { Rows } = await load('rows.js');
const { words } = await load('words.js');

const SHOWN = { id: 'a', revision: 'e.1.1', createdAt: '2026-01-01', updatedAt: '2026-01-02' };
const WHOLE = {
  ...SHOWN, firstName: 'Ada', lastName: 'L', age: 36, job: 'Chef', attributes: { city: 'Oslo' },
};
const ALL = ['firstName', 'lastName', 'age', 'job', 'attributes'];
const without = (...names) =>
  Object.fromEntries(Object.entries(WHOLE).filter(([name]) => !names.includes(name)));
const names = (person) => fieldsOf(person).map(([name]) => name);

/** Sets the paths that the role hides, for one test. */
function hide(t, ...paths) {
  access.rights = { can: [], hide: paths };
  t.after(() => (access.rights = undefined));
}

test('a name is what is not hidden of it', () => {
  assert.equal(nameOf(WHOLE), 'Ada L');
  assert.equal(nameOf(without('firstName')), 'L');
  assert.equal(nameOf(without('lastName')), 'Ada');
  assert.equal(nameOf(SHOWN), undefined);
});

test('a form has the fields that the caller sees', (t) => {
  assert.deepEqual(names(WHOLE), ALL);
  assert.deepEqual(names({}), ALL, 'a new person');
  assert.equal(hasHidden(WHOLE), false);
  assert.deepEqual(names(without('age', 'job')), ['firstName', 'lastName', 'attributes']);
  // Without attributes a person may just have none.
  assert.deepEqual(names(without('attributes')), ALL);
  hide(t, 'job', 'attributes');
  assert.deepEqual(names(WHOLE), ['firstName', 'lastName', 'age']);
  assert.deepEqual(names({}), ['firstName', 'lastName', 'age']);
  assert.equal(hasHidden({}), true);
});

test('a role may name what it shows in place of what it hides', (t) => {
  t.after(() => (access.rights = undefined));
  for (const [show, fields] of [
    [['firstName', 'attributes.team'], ['firstName', 'attributes']],
    [['age', 'attributes["a b"]'], ['age', 'attributes']],
    [['job', 'lastName', 'attributesX'], ['lastName', 'job']],
    [[], []],
  ]) {
    access.rights = { can: [], hide: [], show };
    assert.deepEqual(names(WHOLE), fields);
  }
  access.rights = { can: [], hide: ['job'], show: ['job', 'age'] };
  assert.deepEqual(names(WHOLE), ['age']);
});

test('a form sends no field that it does not show', (t) => {
  const saved = (person) => draft(texts(person), fieldsOf(person));
  assert.deepEqual(saved(WHOLE), {
    firstName: 'Ada', lastName: 'L', age: 36, job: 'Chef', attributes: { city: 'Oslo' },
  });
  assert.deepEqual(saved(without('firstName', 'age')), {
    lastName: 'L', job: 'Chef', attributes: { city: 'Oslo' },
  });
  assert.deepEqual(saved(SHOWN), {});
  hide(t, 'attributes', 'attributes.salary');
  assert.deepEqual(saved(WHOLE), { firstName: 'Ada', lastName: 'L', age: 36, job: 'Chef' });
  const invalid = { ...texts(WHOLE), attributes: '{' };
  assert.deepEqual(draft(invalid, fieldsOf(WHOLE)).job, 'Chef', 'a hidden text is not read');
});

test('two versions differ only in fields that the caller sees', () => {
  const person = without('age', 'job');
  assert.deepEqual(differences(person, { ...person, lastName: 'M' }, fieldsOf(person)), [
    ['Last name', 'M'],
  ]);
});

test('rows without a value come last in either order', (t) => {
  t.mock.timers.enable({ apis: ['Date', 'setTimeout'] });
  const person = (id, values) => ({ ...SHOWN, id, ...values });
  const view = new Map(
    [
      person('1', { lastName: 'B', age: 2, job: 'z' }),
      person('2', {}),
      person('3', { lastName: 'A', age: 1, job: 'y' }),
      person('4', {}),
    ].map((one) => [one.id, one]),
  );
  const rows = new Rows();
  const order = () => {
    t.mock.timers.tick(1000);
    rows.show(view, () => {});
    return rows.list.map(({ id }) => id).join('');
  };
  for (const column of ['name', 'age', 'job']) {
    rows.sortBy(column);
    assert.equal(order(), '3124', column);
    rows.sortBy(column);
    assert.equal(order(), '1342', column);
  }
  view.delete('2');
  rows.flash('leave', person('2', {}));
  view.delete('4');
  rows.flash('leave', { id: '4' });
  assert.equal(order(), '132', 'of the departed, those stay that the page has seen');
});

test('events are told without what is hidden', () => {
  const create = (person) => words({ type: 'create', person });
  assert.equal(create(WHOLE), 'Ada L, 36, Chef');
  assert.equal(create({ ...WHOLE, job: '' }), 'Ada L, 36');
  assert.equal(create({ ...WHOLE, age: 0 }), 'Ada L, 0, Chef');
  assert.equal(create(without('lastName', 'age')), 'Ada, Chef');
  assert.equal(create(SHOWN), 'a');
  assert.equal(words({ type: 'leave', person: without('firstName') }), 'L');
  assert.equal(words({ type: 'delete', person: { id: 'a' } }), 'a');
});

test('changed rights and refusals are told in words', () => {
  assert.equal(words({ type: 'reset', reason: 'rights' }), 'starts over: your rights changed');
  const refused = (problem) => words({ type: 'error', problem });
  assert.equal(
    refused({ type: '/problems/forbidden', status: 403, detail: 'The role guest lacks watch.' }),
    'refused: The role guest lacks watch.',
  );
  assert.equal(refused({ status: 403, title: 'Forbidden' }), 'refused: Forbidden');
  assert.equal(refused({ status: 403 }), 'refused: the gateway answered 403');
});

test('a preview of an import does without attributes that are hidden', async (t) => {
  t.mock.method(globalThis, 'fetch', async () => Response.json([SHOWN, WHOLE]));
  assert.deepEqual(await existingAt(['city'], undefined), [undefined, 'Oslo']);
});
