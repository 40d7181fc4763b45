// The form for a person. Errors from the gateway are shown at their fields.

import { access } from './access.js';
import { addressOf } from './address.js';
import { ProblemError } from './client.js';
import { Conflict } from './conflict.js';
import { CopyButton } from './copy.js';
import { header, quoted } from './lines.js';
import { draft, fieldsOf, hasHidden, nameOf, texts } from './person.js';
import { html, useEffect, useRef, useState } from './vendor/htm-preact.js';

/** Error messages by field; messages about no field of the form are under the empty name. */
function faultsOf(error, fields) {
  if (error instanceof SyntaxError) return { attributes: `This is not JSON: ${error.message}` };
  if (!(error instanceof ProblemError))
    return { '': `The gateway cannot be reached: ${error.message}` };
  const faults = {};
  for (const { pointer, detail } of error.problem.errors ?? []) {
    const field = fields.find(([name]) => pointer.split('/')[1] === name)?.[0] ?? '';
    faults[field] = [faults[field], detail].filter(Boolean).join(' ');
  }
  return Object.keys(faults).length > 0 ? faults : { '': error.message };
}

function Field({ name, label, value, fault, change, isFirst }) {
  const id = `field-${name}`;
  const common = {
    id,
    value,
    'aria-invalid': Boolean(fault),
    'aria-describedby': fault && `${id}-fault`,
    onInput: (event) => change(event.target.value),
    autocomplete: 'off',
    autofocus: isFirst,
  };
  return html`
    <div class=${`field ${name}`}>
      <label for=${id}>${label}</label>
      ${name === 'attributes'
        ? html`<textarea ...${common} rows="5" spellcheck=${false}
            placeholder='{"city": "Oslo"}'></textarea>`
        : html`<input ...${common} inputmode=${name === 'age' ? 'numeric' : 'text'} />`}
      ${fault && html`<p class="wrong" id=${`${id}-fault`}>${fault}</p>`}
    </div>
  `;
}

/** The person as the gateway has it now, in the view or not; undefined if it does not exist. */
async function current(id) {
  const answer = await access.fetch(addressOf(`people/${id}`));
  return answer.ok ? answer.json() : undefined;
}

export function Editor({ person: given, session, close }) {
  const { client } = session;
  const dialog = useRef();
  const [person, setPerson] = useState(given);
  const [values, setValues] = useState(() => texts(given));
  const [faults, setFaults] = useState({});
  const [busy, setBusy] = useState(false);
  const [sure, setSure] = useState(false);
  const [refused, setRefused] = useState(false);
  useEffect(() => dialog.current.showModal(), []);
  // The person that the gateway had when it refused a save: the view may not have this version yet.
  const [found, setFound] = useState();
  const seen = client.view.get(person.id);
  const theirs = seen && seen.revision !== person.revision ? seen : (found ?? seen);
  const isNew = !person.id;
  const fields = fieldsOf(person);

  /** Runs the action and closes the form; if the action fails, shows the errors. */
  const attempt = async (action) => {
    setBusy(true);
    try {
      await action();
      dialog.current.close();
    } catch (error) {
      const now =
        error.status === 412 ? await current(person.id).catch(() => undefined) : undefined;
      setFound(now);
      setRefused(now !== undefined);
      // The notice about the conflict replaces the error.
      setFaults(now === undefined ? faultsOf(error, fields) : {});
      requestAnimationFrame(() => dialog.current?.querySelector('[aria-invalid=true]')?.focus());
    }
    setBusy(false);
  };
  /** Saves the form if the person is still at this revision. */
  const saveOver = (revision) => {
    const options = isNew ? {} : { ifMatch: revision };
    return attempt(async () =>
      session.save({ ...draft(values, fields), ...(!isNew && { id: person.id }) }, options),
    );
  };
  const save = (event) => {
    event.preventDefault();
    saveOver(person.revision);
  };
  const remove = () => (sure ? attempt(() => session.remove(person.id)) : setSure(true));
  const take = () => {
    setPerson(theirs);
    setValues(texts(theirs));
    setFaults({});
    setRefused(false);
  };
  return html`
    <dialog ref=${dialog} onClose=${close} aria-labelledby="editor-title">
      <form method="dialog" onSubmit=${save} novalidate>
        <h2 id="editor-title">${
          isNew ? 'New person' : nameOf(person) ?? 'A person'}</h2>
        ${!isNew && html`<p class="quiet id"><code>${person.id}</code> <${CopyButton}
          text=${person.id} what="id" /></p>`}
        <${Conflict} person=${person} theirs=${theirs} fields=${fields} take=${take}
          overwrite=${refused && theirs && (() => saveOver(theirs.revision))} />
        ${faults[''] && html`<p class="wrong" role="alert">${faults['']}</p>`}
        ${fields.map(([name, label], index) => html`
          <${Field} key=${name} name=${name} label=${label} value=${values[name]}
            fault=${faults[name]} isFirst=${index === 0}
            change=${(value) => setValues({ ...values, [name]: value })} />`)}
        ${hasHidden(person) && html`<p class="quiet">Your role does not show all fields${
          isNew ? '.' : ': the others stay as they are.'}</p>`}
        <div class="buttons">
          <button class="primary" disabled=${busy}
            ...${access.button(isNew ? 'create' : 'update')}>Save</button>
          <button type="button" onClick=${() => dialog.current.close()}>Cancel</button>
          ${!isNew && html`
            <button type="button" class="danger" disabled=${busy} onClick=${remove}
              onBlur=${() => setSure(false)} ...${access.button('delete')}>
              ${sure ? 'Really delete?' : 'Delete'}
            </button>
            <span class="quiet">curl <${CopyButton} what="curl line for this person"
              text=${`curl -s${header()} ${quoted(addressOf(`people/${person.id}`))}`} /></span>`}
        </div>
      </form>
    </dialog>
  `;
}
