// The caller in the head of the page: the subject, the role, the end of the token, and a button to
// sign out. A gateway without authentication names no subject, and the page shows nothing.

import { html } from './vendor/htm-preact.js';

const DAY_MS = 86_400_000;
const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' });
const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

function Until({ time }) {
  const end = new Date(time);
  const format = time - Date.now() < DAY_MS ? CLOCK : DAY;
  return html`<time datetime=${end.toISOString()} title=${DAY.format(end)}>until ${
    format.format(end)}</time>`;
}

/** `signOut` forgets the token and all that the page shows. */
export function Caller({ access, signOut }) {
  const { subject, role } = access.rights ?? {};
  if (subject === undefined) return null;
  return html`
    <p class="caller">
      <span class="unseen">Signed in as </span>
      <bdi class="subject" title=${subject}>${subject}</bdi>
      ${role && html`<span class="role">${role}</span>`}
      ${access.until && html`<${Until} time=${access.until} />`}
      <button class="small" onClick=${signOut}>Sign out</button>
    </p>
  `;
}
