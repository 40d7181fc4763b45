// Shows a schema as a list of its fields.

import { limits, nameOf, resolve, words } from './document.js';
import { Words } from './prose.js';
import { html } from './vendor/htm-preact.js';

/** The type of a schema; a component's name is a link. */
export function Type({ schema }) {
  const referred = schema?.items ?? schema;
  const name = nameOf(referred) ?? nameOf(schema?.allOf?.[0]);
  const text = words(schema);
  const link = name ? html`<a href=${`#schema-${name}`}>${text}</a>` : text;
  return html`<span class="schema-type">${link}</span>`;
}

/** The fields of an object; other schemas have one line. */
export function Fields({ document, schema }) {
  const { properties = {}, required = [], description } = schema;
  const entries = Object.entries(properties);
  if (entries.length === 0) {
    return html`<p>${html`<${Type} schema=${schema} />`} <${Words} text=${description} /> <${Limits}
      of=${schema} /></p>`;
  }
  return html`
    ${description && html`<p><${Words} text=${description} /></p>`}
    <dl class="fields">
      ${entries.map(([name, given]) => html`
        <${Field} key=${name} name=${name} required=${required.includes(name)} schema=${given}
          document=${document} />`)}
    </dl>
  `;
}

/** A field or a parameter. */
export function Field({ document, name, note, required, schema, text }) {
  const description = text ?? schema.description ?? resolve(document, schema).description;
  return html`
    <div>
      <dt>
        <code>${name}</code> <${Type} schema=${schema} />
        ${required && html` <span class="required">required</span>`}
        ${note && html` <span class="quiet">${note}</span>`}
      </dt>
      <dd><${Words} text=${description} /> <${Limits} of=${schema} /></dd>
    </div>
  `;
}

function Limits({ of }) {
  return limits(of).map((limit) => html`<code class="limit">${limit}</code> `);
}
