// A read-only view of a person for narrow screens: the table hides columns there, and a form would
// open the keyboard.

import { access } from './access.js';
import { GONE } from './conflict.js';
import { CopyButton } from './copy.js';
import { nameOf } from './person.js';
import { html, useEffect, useRef } from './vendor/htm-preact.js';

const TIME = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

/**
 * Whether the screen is too narrow for all columns of the table. The width is the same in
 * style.css.
 */
export const isNarrow = () => matchMedia('(max-width: 620px)').matches;

function text(value) {
  if (typeof value === 'string') return value;
  const isPlainList =
    Array.isArray(value) && value.length > 0 && value.every((item) => typeof item !== 'object');
  return isPlainList ? value.join(', ') : JSON.stringify(value, null, 2);
}

export function Card({ person: given, session, edit, close }) {
  const dialog = useRef();
  useEffect(() => dialog.current.showModal(), []);
  // The card follows the view, and keeps the last version of a person that has left it.
  const present = session.client.view.get(given.id);
  const person = present ?? given;
  const {
    id,
    age,
    job,
    attributes = {},
    revision,
    createdAt,
    updatedAt,
  } = person;
  const rows = [
    ['Age', age], ['Job', job === '' ? '–' : job], ...Object.entries(attributes),
    ['Updated', TIME.format(new Date(updatedAt))], ['Created', TIME.format(new Date(createdAt))],
  ].filter(([, value]) => value !== undefined);
  return html`
    <dialog class="card" ref=${dialog} onClose=${close} aria-labelledby="card-title">
      <h2 id="card-title">${nameOf(person) ?? 'A person'}</h2>
      ${!present && html`<p class="notice" role="status">${GONE}</p>`}
      <dl>${rows.map(([name, value]) => html`
        <div key=${name}><dt>${name}</dt><dd>${text(value)}</dd></div>`)}
        <div><dt>Id</dt><dd><code>${id}</code> <${CopyButton} text=${id} what="id" /></dd></div>
        <div><dt>Revision</dt><dd><code>${revision}</code></dd></div>
      </dl>
      <form method="dialog" class="buttons">
        <button class="primary">Close</button>
        ${present && html`
          <button type="button" ...${access.button(access.can('delete') ? 'delete' : 'update')}
            onClick=${() => edit(present)}>Edit</button>`}
      </form>
    </dialog>
  `;
}
