// The page: what is where, and how to get around it by keyboard.

import { Chart } from './chart.js';
import { Card, isNarrow } from './card.js';
import { Editor } from './editor.js';
import { FilterBar } from './filter-bar.js';
import { Importer } from './importer.js';
import { Keys, useShortcuts } from './keys.js';
import { Lines } from './lines.js';
import { LogPanel } from './log-panel.js';
import { Session } from './session.js';
import { Status } from './status.js';
import { Table } from './table.js';
import { applyTheme, ThemeSwitch } from './theme.js';
import { html, render, useEffect, useRef, useState } from './vendor/htm-preact.js';

const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });

/** The filter stands in the address, so that a link shows the same view. */
function readAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  const kinds = ['all', 'saves', 'deletes'].find((kinds) => kinds === given.get('kinds')) ?? 'all';
  return { where: given.get('where') ?? '', kinds };
}

function writeAddress({ where, kinds }) {
  const said = new URLSearchParams();
  if (where) said.set('where', where);
  if (kinds !== 'all') said.set('kinds', kinds);
  history.replaceState(null, '', `#${said}`);
}

/** What there is to do where nobody is. */
function Beginning({ importer }) {
  return html`
    <p>Nobody is here yet. Make a person, drop a CSV or NDJSON file on this page, or</p>
    <p class="beginning">
      <button onClick=${() => importer.choose()}>Import a file</button>
      <button onClick=${() => importer.takeExamples()}>Load 1,000 example people</button>
    </p>
  `;
}

/** What the tab says. */
const title = ({ oldSince }) => `${oldSince ? `Not live since ${CLOCK.format(oldSince)} · ` : ''}People Gateway`;

function Page({ session }) {
  // Whom the editor shows: a person, an empty object for a new one, or nobody. Whom the card shows.
  const [edited, edit] = useState();
  const [read, open] = useState();
  const [asked, ask] = useState(false);
  const importer = useRef({});
  const choose = (wanted) => {
    writeAddress(wanted);
    session.choose(wanted);
  };
  useShortcuts({ '/': () => document.querySelector('#where').focus(), n: () => edit({}), '?': () => ask(true) });
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
      <a href="docs">API</a>
      <button class="small ask" aria-label="Keys" title="Key: ?" onClick=${() => ask(true)}>?</button>
      <${ThemeSwitch} />
    </header>
    <main class=${isEmpty ? 'is-empty' : ''}>
      <${FilterBar} session=${session} choose=${choose} />
      <section class="people" aria-label="People">
        <${Table} session=${session} open=${(person) => (isNarrow() ? open(person) : edit(person))}
          empty=${isEmpty && html`<${Beginning} importer=${importer.current} />`}>
          <button class="primary" title="Key: n" onClick=${() => edit({})}>New person</button>
        <//>
      </section>
      <aside>
        <${Chart} rates=${session.rates} />
        <${LogPanel} log=${session.log} look=${() => session.look()} />
        <${Lines} session=${session} />
        <${Importer} handle=${importer.current} />
      </aside>
    </main>
    ${read && html`<${Card} key=${read.id} person=${read} session=${session} edit=${edit} close=${() => open()} />`}
    ${asked && html`<${Keys} close=${() => ask(false)} />`}
    ${edited && html`<${Editor} key=${edited.id} person=${edited} session=${session} close=${() => edit()} />`}
  `;
}

applyTheme();
const draw = () => {
  document.title = title(session);
  render(html`<${Page} session=${session} />`, document.body);
};
const session = new Session(readAddress(), draw);
