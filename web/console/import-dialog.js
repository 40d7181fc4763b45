// The dialog before the import of a table: the target of each column, and a preview of the first
// rows.

import { FIELDS, pathOf } from './columns.js';
import {
  changeOf,
  existingAt,
  inspect,
  pathInFilter,
  preview,
  recall,
  remember,
} from './import-plan.js';
import { json, trimmed } from './values.js';
import { html, useEffect, useMemo, useRef, useState } from './vendor/htm-preact.js';

const ROWS_SHOWN = 5;
/**
 * The limit of attributes that are compared with those of existing people: each takes a request.
 */
const COMPARED_MAX = 24;
const TYPES = [
  ['auto', 'automatic'],
  ['text', 'text'],
  ['number', 'number'],
  ['list', 'list (a;b)'],
];
/** Common encodings, by their names in browsers. */
const ENCODINGS = [
  'utf-8', 'windows-1252', 'windows-1250', 'windows-1251', 'iso-8859-15', 'shift_jis', 'euc-jp',
  'gb18030', 'big5', 'euc-kr', 'utf-16le', 'utf-16be',
];

/** The entry of the list for the target of a column. */
const targetOf = ({ field, path, unnamed }) =>
  field ?? (path ? 'attribute' : unnamed ? 'unnamed' : 'nothing');

function choose(choice, target, heading) {
  if (target === 'attribute')
    return { path: choice.path ?? [trimmed(heading) || 'attribute'], type: choice.type ?? 'auto' };
  if (target === 'unnamed') return { unnamed: true };
  return target === 'nothing' ? { skip: true } : { field: target };
}

function Column({ index, heading, choice, change }) {
  const target = targetOf(choice);
  const name = trimmed(heading) || `column ${index + 1}`;
  return html`
    <th scope="col">
      <span class="heading">${name}</span>
      <select id=${`column-${index}`} aria-label=${`Target of ${name}`} value=${target}
        onChange=${(event) => change(choose(choice, event.target.value, heading))}>
        ${FIELDS.map((field) => html`<option key=${field} value=${field}>${field}</option>`)}
        <option value="attributes">attributes (JSON)</option>
        <option value="attribute">an attribute</option>
        <option value="nothing">skip</option>
        ${trimmed(heading) === '' && html`
          <option value="unnamed">none: cells must be empty</option>`}
      </select>
      ${choice.path && html`
        <input id=${`attribute-${index}`} aria-label=${`Attribute of ${name}`}
          value=${choice.path.join('.')} spellcheck=${false}
          onInput=${(event) => change({ ...choice, path: pathOf(event.target.value) })} />
        <select id=${`type-${index}`} aria-label=${`Type of ${name}`} value=${choice.type}
          onChange=${(event) => change({ ...choice, type: event.target.value })}>
          ${TYPES.map(([type, words]) => html`<option key=${type} value=${type}>${words}</option>`)}
        </select>`}
    </th>`;
}

const shown = (value) =>
  value === undefined ? '' : typeof value === 'string' ? value : html`<code>${json(value)}</code>`;

function Row({ line, values, refused, columns }) {
  const cells = refused
    ? html`<td class="wrong" colspan=${columns}>${refused}</td>`
    : values.map((value, index) => html`<td key=${index}>${shown(value)}</td>`);
  return html`
    <tr>
      <th scope="row">${line}</th>
      ${cells}
    </tr>`;
}

/** Values of existing people by path; each path is fetched once. */
function useExisting(choices) {
  const [existing, setExisting] = useState({});
  const paths = JSON.stringify(
    (choices ?? [])
      .filter(({ path }) => path && !path.includes(''))
      .map(({ path }) => path)
      .slice(0, COMPARED_MAX),
  );
  useEffect(() => {
    const stop = new AbortController();
    for (const path of JSON.parse(paths)) {
      const key = JSON.stringify(path);
      if (key in existing) continue;
      // Without an answer there is no warning.
      existingAt(path, stop.signal).then(
        (values) => setExisting((known) => ({ ...known, [key]: values })),
        () => {},
      );
    }
    return () => stop.abort();
  }, [paths]);
  return existing;
}

/** The warning that the import would change the type of an attribute that people already have. */
function Warning({ path, change, read }) {
  const { was, becomes, before, after, people } = change;
  const name = pathInFilter(path);
  const filter = `${JSON.stringify(before[0])} in ${name}`;
  const example =
    was === 'list' && before.length > 0
      ? html` Filters such as <code>${filter}</code> would match no person in this file.`
      : '';
  return html`
    <li>
      <code>${name}</code> is a ${was} of ${people.toLocaleString()} ${
        people === 1 ? 'person' : 'people'} now (<code>${JSON.stringify(before)}</code>),
      and would be a ${becomes} (<code>${json(after)}</code>).${example}
      ${TYPES.some(([type]) => type === was) && html` <button type="button" class="small"
        onClick=${() => read(was)}>Read it as a ${was}</button>`}
    </li>`;
}

/**
 * Asks for the targets of a file's columns; `done` gets the options of the import, or nothing after
 * a cancel.
 */
export function ImportDialog({ file, done }) {
  const dialog = useRef();
  const [encoding, setEncoding] = useState('utf-8');
  const [plain, setPlain] = useState(false);
  const [found, setFound] = useState();
  const [choices, setChoices] = useState();
  const existing = useExisting(choices);
  useEffect(() => dialog.current.showModal(), []);
  useEffect(() => {
    let latest = true;
    inspect(file, encoding).then((found) => {
      if (!latest) return;
      setFound(found);
      setChoices(found.header && recall(found.header, localStorage));
    });
    return () => (latest = false);
  }, [file, encoding]);
  const seen = useMemo(
    () => (choices ? preview(found.header, found.rows, choices, plain) : { rows: [] }),
    [found, choices, plain],
  );
  const change = (index, choice) =>
    setChoices(choices.map((old, at) => (at === index ? choice : old)));
  const changes = (choices ?? []).flatMap(({ path }, index) => {
    const values = seen.rows.map(({ values }) => values?.[index]);
    const change = path && changeOf(values, existing[JSON.stringify(path)] ?? []);
    return change ? [{ path, index, change }] : [];
  });
  const fault = found?.fault ?? (found && !found.header ? 'The file is empty.' : seen.fault);
  const go = (event) => {
    event.preventDefault();
    remember(found.header, choices, localStorage);
    done({ encoding, plain, choose: (_, index) => choices[index] });
  };
  return html`
    <dialog ref=${dialog} class="columns" aria-labelledby="import-title" onClose=${() => done()}>
      <form method="dialog" onSubmit=${go} novalidate>
        <h2 id="import-title">Import ${file.name}</h2>
        <p class="options">
          <label>Encoding <select id="import-encoding" value=${encoding}
              onChange=${(event) => setEncoding(event.target.value)}>
            ${ENCODINGS.map((name) => html`<option key=${name} value=${name}>${
              name === 'utf-8' ? 'UTF-8, or by its byte order mark' : name}</option>`)}
          </select></label>
          <label><input type="checkbox" id="import-plain" checked=${plain}
            onChange=${(event) => setPlain(event.target.checked)} /> keep the apostrophe
            ${' before '}<code>=</code>, <code>+</code>, <code>-</code> and <code>@</code></label>
        </p>
        ${choices && html`
          <div class="preview" tabindex="0" role="region" aria-label="The first rows">
            <table>
              <thead><tr><th scope="col">line</th>${found.header.map((heading, index) => html`
                <${Column} key=${index} index=${index} heading=${heading} choice=${choices[index]}
                  change=${(choice) => change(index, choice)} />`)}</tr></thead>
              <tbody>${seen.rows.slice(0, ROWS_SHOWN).map((row) => html`
                <${Row} key=${row.line} ...${row} columns=${choices.length} />`)}</tbody>
            </table>
          </div>`}
        ${changes.length > 0 && html`
          <ul class="warnings" role="alert">
            ${changes.map(({ path, index, change: found }) => html`
              <${Warning} key=${index} path=${path} change=${found}
                read=${(type) => change(index, { ...choices[index], type })} />`)}
          </ul>`}
        ${fault && html`<p class="wrong" role="alert">${fault}</p>`}
        <div class="buttons">
          <button class="primary" disabled=${!choices || Boolean(fault)}>Import</button>
          <button type="button" onClick=${() => dialog.current.close()}>Cancel</button>
        </div>
      </form>
    </dialog>`;
}
