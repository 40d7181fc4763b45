// The chart of changes a second, drawn by uPlot.

import { SERIES } from './rates.js';
import { html, useEffect, useRef } from './vendor/htm-preact.js';

const HEIGHT_PX = 130;
/** Ticks of the axis: changes are whole numbers. */
const INCREMENTS = [1, 2, 5]
  .flatMap((step) => [1, 10, 100, 1e3, 1e4, 1e5].map((scale) => step * scale))
  .sort((a, b) => a - b);

const colour = (name) =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/**
 * Draws a new chart. uPlot draws on a canvas, which has no CSS variables: another theme needs a new
 * chart.
 */
function draw(element, data) {
  const clock = (_, seconds) =>
    seconds.map((second) => new Date(second * 1000).toLocaleTimeString());
  const axis = {
    stroke: colour('quiet'),
    grid: { stroke: colour('line'), width: 1 },
    ticks: { show: false },
    font: '11px system-ui',
  };
  const options = {
    width: element.clientWidth,
    height: HEIGHT_PX,
    legend: { show: false },
    cursor: { show: false },
    scales: { y: { range: (_, least, most) => [0, Math.max(5, most)] } },
    axes: [
      { ...axis, space: 90, values: clock, size: 26 },
      { ...axis, size: 48, space: 30, incrs: INCREMENTS },
    ],
    series: [
      {},
      ...SERIES.map(({ name }) => ({ stroke: colour(name), width: 2, points: { show: false } })),
    ],
  };
  return new globalThis.uPlot(options, data, element);
}

export function Chart({ rates }) {
  const element = useRef();
  const plot = useRef();
  useEffect(() => {
    const redraw = () => {
      plot.current?.destroy();
      plot.current = draw(element.current, rates.data);
    };
    const system = matchMedia('(prefers-color-scheme: dark)');
    const sizes = new ResizeObserver(() => {
      plot.current?.setSize({ width: element.current.clientWidth, height: HEIGHT_PX });
    });
    redraw();
    sizes.observe(element.current);
    addEventListener('theme', redraw);
    system.addEventListener('change', redraw);
    return () => {
      sizes.disconnect();
      removeEventListener('theme', redraw);
      system.removeEventListener('change', redraw);
      plot.current.destroy();
    };
  }, []);
  useEffect(() => plot.current?.setData(rates.data), [rates.ticks]);
  return html`
    <section class="panel chart">
      <h2>Changes a second <span class="number">${rates.last}</span></h2>
      <div ref=${element} role="img"
        aria-label=${`Changes a second over the last two minutes; now ${rates.last}`}></div>
      <ul class="legend" aria-hidden="true">
        ${SERIES.map(({ name }) => html`<li class=${name}>${name}</li>`)}</ul>
    </section>
  `;
}
