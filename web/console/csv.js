// Splits CSV (RFC 4180) into records, piece by piece, with the number of each record's first line.
//
// Our own reader, because Papa Parse accepts malformed quotes as text and reports neither line nor
// column. src/cli/people/import/csv.rs does the same for the command line; tests/import/cases.json
// tests both.

import { trimmed } from './values.js';

/** The limit of a record in characters. A person has less than 64 KiB. */
const RECORD_MAX = 1024 * 1024;

const isBlank = (character) => trimmed(character) === '';

/**
 * Whether a text is a separator: one ASCII character that is no letter, digit, quote or line end.
 */
const isSeparator = (text) => /^[\0-\x7F]$/.test(text) && !/["\r\n0-9A-Za-z]/.test(text);

/** Reads text and yields records. Skips rows whose cells are all blank. */
export class CsvReader {
  /**
   * The character between cells: the chosen one, else the first comma, semicolon or tab in the
   * headings.
   */
  #separator;
  #chosen;
  /** Whether the headings, or a line `sep=;` before them, come next. */
  #atHeadings = true;
  /**
   * The position in a cell: `start`, `blanks`, `plain`, `quoted`, or `quote` (after a quote in a
   * quoted cell).
   */
  #state = 'start';
  #cell = '';
  #cells = [];
  /** Characters of the current record. */
  #length = 0;
  /** The first line of the current record. */
  #firstLine = 1;
  /** Line and column of the last quote that opened a cell. */
  #quote;
  #line = 1;
  #column = 0;
  #carriage = false;

  constructor(separator) {
    this.#separator = separator;
    this.#chosen = separator !== undefined;
  }

  /**
   * Yields each record with the number of its first line; the records before an error come first.
   */
  *read(text) {
    for (const character of text) yield* this.#take(character);
  }

  /** Yields the last record if it has no line end. */
  *end() {
    if (this.#state === 'quoted') throw this.#unclosed();
    yield* this.#endRecord();
  }

  *#take(character) {
    const secondOfTwo = this.#carriage && character === '\n';
    this.#carriage = character === '\r';
    const lineEnd = !secondOfTwo && (character === '\n' || character === '\r');
    if (!secondOfTwo && ++this.#length > RECORD_MAX) {
      throw this.#state === 'quoted'
        ? this.#unclosed()
        : new Error(
            `line ${this.#firstLine}: the record that begins here has more than ${RECORD_MAX} ` +
              'characters, so it is no person',
          );
    }
    const [line, column] = [this.#line, this.#column + 1];
    this.#column = lineEnd || secondOfTwo ? 0 : column;
    if (lineEnd) this.#line++;
    if (this.#separator === undefined && this.#state !== 'quoted' && ',;\t'.includes(character))
      this.#separator = character;
    if (this.#state === 'quoted') {
      if (character === '"') this.#state = 'quote';
      else this.#cell += character;
    } else if (secondOfTwo) {
      // The LF of a CRLF: the CR has ended the line.
    } else if (lineEnd) {
      yield* this.#endRecord();
    } else if (character === this.#separator) {
      this.#endCell();
    } else if (character === '"' && this.#state === 'start') {
      this.#state = 'quoted';
      this.#quote = [line, column];
    } else if (character === '"' && this.#state === 'blanks') {
      const advice = 'it must be the first character of its cell';
      throw new Error(`line ${line}, column ${column}: blanks precede this quote: ${advice}`);
    } else if (this.#state === 'quote' && character !== '"') {
      const advice = 'inside quotes, a quote is written twice';
      const place = `line ${line}, column ${column - 1}`;
      throw new Error(`${place}: text follows this closing quote: ${advice}`);
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
    const record = { line: this.#firstLine, cells: this.#cells };
    this.#cells = [];
    this.#firstLine = this.#line;
    this.#length = 0;
    if (record.cells.every(isBlank)) {
      if (this.#atHeadings && !this.#chosen) this.#separator = undefined;
      return;
    }
    if (this.#atHeadings) {
      const separator = this.#separatorIn(record.cells);
      this.#atHeadings = separator !== undefined;
      if (!this.#chosen) this.#separator = separator ?? this.#separator ?? ',';
      this.#chosen = true;
      if (this.#atHeadings) return;
    }
    yield record;
  }

  /** The separator of Excel's line `sep=;` before the headings; undefined for any other line. */
  #separatorIn([first, ...others]) {
    if (!/^sep=/i.test(first)) return undefined;
    const name = first.slice('sep='.length);
    // The reader has already split the line at this separator.
    if (name === '' && others.length === 1 && others[0] === '') return this.#separator;
    return others.length === 0 && isSeparator(name) ? name : undefined;
  }
}
