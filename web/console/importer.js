// The import: a file dropped anywhere on the page, or chosen with a button.

import { access } from './access.js';
import { CopyButton } from './copy.js';
import { exampleFile } from './examples.js';
import { ImportDialog } from './import-dialog.js';
import { inspect } from './import-plan.js';
import { run } from './import-run.js';
import { html, useEffect, useRef, useState } from './vendor/htm-preact.js';

const SHOWN_MAX = 100;

/** The text of a problem with a line. */
const words = ({ detail, errors }) =>
  (errors ?? []).map((error) => `${error.pointer.slice(1)}: ${error.detail}`).join(' ') || detail;

/** Calls back with a file dropped anywhere on the page; returns whether a file is over the page. */
function useDrop(dropped) {
  const [hovers, setHovers] = useState(false);
  useEffect(() => {
    const over = (event) => {
      if (!event.dataTransfer?.types.includes('Files')) return;
      event.preventDefault();
      setHovers(event.type === 'dragover');
      if (event.type === 'drop' && event.dataTransfer.files[0])
        dropped(event.dataTransfer.files[0]);
    };
    const left = (event) => event.relatedTarget === null && setHovers(false);
    const listeners = [['dragover', over], ['drop', over], ['dragleave', left]];
    listeners.forEach(([type, listener]) => addEventListener(type, listener));
    return () => listeners.forEach(([type, listener]) => removeEventListener(type, listener));
  }, []);
  return hovers;
}

/** The progress of an import that could not start. */
const failed = (name, error) => ({
  name,
  error,
  size: 0,
  read: 0,
  saved: 0,
  refused: [],
  seconds: 0,
  done: true,
});

function Report({ progress }) {
  const { refused, error, emptiness } = progress;
  const text = refused.map(({ line, problem }) => `${line}\t${words(problem)}`).join('\n');
  return html`
    ${error && html`<p class="wrong" role="alert">${error}</p>`}
    ${emptiness && html`<p role="alert">${emptiness}</p>`}
    ${refused.length > 0 && html`
      <p>Refused lines <${CopyButton} text=${text} what="refused lines" /></p>
      <ol class="refused" tabindex="0" aria-label="Refused lines">
        ${refused.slice(0, SHOWN_MAX).map(({ line, problem }) => html`
          <li key=${line}><b>${line}</b> ${words(problem)}</li>`)}
      </ol>`}
  `;
}

/** Sets `choose()` and `takeExamples()` on `handle`, for buttons elsewhere on the page. */
export function Importer({ handle }) {
  const [progress, setProgress] = useState();
  // The table in the dialog.
  const [table, setTable] = useState();
  const abort = useRef();
  const input = useRef();
  const start = (file, options) => {
    abort.current = new AbortController();
    run(file, setProgress, abort.current.signal, options).finally(
      () => (abort.current = undefined),
    );
  };
  const begin = async (file) => {
    // One import at a time: a second one would stop the first.
    if (abort.current || document.querySelector('dialog[open]')) return;
    if (!access.can('import')) return setProgress(failed(file.name, access.why('import')));
    const { format, fault } = await inspect(file);
    // NDJSON needs no dialog, unless it has another encoding.
    if (format === 'ndjson' && !fault) start(file);
    else setTable(file);
  };
  const decided = (options) => {
    setTable();
    if (options) start(table, options);
  };
  const hovers = useDrop(begin);
  handle.choose = () => input.current.click();
  handle.takeExamples = () =>
    exampleFile().then(begin, ({ message }) => setProgress(failed('The examples', message)));
  const running = progress && !progress.done;
  const isComplete = progress?.done && !progress.error;
  const rate = progress && Math.round(progress.saved / Math.max(progress.seconds, 0.001));
  const chosen = ({ target }) => {
    if (target.files[0]) begin(target.files[0]);
    target.value = '';
  };
  return html`
    <section class="panel importer">
      <h2>Import</h2>
      <p class="quiet">Drop a CSV or NDJSON file anywhere on this page, or ${' '}
        <button class="small" disabled=${running} ...${access.button('import')}
          onClick=${() => input.current.click()}>choose one</button>
        <input type="file" ref=${input} hidden accept=".csv,.tsv,.ndjson,.jsonl,.txt"
          aria-label="File to import" onChange=${chosen} />
      </p>
      ${progress && html`
        <label class="bar-label" for="import-bar">${progress.name}</label>
        <progress id="import-bar" max=${progress.size || 1}
          value=${isComplete ? progress.size || 1 : progress.read}></progress>
        <p role="status">
          ${progress.saved.toLocaleString()} saved${
            running ? `, ${rate.toLocaleString()} a second` : ''}, ${
            progress.refused.length} refused${isComplete ? '. Done.' : ''}
          ${running && html` <button class="small"
            onClick=${() => abort.current.abort()}>Stop</button>`}
        </p>
        ${progress.waiting && html`
          <p class="waiting" role="status">Waiting: ${progress.waiting}.</p>`}
        <${Report} progress=${progress} />`}
    </section>
    ${table && html`<${ImportDialog} key=${table.name} file=${table} done=${decided} />`}
    ${hovers && html`<div class="drop" aria-hidden="true"><p>Drop to import</p></div>`}
  `;
}
