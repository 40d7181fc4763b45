// A button that copies a text and reports the result.

import { html, useState } from './vendor/htm-preact.js';

const RESULT_MS = 1500;

async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // Browsers have no clipboard API for a page without TLS on another host, but a selection can be
  // copied there.
  const area = document.createElement('textarea');
  area.value = text;
  (document.querySelector('dialog[open]') ?? document.body).append(area);
  area.select();
  const copied = document.execCommand('copy');
  area.remove();
  if (!copied) throw new Error('the browser does not allow it');
}

export function CopyButton({ text, what }) {
  const [result, setResult] = useState('');
  const copyIt = async () => {
    await copy(text).then(() => setResult('Copied'), () => setResult('Not copied'));
    setTimeout(() => setResult(''), RESULT_MS);
  };
  return html`
    <button type="button" class="small" onClick=${copyIt} aria-label=${`Copy the ${what}`}>
      ${result || 'Copy'}</button>
    <span class="unseen" role="status">${result && `${result}: ${what}`}</span>
  `;
}
