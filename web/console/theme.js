// The theme, light or dark: the system's, or the user's choice.

import { html, useState } from './vendor/htm-preact.js';

const KEY = 'people-gateway.theme';
const THEMES = [['system', 'As the system'], ['light', 'Light'], ['dark', 'Dark']];

/** The stored theme; browsers may forbid a page to store. */
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
      // The choice applies to this page only.
    }
    applyTheme(value);
    setTheme(value);
  };
  return html`
    <label class="theme">
      <span class="unseen">Theme</span>
      <select value=${theme} onChange=${choose}>
        ${THEMES.map(([value, name]) => html`
          <option value=${value} selected=${value === theme}>${name}</option>`)}
      </select>
    </label>
  `;
}
