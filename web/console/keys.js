// Keyboard shortcuts for the page, and the dialog that lists all keys.

import { html, useEffect, useRef } from './vendor/htm-preact.js';

const KEYS = [
  ['/', 'type a filter'], ['n', 'add a person'], ['?', 'show these keys'],
  ['↑ ↓', 'in the table: the person above, below'],
  ['Home End', 'in the table: the first, the last'], ['Enter', 'in the table: open the person'],
  ['Esc', 'close a form'],
];

/** Runs the action of a key, except in fields and dialogs. */
export function useShortcuts(actions) {
  useEffect(() => {
    const pressed = (event) => {
      const typing = event.target.closest?.('input, textarea, select, dialog');
      const action =
        !typing && !event.ctrlKey && !event.metaKey && !event.altKey && actions[event.key];
      if (!action) return;
      event.preventDefault();
      action();
    };
    addEventListener('keydown', pressed);
    return () => removeEventListener('keydown', pressed);
  }, []);
}

export function Keys({ close }) {
  const dialog = useRef();
  useEffect(() => dialog.current.showModal(), []);
  return html`
    <dialog class="keys" ref=${dialog} onClose=${close} aria-labelledby="keys-title">
      <h2 id="keys-title">Keys</h2>
      <dl>${KEYS.map(([key, what]) => html`<div>
          <dt>${key.split(' ').map((one) => html`<kbd>${one}</kbd> `)}</dt><dd>${what}</dd>
        </div>`)}
      </dl>
      <form method="dialog" class="buttons"><button class="primary">Close</button></form>
    </dialog>
  `;
}
