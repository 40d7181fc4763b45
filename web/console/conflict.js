// Somebody else changed the person whom the form shows: what is different now, and what can be done about it.

import { html } from './vendor/htm-preact.js';

/** The fields in which two persons differ, as the second has them: `[[label, value]]`. */
export function differences(one, other, fields) {
  const text = (value) => (value === undefined ? 'none' : typeof value === 'string' ? value : JSON.stringify(value));
  const differ = ([name]) => text(one[name]) !== text(other[name]);
  return fields.filter(differ).map(([name, label]) => [label, text(other[name])]);
}

/**
 * `person` is what the form began with, `theirs` how the person is now: undefined where it is gone, the same where nothing
 * happened. `overwrite` is there once a save was refused for it.
 */
export function Conflict({ person, theirs, fields, take, overwrite }) {
  if (!person.id || theirs?.revision === person.revision) return null;
  if (!theirs) {
    return html`<p class="notice" role="status">No longer in this view: deleted, or it does not match any more.</p>`;
  }
  const changed = differences(person, theirs, fields);
  return html`
    <div class="notice conflict" role="alert">
      <p>Saved by someone else meanwhile${changed.length > 0 ? '. Theirs now:' : ', with the same values.'}</p>
      ${changed.length > 0 && html`<dl>${changed.map(([label, value]) => html`<div><dt>${label}</dt><dd>${value}</dd></div>`)}</dl>`}
      <p class="choices">
        <button type="button" onClick=${take}>Take theirs</button>
        ${overwrite && html`<button type="button" class="danger" onClick=${overwrite}>Overwrite</button>`}
      </p>
    </div>
  `;
}
