// Commands for a terminal that show the same view.

import { access } from './access.js';
import { addressOf } from './address.js';
import { CopyButton } from './copy.js';
import { html } from './vendor/htm-preact.js';

/** The text as one argument of a shell. */
export const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** The argument for the token, which the shell takes from the environment; none without one. */
export const header = () =>
  access.token === undefined ? '' : ' -H "Authorization: Bearer $PEOPLE_GATEWAY_TOKEN"';

/** Command lines for the current view, by name. */
export function linesFor({ where, kinds }) {
  const condition = where ? ` --data-urlencode ${quoted(`where=${where}`)}` : '';
  const token = header();
  const kind = kinds === 'all' ? '' : ` -d kinds=${kinds}`;
  const query = new URLSearchParams({
    from: 'snapshot',
    ...(kinds !== 'all' && { kinds }),
    ...(where && { where }),
  });
  const socket = `${addressOf('updates').replace('http', 'ws')}?${query}`;
  return {
    'curl, snapshot': `curl -sG${token} ${quoted(addressOf('people'))}${condition}`,
    'curl, live':
      `curl -sNG${token} ${quoted(addressOf('updates'))} -d from=snapshot${kind}${condition}`,
    'wscat, live': `wscat${token} -s people.v1.json -c ${quoted(socket)}`,
  };
}

export function Lines({ session }) {
  const { where, kinds } = session.client;
  return html`
    <section class="panel lines">
      <h2>In a terminal</h2>
      <dl>
        ${Object.entries(linesFor({ where, kinds })).map(([name, line]) => html`
          <div>
            <dt>${name} <${CopyButton} text=${line} what=${`line for ${name}`} /></dt>
            <dd><code tabindex="0">${line}</code></dd>
          </div>`)}
      </dl>
    </section>
  `;
}
