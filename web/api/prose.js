// Shows descriptions in a subset of Markdown: paragraphs, lists, code, bold, links.

import { html } from './vendor/htm-preact.js';

const INLINE = /`([^`]+)`|\*\*([^*]+)\*\*|\[([^\]]+)\]\(([\w.-]+)\)/g;

function inline(text) {
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(INLINE)) {
    const [whole, code, bold, label, href] = match;
    parts.push(text.slice(end, match.index));
    if (code) parts.push(html`<code>${code}</code>`);
    else if (bold) parts.push(html`<strong>${bold}</strong>`);
    else parts.push(html`<a href=${href}>${label}</a>`);
    end = match.index + whole.length;
  }
  return [...parts, text.slice(end)];
}

/** A description in one line. */
export const Words = ({ text = '' }) => inline(text);

/** A description in paragraphs. */
export function Prose({ text = '' }) {
  return text.split('\n\n').filter(Boolean).map((block) => {
    if (!block.startsWith('- ')) return html`<p>${inline(block)}</p>`;
    const items = block.split('\n').map((item) => html`<li>${inline(item.slice(2))}</li>`);
    return html`<ul class="prose">${items}</ul>`;
  });
}
