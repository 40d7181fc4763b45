// A call: its parameters, body and responses, and a command line to try it.

import { CopyButton } from './copy.js';
import { line } from './curl.js';
import { resolve, sample } from './document.js';
import { Prose, Words } from './prose.js';
import { Field, Type } from './schema.js';
import { html } from './vendor/htm-preact.js';

const PLACES = { path: 'in the path', query: 'in the query', header: 'header' };

function Contents({ content }) {
  return Object.entries(content).map(([media, given]) => html`
    <div class="content" key=${media}>
      <p><code>${media}</code> <${Type} schema=${given.schema} />
        ${given['x-stream'] && html` <span class="mark">stream</span>`}</p>
      <pre tabindex="0" aria-label=${`Example of ${media}`}>${sample(given)}</pre>
    </div>
  `);
}

function Parameters({ document, parameters }) {
  if (parameters.length === 0) return null;
  return html`
    <h4>Parameters</h4>
    <dl class="fields">
      ${parameters.map((part) => resolve(document, part)).map((one) => html`
        <${Field} key=${one.in + one.name} document=${document} name=${one.name}
          note=${PLACES[one.in]} required=${one.required} schema=${one.schema}
          text=${one.description} />`)}
    </dl>
  `;
}

function Response({ document, status, response }) {
  const headers = Object.entries(response.headers ?? {}).map(([name, part]) => [
    name,
    resolve(document, part),
  ]);
  return html`
    <details class=${`response of-${status[0]}`}>
      <summary><b>${status}</b> <span><${Words} text=${response.description} /></span></summary>
      ${headers.length > 0 && html`
        <dl class="fields">
          ${headers.map(([name, header]) => html`
            <${Field} key=${name} document=${document} name=${name} note="header"
              schema=${header.schema} text=${header.description} />`)}
        </dl>`}
      <${Contents} content=${response.content ?? {}} />
    </details>
  `;
}

export function Operation({ document, call }) {
  const {
    path,
    method,
    operationId,
    summary,
    description,
    parameters = [],
    requestBody,
    responses,
  } = call;
  const curl = line(document, call, new URL('.', location.href).href);
  return html`
    <article id=${operationId} aria-labelledby=${`${operationId}-title`}>
      <h3 id=${`${operationId}-title`}>
        <span class=${`method ${method}`}>${method}</span> <code>${path}</code>
        ${call['x-stream'] && html` <span class="mark">stream</span>`}
      </h3>
      <p class="summary">${summary}</p>
      <${Prose} text=${description} />
      <p class="curl"><code tabindex="0">${curl}</code> <${CopyButton} text=${curl}
        what=${`curl line for ${method} ${path}`} /></p>
      <${Parameters} document=${document} parameters=${parameters} />
      ${requestBody && html`
        <h4>Body</h4>
        <p><${Words} text=${requestBody.description} /></p>
        <${Contents} content=${requestBody.content} />`}
      <h4>Responses</h4>
      ${Object.entries(responses).map(([status, response]) => html`
        <${Response} key=${status} document=${document} status=${status}
          response=${resolve(document, response)} />`)}
    </article>
  `;
}
