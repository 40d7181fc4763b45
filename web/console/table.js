// The people as a table. Only the visible rows are in the document, so ten thousand scroll like
// ten.

import { nameOf } from './person.js';
import { html, useEffect, useLayoutEffect, useRef, useState } from './vendor/htm-preact.js';

/** The height of a row; the same in style.css. */
const ROW_PX = 38;
/** Rows above and below the visible ones, so that a quick scroll shows no gap. */
const MARGIN = 8;
const COLUMNS = [
  ['name', 'Name'],
  ['age', 'Age'],
  ['job', 'Job'],
  [undefined, 'Attributes'],
  ['updated', 'Updated'],
];
/** The word beside a flash: colour alone is not accessible. */
const WORDS = {
  create: 'new',
  enter: 'entered',
  update: 'changed',
  leave: 'left',
  delete: 'deleted',
};

const rowId = (id) => `person-${id}`;

const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const written = (format, iso) => (iso ? format.format(new Date(iso)) : '');

/** The range of visible rows, with a margin. */
function useWindow(scroller, count) {
  const [[top, height], setSight] = useState([0, 600]);
  useLayoutEffect(() => {
    const look = () => setSight([scroller.current.scrollTop, scroller.current.clientHeight]);
    const sizes = new ResizeObserver(look);
    sizes.observe(scroller.current);
    scroller.current.addEventListener('scroll', look, { passive: true });
    return () => sizes.disconnect();
  }, []);
  const first = Math.max(0, Math.min(Math.floor(top / ROW_PX), count) - MARGIN);
  return [first, Math.min(count, Math.ceil((top + height) / ROW_PX) + MARGIN)];
}

/** Attributes as one line of text. */
function brief(attributes) {
  const value = (value) => {
    if (Array.isArray(value))
      return value
        .map((item) => (typeof item === 'object' ? JSON.stringify(item) : item))
        .join(', ');
    return typeof value === 'object' ? JSON.stringify(value) : String(value);
  };
  return Object.entries(attributes).map(([name, given]) => `${name}: ${value(given)}`).join(' · ');
}

function Row({ person, index, flash, selected, open }) {
  const { id, age, job, attributes, updatedAt } = person;
  const summary = attributes ? brief(attributes) : '';
  return html`
    <tr id=${rowId(id)} role="row" aria-rowindex=${index + 2} aria-selected=${selected}
      class=${flash?.type ?? ''} data-beat=${flash?.beat} onClick=${open}>
      <td role="gridcell" class="name">${nameOf(person) ?? html`<code class="quiet">${id}</code>`}
        ${flash && html`<span class="tag">${WORDS[flash.type]}</span>`}</td>
      <td role="gridcell" class="age">${age}</td>
      <td role="gridcell" class="job" title=${job}>${job}</td>
      <td role="gridcell" class="attributes" title=${summary}>${summary}</td>
      <td role="gridcell" class="updated" title=${written(DAY, updatedAt)}>
        ${written(CLOCK, updatedAt)}</td>
    </tr>
  `;
}

function Head({ rows, sorted }) {
  const sort = (column) => {
    rows.sortBy(column);
    sorted();
  };
  const order = (column) =>
    column !== rows.column ? 'none' : rows.descending ? 'descending' : 'ascending';
  return html`
    <thead role="rowgroup">
      <tr role="row" aria-rowindex="1">
        ${COLUMNS.map(([column, name]) => html`
          <th role="columnheader" scope="col" class=${name.toLowerCase()}
            aria-sort=${column && order(column)}>
            ${column ? html`<button onClick=${() => sort(column)}>${name}</button>` : name}
          </th>`)}
      </tr>
    </thead>
  `;
}

function Summary({ client }) {
  const { size } = client.view;
  const people = `${size.toLocaleString()} ${size === 1 ? 'person' : 'people'}`;
  const partial =
    client.kinds !== 'all' && 'Only some kinds of changes arrive: the table is incomplete.';
  return html`<p class="summary"><strong>${people}</strong>
    ${partial && html` <span class="quiet">${partial}</span>`}</p>`;
}

export function Table({ session, open, empty, children }) {
  const { rows, client, oldSince } = session;
  const { list } = rows;
  const scroller = useRef();
  const [selected, select] = useState();
  const [first, end] = useWindow(scroller, list.length);
  // Some browsers scroll a shorter list without a scroll event.
  useEffect(() => session.redraw(), [list.length === 0]);

  const at = () => list.findIndex(({ id }) => id === selected);
  const move = (index) => {
    const to = Math.max(0, Math.min(list.length - 1, index));
    if (!list[to]) return;
    select(list[to].id);
    const { scrollTop, clientHeight } = scroller.current;
    const [top, bottom] = [to * ROW_PX, (to + 2) * ROW_PX - clientHeight];
    if (top < scrollTop) scroller.current.scrollTop = top;
    if (bottom > scrollTop) scroller.current.scrollTop = bottom;
  };
  const keys = {
    ArrowDown: () => move(at() + 1),
    ArrowUp: () => move(at() < 0 ? 0 : at() - 1),
    Home: () => move(0),
    End: () => move(list.length - 1),
    Enter: () => at() >= 0 && open(list[at()]),
  };
  const pressed = (event) => {
    if (event.target !== scroller.current || !keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  };
  const sorted = () => {
    scroller.current.scrollTop = 0;
    session.redraw();
  };
  const chosen = (person) => () => {
    select(person.id);
    if (client.view.has(person.id)) open(person);
  };
  return html`
    <div class="bar"><${Summary} client=${client} />${children}</div>
    ${oldSince && html`<p class="notice old" role="status">
      Not live since ${CLOCK.format(oldSince)}: the table may be old.
    </p>`}
    <div class=${oldSince ? 'scroller is-old' : 'scroller'} ref=${scroller} tabindex="0" role="grid"
      aria-label="People in the view" aria-rowcount=${list.length + 1}
      aria-activedescendant=${selected && rowId(selected)} onKeyDown=${pressed}>
      <table role="presentation">
        <${Head} rows=${rows} sorted=${sorted} />
        <tbody role="rowgroup">
          <tr key="above" role="presentation" class="space"
            style=${{ height: `${first * ROW_PX}px` }}></tr>
          ${list.slice(first, end).map((person, index) => html`
            <${Row} key=${person.id} person=${person} index=${first + index}
              flash=${rows.flashOf(person.id)} selected=${person.id === selected}
              open=${chosen(person)} />`)}
          <tr key="below" role="presentation" class="space"
            style=${{ height: `${(list.length - end) * ROW_PX}px` }}></tr>
        </tbody>
      </table>
      ${list.length === 0 && client.state === 'live' && html`
        <div class="empty">${empty || html`<p>No person matches this filter now.</p>`}</div>`}
    </div>
  `;
}
