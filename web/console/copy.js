// Copies a text, and says so.

import { html, useState } from './vendor/htm-preact.js';

const SAID_MS = 1500;

async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // A page without TLS on another host has no clipboard: what is selected can be copied all the same.
  const area = document.createElement('textarea');
  area.value = text;
  (document.querySelector('dialog[open]') ?? document.body).append(area);
  area.select();
  const copied = document.execCommand('copy');
  area.remove();
  if (!copied) throw new Error('the browser does not allow it');
}

export function CopyButton({ text, what }) {
  const [said, say] = useState('');
  const copyIt = async () => {
    await copy(text).then(() => say('Copied'), () => say('Not copied'));
    setTimeout(() => say(''), SAID_MS);
  };
  return html`
    <button type="button" class="small" onClick=${copyIt} aria-label=${`Copy the ${what}`}>${said || 'Copy'}</button>
    <span class="unseen" role="status">${said && `${said}: ${what}`}</span>
  `;
}
