// Light or dark: as the system has it, or as was chosen here.

import { html, useState } from './vendor/htm-preact.js';

const KEY = 'people-gateway.theme';
const THEMES = [['system', 'As the system'], ['light', 'Light'], ['dark', 'Dark']];

/** A page may be forbidden to store. */
function stored() {
  try {
    return localStorage.getItem(KEY) ?? 'system';
  } catch {
    return 'system';
  }
}

export function applyTheme(theme = stored()) {
  document.documentElement.dataset.theme = theme;
  dispatchEvent(new Event('theme'));
}

export function ThemeSwitch() {
  const [theme, setTheme] = useState(stored);
  const choose = ({ target: { value } }) => {
    try {
      localStorage.setItem(KEY, value);
    } catch {
      // Then it holds for this page only.
    }
    applyTheme(value);
    setTheme(value);
  };
  return html`
    <label class="theme">
      <span class="unseen">Theme</span>
      <select value=${theme} onChange=${choose}>
        ${THEMES.map(([value, name]) => html`<option value=${value} selected=${value === theme}>${name}</option>`)}
      </select>
    </label>
  `;
}
