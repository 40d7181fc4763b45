// The filter box. After each pause in typing the gateway checks the filter; the box marks the error
// in the text.

import { html, useEffect, useRef, useState } from './vendor/htm-preact.js';

/** The pause in typing before the gateway gets the filter. */
const PAUSE_MS = 250;
const KINDS = [['all', 'All changes'], ['saves', 'Saves'], ['deletes', 'Deletes']];
const EXAMPLES = [
  'age >= 65',
  'job.startsWith("E")',
  'attributes.city == "Oslo"',
  '"vip" in attributes.tags',
];

/**
 * The text before the error, the wrong text, and the text after it. The gateway counts code points.
 */
function parts(text, { offset = 0, length = 0 }) {
  const points = Array.from(text);
  const part = (from, to) => points.slice(from, to).join('');
  return [part(0, offset), part(offset, offset + length), part(offset + length)];
}

function Fault({ text, problem, shown, input }) {
  const placed = problem.offset !== undefined;
  const [before, fault, after] = parts(text, problem);
  const select = () => {
    input.current.focus();
    input.current.setSelectionRange(before.length, before.length + fault.length);
  };
  return html`
    <div class="fault" id="fault" role="alert">
      ${placed && html`<pre onClick=${select}>${before}<mark
        class=${fault ? '' : 'missing'}>${fault}</mark>${after}</pre>`}
      <p>
        ${problem.detail}
        ${placed && html` <button type="button" class="small" onClick=${select}>Select it</button>`}
        <span class="quiet"> Still shown: ${
          shown ? html`<code>${shown}</code>` : 'everyone'}.</span>
      </p>
    </div>
  `;
}

export function FilterBar({ session, choose }) {
  const { wanted, problem } = session;
  const [where, setWhere] = useState(wanted.where);
  const input = useRef();
  const pause = useRef();
  // A link may change the filter, too.
  useEffect(() => setWhere(wanted.where), [wanted]);
  const apply = (wanted) => {
    clearTimeout(pause.current);
    if (wanted.where !== session.wanted.where || wanted.kinds !== session.wanted.kinds)
      choose(wanted);
  };
  const typed = (text) => {
    setWhere(text);
    clearTimeout(pause.current);
    pause.current = setTimeout(() => apply({ where: text, kinds: session.wanted.kinds }), PAUSE_MS);
  };
  const now = (event) => {
    event.preventDefault();
    apply({ where, kinds: session.wanted.kinds });
  };
  return html`
    <form class="filter" role="search" onSubmit=${now}>
      <div class="box">
        <label for="where">Filter</label>
        <input id="where" type="search" ref=${input} value=${where} placeholder="everyone"
          title="Key: /" spellcheck=${false} autocomplete="off" autocapitalize="off" list="examples"
          aria-invalid=${Boolean(problem)} aria-describedby=${problem ? 'fault' : undefined}
          onInput=${(event) => typed(event.target.value)} />
        <datalist id="examples">${EXAMPLES.map((text) => html`<option value=${text} />`)}</datalist>
        <fieldset class="kinds">
          <legend class="unseen">Kinds of change</legend>
          ${KINDS.map(([kinds, name]) => html`
            <label>
              <input type="radio" name="kinds" value=${kinds} checked=${wanted.kinds === kinds}
                onChange=${() => apply({ where, kinds })} />
              <span>${name}</span>
            </label>`)}
        </fieldset>
      </div>
      ${problem && where === wanted.where && html`
        <${Fault} text=${where} problem=${problem} shown=${session.client.where}
          input=${input} />`}
    </form>
  `;
}
