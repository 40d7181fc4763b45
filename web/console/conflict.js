// The notice in a form when someone else changed the person: the differences, and the two ways to
// resolve them.

import { html } from './vendor/htm-preact.js';

/** The notice about a person that is no longer in the view. */
export const GONE = 'No longer in this view: deleted, or the filter does not match any more.';

/** The fields in which two versions differ, with the values of the second: `[[label, value]]`. */
export function differences(one, other, fields) {
  const text = (value) =>
    value === undefined ? 'none' : typeof value === 'string' ? value : JSON.stringify(value);
  const differ = ([name]) => text(one[name]) !== text(other[name]);
  return fields.filter(differ).map(([name, label]) => [label, text(other[name])]);
}

/**
 * `person` is the version that the form started with. `theirs` is the current version: undefined if
 * the person is gone, the same if nothing changed. `overwrite` is set after the gateway refused a
 * save because of the conflict.
 */
export function Conflict({ person, theirs, fields, take, overwrite }) {
  if (!person.id || theirs?.revision === person.revision) return null;
  if (!theirs) {
    return html`<p class="notice" role="status">${GONE}</p>`;
  }
  const changed = differences(person, theirs, fields);
  return html`
    <div class="notice conflict" role="alert">
      <p>Someone else saved this person${
        changed.length > 0 ? '. Their values:' : ' with the same values.'}</p>
      ${changed.length > 0 && html`<dl>${changed.map(([label, value]) => html`
        <div><dt>${label}</dt><dd>${value}</dd></div>`)}</dl>`}
      <p class="choices">
        <button type="button" onClick=${take}>Take theirs</button>
        ${overwrite && html`
          <button type="button" class="danger" onClick=${overwrite}>Overwrite</button>`}
      </p>
    </div>
  `;
}
