// Counts the changes in each of the last 120 seconds.

export const SECONDS = 120;
/** The lines of the chart, and the types of changes that each counts. */
export const SERIES = [
  { name: 'in', types: ['create', 'enter'] },
  { name: 'changed', types: ['update'] },
  { name: 'out', types: ['leave', 'delete'] },
];

export class Rates {
  /** uPlot's format: times in seconds, then a row of counts for each line. */
  data;
  /** The number of ticks so far. */
  ticks = 0;
  #now = SERIES.map(() => 0);

  constructor() {
    const second = Math.floor(Date.now() / 1000);
    const times = Array.from({ length: SECONDS }, (_, index) => second - SECONDS + index);
    this.data = [times, ...SERIES.map(() => Array(SECONDS).fill(0))];
  }

  count(type) {
    const line = SERIES.findIndex(({ types }) => types.includes(type));
    if (line >= 0) this.#now[line]++;
  }

  /** Ends a second. */
  tick() {
    this.ticks++;
    this.data[0] = [...this.data[0].slice(1), Math.floor(Date.now() / 1000)];
    this.#now.forEach((count, line) => {
      this.data[line + 1] = [...this.data[line + 1].slice(1), count];
    });
    this.#now = SERIES.map(() => 0);
  }

  /** The changes of the last second, all lines together. */
  get last() {
    return SERIES.reduce((sum, _, line) => sum + this.data[line + 1].at(-1), 0);
  }
}
