// Cuts CSV (RFC 4180) into records, piece by piece, with the number of the line on which each begins.
//
// Our own, because it has to refuse what Papa Parse reads as something else, with line and column, which that does not
// tell. Its twin is src/cli/import/csv.rs; tests/import/cases.json holds both to one behaviour.

import { trimmed } from './values.js';

/** Characters of one record. A person has less than 64 KiB. */
const RECORD_MAX = 1024 * 1024;

const isBlank = (character) => trimmed(character) === '';

/** The separator that a text may name: one character that is no letter, digit, quote or line end. */
const isSeparator = (text) => /^[\0-\x7F]$/.test(text) && !/["\r\n0-9A-Za-z]/.test(text);

/** Text in, records out. Rows in which all cells are blank are no records. */
export class CsvReader {
  /** What stands between cells; of comma, semicolon and tab the one that comes first in the headings, unless chosen. */
  #separator;
  #chosen;
  /** The headings, or a line `sep=;` before them, are still to come. */
  #atHeadings = true;
  /** Where in a cell the reading stands: `start`, `blanks`, `plain`, `quoted`, or `quote` (behind one inside quotes). */
  #state = 'start';
  #cell = '';
  #cells = [];
  /** Of the record under way, in characters. */
  #length = 0;
  /** The line on which it began. */
  #begun = 1;
  /** The last quote that opened a cell. */
  #quote;
  #line = 1;
  #column = 0;
  #carriage = false;

  constructor(separator) {
    this.#separator = separator;
    this.#chosen = separator !== undefined;
  }

  /** Gives each record and the number of its first line, also those before a fault. */
  *read(text) {
    for (const character of text) yield* this.#take(character);
  }

  /** The last record, if it has no line end. */
  *end() {
    if (this.#state === 'quoted') throw this.#unclosed();
    yield* this.#endRecord();
  }

  *#take(character) {
    const secondOfTwo = this.#carriage && character === '\n';
    this.#carriage = character === '\r';
    const lineEnd = !secondOfTwo && (character === '\n' || character === '\r');
    if (!secondOfTwo && ++this.#length > RECORD_MAX) {
      throw this.#state === 'quoted' ? this.#unclosed() :
        new Error(`line ${this.#begun}: the record that begins here has more than ${RECORD_MAX} characters, so it is no person`);
    }
    const [line, column] = [this.#line, this.#column + 1];
    this.#column = lineEnd || secondOfTwo ? 0 : column;
    if (lineEnd) this.#line++;
    if (this.#separator === undefined && this.#state !== 'quoted' && ',;\t'.includes(character)) this.#separator = character;
    if (this.#state === 'quoted') {
      if (character === '"') this.#state = 'quote';
      else this.#cell += character;
    } else if (secondOfTwo) {
      // It belongs to the line end before it.
    } else if (lineEnd) {
      yield* this.#endRecord();
    } else if (character === this.#separator) {
      this.#endCell();
    } else if (character === '"' && this.#state === 'start') {
      this.#state = 'quoted';
      this.#quote = [line, column];
    } else if (character === '"' && this.#state === 'blanks') {
      throw new Error(`line ${line}, column ${column}: blanks stand before this quote: it must be the first character of its cell`);
    } else if (this.#state === 'quote' && character !== '"') {
      throw new Error(`line ${line}, column ${column - 1}: the cell goes on behind this quote: inside quotes, a quote is written twice`);
    } else {
      this.#cell += character;
      if (this.#state === 'quote') this.#state = 'quoted';
      else this.#state = this.#state !== 'plain' && isBlank(character) ? 'blanks' : 'plain';
    }
  }

  #unclosed() {
    const [line, column] = this.#quote;
    return new Error(`line ${line}, column ${column}: this quote is not closed`);
  }

  #endCell() {
    this.#state = 'start';
    this.#cells.push(this.#cell);
    this.#cell = '';
  }

  *#endRecord() {
    this.#endCell();
    const record = { line: this.#begun, cells: this.#cells };
    this.#cells = [];
    this.#begun = this.#line;
    this.#length = 0;
    if (record.cells.every(isBlank)) {
      if (this.#atHeadings && !this.#chosen) this.#separator = undefined;
      return;
    }
    if (this.#atHeadings) {
      const separator = this.#toldBy(record.cells);
      this.#atHeadings = separator !== undefined;
      if (!this.#chosen) this.#separator = separator ?? this.#separator ?? ',';
      this.#chosen = true;
      if (this.#atHeadings) return;
    }
    yield record;
  }

  /** The separator that Excel's line `sep=;` tells, which stands before the headings; none of any other line. */
  #toldBy([first, ...others]) {
    if (!/^sep=/i.test(first)) return undefined;
    const told = first.slice('sep='.length);
    // It has been taken for what it is already.
    if (told === '' && others.length === 1 && others[0] === '') return this.#separator;
    return others.length === 0 && isSeparator(told) ? told : undefined;
  }
}
