// Which column of a table is what of a person, as `people-gateway import` has it (src/cli/import/columns.rs).

import { insert, list, number, trimmed, typed, unprotected, years } from './values.js';

export const FIELDS = ['id', 'firstName', 'lastName', 'age', 'job'];
/** What the store knows of a person; the gateway passes over it, too. */
const KNOWN = ['revision', 'createdAt', 'updatedAt'];
/** How a cell becomes an attribute's value: by what it looks like, or always as one of these. */
const TYPES = { auto: typed, text: (cell) => cell, number, list };

/**
 * A heading in its plainest form: `First name`, `first_name` and `firstName` are one. Fields are named in ASCII, so no
 * letter beyond it counts as one of theirs: the capital İ is no i.
 */
const plain = (name) => name.replace(/[^\p{Alphabetic}\p{N}]/gu, '').replace(/[A-Z]/g, (letter) => letter.toLowerCase());

/**
 * What a column is: `{ field }`, `{ path, type }` of an attribute, `{ skip: true }`, or `{ unnamed: true }` where it has no
 * heading, so that nobody knows what a cell of it would be.
 */
export function choiceFor(heading) {
  const name = trimmed(heading);
  const field = FIELDS.find((field) => plain(field) === plain(name));
  if (field) return { field };
  if (name === '') return { unnamed: true };
  if (KNOWN.includes(name)) return { skip: true };
  if (name === 'attributes') return { field: name };
  return { path: name.startsWith('attributes.') ? pathOf(name.slice('attributes.'.length)) : [name], type: 'auto' };
}

/** `address.city` is `city` inside `address`. */
export const pathOf = (name) => name.split('.');

const within = (path, other) => other.every((name, index) => path[index] === name);

/** Both would write the same, or one into the other. */
function collide(one, other) {
  if (one.path && other.path) return within(one.path, other.path) || within(other.path, one.path);
  return one.field !== undefined && one.field === other.field;
}

/** What is wrong with the columns as they are chosen, in words; nothing where they make people. */
export function faultOf(header, choices) {
  const names = header.map((name) => `"${trimmed(name)}"`);
  for (const [index, one] of choices.entries()) {
    if (one.path?.includes('')) return `The column ${names[index]} names no attribute: name one, or leave the column out.`;
    const other = choices.slice(0, index).findIndex((other) => collide(one, other));
    if (other >= 0) return `The columns ${names[other]} and ${names[index]} are the same thing: leave one out.`;
  }
  const missing = FIELDS.find((field) => field !== 'id' && !choices.some((choice) => choice.field === field));
  return missing && `No column is ${missing}; there are ${names.join(', ')}. Choose the one that it is.`;
}

export class Columns {
  #choices;
  #plain;

  /** Takes the headings as they are, or as `choose` says of each; throws where they make no people. */
  constructor(header, { choose = choiceFor, plain = false } = {}) {
    const choices = header.map((heading, index) => choose(heading, index));
    const fault = faultOf(header, choices);
    if (fault) throw new Error(fault);
    this.#choices = choices;
    this.#plain = plain;
  }

  /**
   * The person that a record is, as a map; throws, in words, what is wrong with the record. Empty cells are left out, and
   * cells that are not there count as empty: spreadsheets leave out the last ones of a row.
   */
  person(cells) {
    const expected = this.#choices.length;
    if (cells.slice(expected).some((cell) => trimmed(cell) !== '')) {
      throw new Error(`has ${cells.length} cells where the headings are ${expected}: put texts with separators in quotes`);
    }
    const person = new Map();
    // What single columns hold lies in the whole object, whichever stands first.
    const whole = cells[this.#choices.findIndex(({ field }) => field === 'attributes')] ?? '';
    const attributes = whole === '' ? new Map() : all(whole);
    this.#choices.forEach(({ field, path, type, unnamed }, index) => {
      const cell = cells[index] ?? '';
      const text = this.#plain ? undefined : unprotected(cell);
      if (unnamed && trimmed(cell) !== '') {
        throw new Error(`cell ${index + 1} stands under no heading: give that column one, or empty it`);
      }
      if ((cell === '' && field !== 'job') || field === 'attributes') return;
      if (field) person.set(field, field === 'age' ? years(cell) : text ?? cell);
      if (!path) return;
      // What was protected was a text, also where it looks like a number.
      const value = TYPES[text !== undefined && type === 'auto' ? 'text' : type];
      named(path, () => insert(attributes, path, value(text ?? cell)));
    });
    return whole !== '' || attributes.size > 0 ? person.set('attributes', attributes) : person;
  }
}

/** Has an error say of which attribute it is. */
function named(path, act) {
  try {
    act();
  } catch (error) {
    throw new Error(`attributes.${path.join('.')}: ${error.message}`);
  }
}

/** All attributes in one cell. */
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
