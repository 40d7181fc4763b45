// The form for one person. What the server refuses is shown at its field.

import { ProblemError } from './client.js';
import { CopyButton } from './copy.js';
import { quoted } from './lines.js';
import { html, useEffect, useRef, useState } from './vendor/htm-preact.js';

const FIELDS = [['firstName', 'First name'], ['lastName', 'Last name'], ['age', 'Age'], ['job', 'Job'], ['attributes', 'Attributes (JSON)']];

/** What stands in the fields. */
const texts = (person) => ({
  firstName: person.firstName ?? '',
  lastName: person.lastName ?? '',
  age: person.age === undefined ? '' : String(person.age),
  job: person.job ?? '',
  attributes: person.attributes ? JSON.stringify(person.attributes, null, 2) : '',
});

/** The draft that the texts mean. Only JSON is judged here: the server knows the rules. */
function draft({ age, attributes, ...names }) {
  const said = attributes.trim() ? { attributes: JSON.parse(attributes) } : {};
  return { ...names, age: age.trim() === '' || Number.isNaN(Number(age)) ? age : Number(age), ...said };
}

/** Field to what is wrong with it; the empty name is for the rest. */
function faultsOf(error) {
  if (error instanceof SyntaxError) return { attributes: `This is not JSON: ${error.message}` };
  if (!(error instanceof ProblemError)) return { '': `The gateway cannot be reached: ${error.message}` };
  const faults = {};
  for (const { pointer, detail } of error.problem.errors ?? []) {
    const field = FIELDS.find(([name]) => pointer.split('/')[1] === name)?.[0] ?? '';
    faults[field] = [faults[field], detail].filter(Boolean).join(' ');
  }
  return Object.keys(faults).length > 0 ? faults : { '': error.message };
}

function Field({ name, label, value, fault, change }) {
  const id = `field-${name}`;
  const common = {
    id, value, 'aria-invalid': Boolean(fault), 'aria-describedby': fault && `${id}-fault`,
    onInput: (event) => change(event.target.value), autocomplete: 'off', autofocus: name === FIELDS[0][0],
  };
  return html`
    <div class=${`field ${name}`}>
      <label for=${id}>${label}</label>
      ${name === 'attributes'
        ? html`<textarea ...${common} rows="5" spellcheck=${false} placeholder='{"city": "Oslo"}'></textarea>`
        : html`<input ...${common} inputmode=${name === 'age' ? 'numeric' : 'text'} />`}
      ${fault && html`<p class="wrong" id=${`${id}-fault`}>${fault}</p>`}
    </div>
  `;
}

/** What happened to the person while the form was open. */
function Conflict({ person, present, take }) {
  if (!person.id || present?.revision === person.revision) return null;
  return html`
    <p class="notice" role="status">
      ${present ? 'Changed by someone else meanwhile.' : 'No longer in this view: deleted, or it does not match any more.'}
      ${present && html` <button type="button" class="small" onClick=${take}>Show how it is now</button>`}
    </p>
  `;
}

export function Editor({ person: given, session, close }) {
  const { client } = session;
  const dialog = useRef();
  const [person, setPerson] = useState(given);
  const [values, setValues] = useState(() => texts(given));
  const [faults, setFaults] = useState({});
  const [busy, setBusy] = useState(false);
  const [sure, setSure] = useState(false);
  useEffect(() => dialog.current.showModal(), []);
  const present = client.view.get(person.id);
  const isNew = !person.id;

  /** Does it, and closes; or shows why not. */
  const attempt = async (action) => {
    setBusy(true);
    try {
      await action();
      dialog.current.close();
    } catch (error) {
      setFaults(faultsOf(error));
      requestAnimationFrame(() => dialog.current?.querySelector('[aria-invalid=true]')?.focus());
    }
    setBusy(false);
  };
  const save = (event) => {
    event.preventDefault();
    const options = isNew ? {} : { ifMatch: person.revision };
    attempt(async () => client.save({ ...draft(values), ...(!isNew && { id: person.id }) }, options));
  };
  const remove = () => (sure ? attempt(() => client.remove(person.id)) : setSure(true));
  const take = () => {
    setPerson(present);
    setValues(texts(present));
    setFaults({});
  };
  return html`
    <dialog ref=${dialog} onClose=${close} aria-labelledby="editor-title">
      <form method="dialog" onSubmit=${save} novalidate>
        <h2 id="editor-title">${isNew ? 'New person' : `${person.firstName} ${person.lastName}`}</h2>
        ${!isNew && html`<p class="quiet id"><code>${person.id}</code> <${CopyButton} text=${person.id} what="id" /></p>`}
        <${Conflict} person=${person} present=${present} take=${take} />
        ${faults[''] && html`<p class="wrong" role="alert">${faults['']}</p>`}
        ${FIELDS.map(([name, label]) => html`
          <${Field} key=${name} name=${name} label=${label} value=${values[name]} fault=${faults[name]}
            change=${(value) => setValues({ ...values, [name]: value })} />`)}
        <div class="buttons">
          <button class="primary" disabled=${busy}>Save</button>
          <button type="button" onClick=${() => dialog.current.close()}>Cancel</button>
          ${!isNew && html`
            <button type="button" class="danger" disabled=${busy} onClick=${remove} onBlur=${() => setSure(false)}>
              ${sure ? 'Really delete?' : 'Delete'}
            </button>
            <span class="quiet">curl <${CopyButton} what="curl line for this person"
              text=${`curl -s ${quoted(`${location.origin}/people/${person.id}`)}`} /></span>`}
        </div>
      </form>
    </dialog>
  `;
}
