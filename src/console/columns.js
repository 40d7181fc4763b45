// Which column of a table is what of a person, as `people-gateway import` has it (src/cli/import/columns.rs).

import { insert, typed } from './values.js';

const FIELDS = ['id', 'firstName', 'lastName', 'age', 'job'];
/** What the store knows of a person; the gateway passes over it, too. */
const KNOWN = ['revision', 'createdAt', 'updatedAt'];

/** A heading in its plainest form: `First name`, `first_name` and `firstName` are one. */
const plain = (name) => name.toLowerCase().replace(/[^\p{Alphabetic}\p{N}]/gu, '');

/** What a heading means: a field, all attributes, one attribute by its path, or nothing. */
function target(name) {
  const field = FIELDS.find((field) => plain(field) === plain(name));
  if (field) return { field };
  if (name === '' || KNOWN.includes(name)) return {};
  if (name === 'attributes') return { field: name };
  return { path: name.startsWith('attributes.') ? name.slice('attributes.'.length).split('.') : [name] };
}

const within = (path, other) => other.every((name, index) => path[index] === name);

/** Both would write the same, or one into the other. */
function collide(one, other) {
  if (one.path && other.path) return within(one.path, other.path) || within(other.path, one.path);
  return one.field !== undefined && one.field === other.field;
}

export class Columns {
  #targets;

  /** Reads the headings; throws where they make no people. */
  constructor(header) {
    const names = header.map((name) => name.trim());
    this.#targets = names.map(target);
    this.#targets.forEach((one, index) => {
      const other = this.#targets.findIndex((other) => collide(one, other));
      if (other >= 0 && other < index) {
        throw new Error(`The columns "${names[other]}" and "${names[index]}" are the same thing: leave one out.`);
      }
    });
    const missing = FIELDS.find((field) => field !== 'id' && !this.#targets.some((target) => target.field === field));
    if (missing) {
      const there = names.map((name) => `"${name}"`).join(', ');
      throw new Error(`No column is ${missing}; there are ${there}. Rename the one that it is.`);
    }
  }

  /** The person that a record is, as a map; throws, in words, what is wrong with the record. Empty cells are left out. */
  person(cells) {
    const expected = this.#targets.length;
    if (cells.length < expected || cells.slice(expected).some((cell) => cell !== '')) {
      throw new Error(`has ${cells.length} cells where the headings are ${expected}: put texts with separators in quotes`);
    }
    const person = new Map();
    const attributes = new Map();
    this.#targets.forEach(({ field, path }, index) => {
      const cell = cells[index];
      if (cell === '' && field !== 'job') return;
      if (path) insert(attributes, path, typed(cell));
      else if (field === 'attributes') all(cell).forEach((value, name) => attributes.set(name, value));
      else if (field) person.set(field, field === 'age' ? typed(cell.trim()) : cell);
    });
    return attributes.size > 0 ? person.set('attributes', attributes) : person;
  }
}

function all(cell) {
  const object = typed(cell);
  if (!(object instanceof Map)) throw new Error('attributes: must be a JSON object');
  return object;
}
