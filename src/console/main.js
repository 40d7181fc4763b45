// The page: what is where, and how to get around it by keyboard.

import { Chart } from './chart.js';
import { Editor } from './editor.js';
import { FilterBar } from './filter-bar.js';
import { Importer } from './importer.js';
import { Lines } from './lines.js';
import { LogPanel } from './log-panel.js';
import { Session } from './session.js';
import { Status } from './status.js';
import { Table } from './table.js';
import { applyTheme, ThemeSwitch } from './theme.js';
import { html, render, useEffect, useState } from './vendor/htm-preact.js';

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

/** Keys that work wherever nothing is being typed. */
function useShortcuts(actions) {
  useEffect(() => {
    const pressed = (event) => {
      const typing = event.target.closest?.('input, textarea, select, dialog');
      const action = !typing && !event.ctrlKey && !event.metaKey && !event.altKey && actions[event.key];
      if (!action) return;
      event.preventDefault();
      action();
    };
    addEventListener('keydown', pressed);
    return () => removeEventListener('keydown', pressed);
  }, []);
}

function Page({ session }) {
  // Whom the editor shows: a person, an empty object for a new one, or nobody.
  const [edited, edit] = useState();
  const choose = (wanted) => {
    writeAddress(wanted);
    session.choose(wanted);
  };
  useShortcuts({ '/': () => document.querySelector('#where').focus(), n: () => edit({}) });
  useEffect(() => {
    const moved = () => session.choose(readAddress());
    addEventListener('hashchange', moved);
    return () => removeEventListener('hashchange', moved);
  }, []);
  return html`
    <header>
      <h1>People Gateway</h1>
      <${Status} session=${session} />
      <${ThemeSwitch} />
    </header>
    <main>
      <${FilterBar} session=${session} choose=${choose} />
      <section class="people" aria-label="People">
        <${Table} session=${session} edit=${edit}>
          <button class="primary" title="Key: n" onClick=${() => edit({})}>New person</button>
        <//>
      </section>
      <aside>
        <${Chart} rates=${session.rates} />
        <${LogPanel} log=${session.log} look=${() => session.look()} />
        <${Lines} session=${session} />
        <${Importer} />
      </aside>
    </main>
    ${edited && html`<${Editor} key=${edited.id} person=${edited} session=${session} close=${() => edit()} />`}
  `;
}

applyTheme();
const draw = () => render(html`<${Page} session=${session} />`, document.body);
const session = new Session(readAddress(), draw);
