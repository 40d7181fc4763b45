// A person as this caller sees it. The caller's role may hide every field but the id, the revision
// and the times: then the field is missing.

import { access } from './access.js';

/** The fields of the form, with their labels. */
const FIELDS = [
  ['firstName', 'First name'],
  ['lastName', 'Last name'],
  ['age', 'Age'],
  ['job', 'Job'],
  ['attributes', 'Attributes (JSON)'],
];

/** The name, or what is not hidden of it; undefined where all of it is. */
export function nameOf({ firstName, lastName }) {
  const names = [firstName, lastName].filter((name) => name !== undefined);
  return names.length > 0 ? names.join(' ') : undefined;
}

/**
 * Whether the caller's role hides a field. A person without attributes may just have none, so for
 * them only the rights count.
 */
const isHidden = (name, person) =>
  access.hides(name) ||
  (person.id !== undefined && name !== 'attributes' && person[name] === undefined);

/** The fields of this person that the caller may see, with their labels: `[[name, label]]`. */
export const fieldsOf = (person) => FIELDS.filter(([name]) => !isHidden(name, person));

/** Whether some fields of this person are hidden. */
export const hasHidden = (person) => fieldsOf(person).length < FIELDS.length;

/** The texts of the fields. */
export const texts = (person) => ({
  firstName: person.firstName ?? '',
  lastName: person.lastName ?? '',
  age: person.age === undefined ? '' : String(person.age),
  job: person.job ?? '',
  attributes: person.attributes ? JSON.stringify(person.attributes, null, 2) : '',
});

/**
 * The draft from the texts of these fields, and of no others: the gateway keeps what the caller
 * does not see. Throws for invalid JSON only: the gateway validates the rest.
 */
export function draft(values, fields) {
  const person = {};
  for (const [name] of fields) {
    const text = values[name];
    if (name === 'age')
      person.age = text.trim() === '' || Number.isNaN(Number(text)) ? text : Number(text);
    else if (name !== 'attributes') person[name] = text;
    else if (text.trim()) person.attributes = JSON.parse(text);
  }
  return person;
}
