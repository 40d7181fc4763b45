// The page: its layout, the filter in its address, and its keyboard shortcuts.

import { access } from './access.js';
import { Caller } from './caller.js';
import { Chart } from './chart.js';
import { Card, isNarrow } from './card.js';
import { Editor } from './editor.js';
import { FilterBar } from './filter-bar.js';
import { Importer } from './importer.js';
import { Keys, useShortcuts } from './keys.js';
import { Lines } from './lines.js';
import { LogPanel } from './log-panel.js';
import { Session } from './session.js';
import { SignIn } from './sign-in.js';
import { Status } from './status.js';
import { Table } from './table.js';
import { applyTheme, ThemeSwitch } from './theme.js';
import { html, render, useEffect, useRef, useState } from './vendor/htm-preact.js';

const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });

/** The filter in the address of the page, so that a link shows the same view. */
function readAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  const kinds = ['all', 'saves', 'deletes'].find((kinds) => kinds === given.get('kinds')) ?? 'all';
  return { where: given.get('where') ?? '', kinds };
}

function writeAddress({ where, kinds }) {
  const query = new URLSearchParams();
  if (where) query.set('where', where);
  if (kinds !== 'all') query.set('kinds', kinds);
  history.replaceState(null, '', `#${query}`);
}

/** The first steps, shown while the gateway has no people. */
function FirstSteps({ importer }) {
  return html`
    <p>There are no people yet. Add a person, drop a CSV or NDJSON file on this page, or</p>
    <p class="first-steps">
      <button ...${access.button('import')}
        onClick=${() => importer.choose()}>Import a file</button>
      <button ...${access.button('import')}
        onClick=${() => importer.takeExamples()}>Load 1,000 example people</button>
    </p>
  `;
}

/** The title of the browser's tab. */
const title = ({ oldSince }) =>
  `${oldSince ? `Not live since ${CLOCK.format(oldSince)} · ` : ''}People Gateway`;

/** Forgets the token, and with the page all people in it. */
function signOut() {
  access.forget();
  location.reload();
}

function Page({ session }) {
  // The person in the editor (an empty object for a new one), and the person in the card.
  const [edited, edit] = useState();
  const [read, open] = useState();
  const [keysShown, showKeys] = useState(false);
  const importer = useRef({});
  const choose = (wanted) => {
    writeAddress(wanted);
    session.choose(wanted);
  };
  useShortcuts({
    '/': () => document.querySelector('#where').focus(),
    n: () => access.can('create') && edit({}),
    '?': () => showKeys(true),
  });
  useEffect(() => {
    const moved = () => session.choose(readAddress());
    addEventListener('hashchange', moved);
    return () => removeEventListener('hashchange', moved);
  }, []);
  const { client } = session;
  const isEmpty = client.state === 'live' && client.view.size === 0 && !client.where;
  return html`
    <header>
      <h1>People Gateway</h1>
      <${Status} session=${session} />
      <${Caller} access=${access} signOut=${signOut} />
      <a href="docs">API</a>
      <button class="small ask" aria-label="Keys" title="Key: ?"
        onClick=${() => showKeys(true)}>?</button>
      <${ThemeSwitch} />
    </header>
    <main class=${isEmpty ? 'is-empty' : ''}>
      <${FilterBar} session=${session} choose=${choose} />
      <section class="people" aria-label="People">
        <${Table} session=${session} open=${(person) => (isNarrow() ? open(person) : edit(person))}
          empty=${isEmpty && html`<${FirstSteps} importer=${importer.current} />`}>
          <button class="primary" ...${access.button('create', 'Key: n')}
            onClick=${() => edit({})}>New person</button>
        <//>
      </section>
      <aside>
        <${Chart} rates=${session.rates} />
        <${LogPanel} log=${session.log} redraw=${() => session.redraw()} />
        <${Lines} session=${session} />
        <${Importer} handle=${importer.current} />
      </aside>
    </main>
    ${read && html`
      <${Card} key=${read.id} person=${read} session=${session} edit=${edit}
        close=${() => open()} />`}
    ${keysShown && html`<${Keys} close=${() => showKeys(false)} />`}
    ${edited && html`
      <${Editor} key=${edited.id} person=${edited} session=${session} close=${() => edit()} />`}
  `;
}

/** The page, and the form for a token while the gateway asks for one. */
function App({ session }) {
  return html`
    ${session && html`<${Page} session=${session} />`}
    ${access.refusal && html`<${SignIn} access=${access} done=${start} />`}
  `;
}

let session;
/** The subject whose people the page shows. */
let shown;
const draw = () => {
  if (session) document.title = title(session);
  render(html`<${App} session=${session} />`, document.body);
};

/** Opens the live view, also with another token of the same subject. */
function start() {
  const { subject } = access.rights ?? {};
  // Another subject must not see the log and the forms of the last one.
  if (session && subject !== shown) return location.reload();
  shown = subject;
  if (session) session.open();
  else session = new Session(readAddress(), draw);
}

applyTheme();
access.changed = () => (session ? session.redraw() : draw());
await access.ask();
if (!access.refusal) start();
