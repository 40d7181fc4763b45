// Converts files of people to lines of NDJSON, piece by piece, and keeps their line numbers.
// `people-gateway import` reads files in the same way (parser.rs and reader.rs in
// src/cli/people/import).

import { Columns } from './columns.js';
import { CsvReader } from './csv.js';
import { idOf, named } from './ids.js';
import { json, trimmed } from './values.js';

/** The limit of a line in characters. A person has less than 64 KiB. */
const LINE_MAX = 1024 * 1024;

const length = (text) => text.length - (text.match(/[\uDC00-\uDFFF]/g)?.length ?? 0);

/** Reads the lines of NDJSON; a line over the limit has no text. */
class LineReader {
  #rest = '';
  #length = 0;
  #line = 0;

  *read(text) {
    const parts = text.split('\n');
    for (const [index, part] of parts.entries()) {
      this.#length += length(part);
      if (this.#length <= LINE_MAX) this.#rest += part;
      if (index < parts.length - 1) yield* this.end();
    }
  }

  /** Ends the current line. */
  *end() {
    const record = {
      line: ++this.#line,
      text: this.#length <= LINE_MAX ? trimmed(this.#rest) : undefined,
    };
    this.#rest = '';
    this.#length = 0;
    if (record.text !== '') yield record;
  }
}

/** The format of a file by its name; undefined for other endings. */
function formatOf(name) {
  if (/[^/]\.(csv|tsv)$/i.test(name)) return 'csv';
  return /[^/]\.(ndjson|jsonl)$/i.test(name) ? 'ndjson' : undefined;
}

/**
 * Reads pieces of a file's text, and yields `{ line, json }`, or `{ line, refused }` with the error
 * of the line. People without an id get one from the file's name and the line. `options` are those
 * of `Columns`, and the `separator`.
 */
export class PeopleReader {
  #name;
  #options;
  #reader;
  #format;
  #columns;
  /** Blanks at the beginning of a file without a known format. */
  #blanks = '';

  constructor(name, options = {}) {
    this.#name = name;
    this.#options = options;
    this.#setFormat(formatOf(name));
  }

  /** `csv` or `ndjson`; undefined until it is known. */
  get format() {
    return this.#format;
  }

  /** Whether the headings of a table have been read. */
  get hasHeadings() {
    return this.#columns !== undefined;
  }

  *read(text) {
    const whole = this.#blanks + text;
    this.#blanks = '';
    if (!this.#reader) {
      const first = trimmed(whole).charAt(0);
      if (first === '[')
        throw new Error(
          "This is a JSON array: make lines of it with jq -c '.[]', and import those.",
        );
      if (first === '' && whole.length > LINE_MAX)
        throw new Error(
          `The file begins with more than ${LINE_MAX} blanks: this is no file of people.`,
        );
      if (first === '') {
        this.#blanks = whole;
        return;
      }
      this.#setFormat(first === '{' ? 'ndjson' : 'csv');
    }
    for (const record of this.#reader.read(whole)) yield* this.#give(record);
  }

  *end() {
    for (const record of this.#reader?.end() ?? []) yield* this.#give(record);
  }

  #setFormat(format) {
    this.#format = format;
    if (format)
      this.#reader = format === 'csv' ? new CsvReader(this.#options.separator) : new LineReader();
  }

  *#give({ line, text, cells }) {
    if (this.#format === 'ndjson') {
      yield text === undefined
        ? { line, refused: `is longer than ${LINE_MAX} characters` }
        : { line, json: named(text, idOf(this.#name, line)) };
    } else if (!this.#columns) {
      this.#columns = new Columns(cells, this.#options);
    } else {
      yield this.#person(line, cells);
    }
  }

  #person(line, cells) {
    try {
      const person = this.#columns.person(cells);
      if (!person.has('id')) person.set('id', idOf(this.#name, line));
      return { line, json: json(person) };
    } catch (error) {
      return { line, refused: error.message };
    }
  }
}
