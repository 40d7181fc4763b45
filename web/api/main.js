// The page: the contents, the calls and the schemas of the OpenAPI document on its host.

import { groups } from './document.js';
import { Operation } from './operation.js';
import { Prose } from './prose.js';
import { Fields } from './schema.js';
import { applyTheme, ThemeSwitch } from './theme.js';
import { html, render, useEffect, useState } from './vendor/htm-preact.js';

function Contents({ groups, schemas }) {
  return html`
    <nav aria-label="Contents">
      ${groups.map(({ tag, calls }) => html`
        <h2 key=${tag.name}>${tag.name}</h2>
        <ul>
          ${calls.map(({ method, path, operationId, summary }) => html`
            <li key=${operationId}>
              <a href=${`#${operationId}`} title=${summary}>
                <span class=${`method ${method}`}>${method}</span> ${path}</a>
            </li>`)}
        </ul>`)}
      <h2>Schemas</h2>
      <ul>${schemas.map(([name]) => html`
        <li key=${name}><a href=${`#schema-${name}`}>${name}</a></li>`)}</ul>
    </nav>
  `;
}

/** The link to the console, if the console is enabled. */
function ConsoleLink() {
  const [isEnabled, setEnabled] = useState(false);
  useEffect(() => {
    fetch('./', { method: 'HEAD' }).then(({ ok }) => setEnabled(ok), () => {});
  }, []);
  return isEnabled && html`<a href="./">Console</a>`;
}

function Page({ document }) {
  const found = groups(document);
  const schemas = Object.entries(document.components.schemas);
  return html`
    <header>
      <h1>${document.info.title} <span class="quiet">${document.info.version}</span></h1>
      <p class="files"><${ConsoleLink} /> <a href="openapi.json">openapi.json</a> <a
        href="asyncapi.yaml">asyncapi.yaml</a></p>
      <${ThemeSwitch} />
    </header>
    <div class="columns">
      <${Contents} groups=${found} schemas=${schemas} />
      <main>
        <section class="about"><${Prose} text=${document.info.description} /></section>
        ${found.map(({ tag, calls }) => html`
          <section key=${tag.name}>
            <h2>${tag.name}</h2>
            <p class="quiet">${tag.description}</p>
            ${calls.map((call) => html`
              <${Operation} key=${call.operationId} document=${document} call=${call} />`)}
          </section>`)}
        <section>
          <h2>Schemas</h2>
          ${schemas.map(([name, schema]) => html`
            <article id=${`schema-${name}`} key=${name}>
              <h3>${name}</h3>
              <${Fields} document=${document} schema=${schema} />
            </article>`)}
        </section>
      </main>
    </div>
  `;
}

applyTheme();
const answer = await fetch('openapi.json');
render(html`<${Page} document=${await answer.json()} />`, document.body);
// The browser looked for the target of the address before the page had it.
document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
