// Maps the columns of a table to the fields of a person, as `people-gateway import` does
// (src/cli/people/import/columns/mod.rs).

import { insert, list, number, trimmed, typed, unprotected, years } from './values.js';

export const FIELDS = ['id', 'firstName', 'lastName', 'age', 'job'];
/** Fields that the gateway sets: imports ignore them. */
const SET_BY_GATEWAY = ['revision', 'createdAt', 'updatedAt'];
/** Functions from a cell to an attribute's value; `auto` infers the type from the cell. */
const TYPES = { auto: typed, text: (cell) => cell, number, list };

/**
 * A heading without case and punctuation: `First name`, `first_name` and `firstName` are equal.
 * Only ASCII letters are lowered, because field names are ASCII: the capital İ is no i.
 */
const plain = (name) =>
  name.replace(/[^\p{Alphabetic}\p{N}]/gu, '').replace(/[A-Z]/g, (letter) => letter.toLowerCase());

/**
 * The target of a column: `{ field }`, `{ path, type }` of an attribute, `{ skip: true }`, or `{
 * unnamed: true }` for a column without a heading, whose cells must be empty.
 */
export function choiceFor(heading) {
  const name = trimmed(heading);
  const field = FIELDS.find((field) => plain(field) === plain(name));
  if (field) return { field };
  if (name === '') return { unnamed: true };
  if (SET_BY_GATEWAY.includes(name)) return { skip: true };
  if (name === 'attributes') return { field: name };
  return {
    path: name.startsWith('attributes.') ? pathOf(name.slice('attributes.'.length)) : [name],
    type: 'auto',
  };
}

/** The path of an attribute: `address.city` is `city` inside `address`. */
export const pathOf = (name) => name.split('.');

const within = (path, other) => other.every((name, index) => path[index] === name);

/** Whether both columns write the same value, or one writes inside the value of the other. */
function collide(one, other) {
  if (one.path && other.path) return within(one.path, other.path) || within(other.path, one.path);
  return one.field !== undefined && one.field === other.field;
}

/** The error message for this choice of columns; undefined if the columns make people. */
export function faultOf(header, choices) {
  const names = header.map((name) => `"${trimmed(name)}"`);
  for (const [index, one] of choices.entries()) {
    if (one.path?.includes(''))
      return `The column ${names[index]} names no attribute: name one, or skip the column.`;
    const other = choices.slice(0, index).findIndex((other) => collide(one, other));
    if (other >= 0)
      return `The columns ${names[other]} and ${names[index]} overlap: skip one of them.`;
  }
  const missing = FIELDS.find(
    (field) => field !== 'id' && !choices.some((choice) => choice.field === field),
  );
  return missing && `No column is ${missing}; there are ${names.join(', ')}. Choose one of them.`;
}

export class Columns {
  #choices;
  #plain;

  /** `choose` gives the target of a heading. Throws if the columns make no people. */
  constructor(header, { choose = choiceFor, plain = false } = {}) {
    const choices = header.map((heading, index) => choose(heading, index));
    const fault = faultOf(header, choices);
    if (fault) throw new Error(fault);
    this.#choices = choices;
    this.#plain = plain;
  }

  /**
   * The person of a record, as a map; throws an error that says what is wrong with the record.
   * Empty cells set nothing. Missing cells count as empty: spreadsheets omit the last cells of a
   * row.
   */
  person(cells) {
    const expected = this.#choices.length;
    if (cells.slice(expected).some((cell) => trimmed(cell) !== '')) {
      const advice = 'put texts with separators in quotes';
      throw new Error(`has ${cells.length} cells, but there are ${expected} headings: ${advice}`);
    }
    const person = new Map();
    // Columns of single attributes add to the object of the column `attributes`, in any order.
    const whole = cells[this.#choices.findIndex(({ field }) => field === 'attributes')] ?? '';
    const attributes = whole === '' ? new Map() : all(whole);
    this.#choices.forEach(({ field, path, type, unnamed }, index) => {
      const cell = cells[index] ?? '';
      const text = this.#plain ? undefined : unprotected(cell);
      if (unnamed && trimmed(cell) !== '') {
        const advice = 'give its column a heading, or empty the cell';
        throw new Error(`cell ${index + 1} has no heading: ${advice}`);
      }
      if ((cell === '' && field !== 'job') || field === 'attributes') return;
      if (field) person.set(field, field === 'age' ? years(cell) : text ?? cell);
      if (!path) return;
      // An export protects only texts: the cell is a text even if it looks like a number.
      const value = TYPES[text !== undefined && type === 'auto' ? 'text' : type];
      named(path, () => insert(attributes, path, value(text ?? cell)));
    });
    return whole !== '' || attributes.size > 0 ? person.set('attributes', attributes) : person;
  }
}

/** Adds the attribute's path to an error. */
function named(path, act) {
  try {
    act();
  } catch (error) {
    throw new Error(`attributes.${path.join('.')}: ${error.message}`);
  }
}

/** The attributes from a cell with a JSON object. */
function all(cell) {
  let object;
  try {
    object = typed(trimmed(cell));
  } catch (error) {
    throw new Error(`attributes: ${error.message}`);
  }
  if (!(object instanceof Map)) throw new Error('attributes: must be a JSON object');
  return object;
}
