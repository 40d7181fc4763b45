// Files of people become lines of NDJSON, piece by piece, with the number of the line in the file that each came from,
// as `people-gateway import` reads them.

import { Columns } from './columns.js';
import { idOf, named } from './ids.js';
import { json } from './values.js';

/** Characters of one record. A person has less than 64 KiB. */
const RECORD_MAX = 1024 * 1024;

/** Cuts text into records of cells (RFC 4180); a cell in quotes may hold line breaks. */
export class CsvReader {
  #separator;
  #cell = '';
  #cells = [];
  #quoted = false;
  /** The cell began with a quote, so another one in it is doubled or its end. */
  #wasQuoted = false;
  #line = 1;
  #begun = 1;
  #carriage = false;
  #length = 0;

  /** Gives each record and the number of its first line. */
  *read(text) {
    for (const character of text) {
      if (++this.#length > RECORD_MAX) throw this.#unclosed();
      if (this.#separator === undefined && !this.#quoted && [',', ';', '\t'].includes(character)) this.#separator = character;
      const wasCarriage = this.#carriage;
      this.#carriage = character === '\r';
      if (character === '\n' && wasCarriage) {
        if (this.#quoted) this.#cell += character;
        continue;
      }
      const lineEnd = character === '\n' || character === '\r';
      if (lineEnd) this.#line++;
      if (this.#quoted) {
        if (character === '"') this.#quoted = false;
        else this.#cell += character;
      } else if (character === '"' && this.#cell === '' && !this.#wasQuoted) {
        this.#quoted = this.#wasQuoted = true;
      } else if (character === '"' && this.#wasQuoted) {
        this.#quoted = true;
        this.#cell += character;
      } else if (character === this.#separator) {
        this.#endCell();
      } else if (lineEnd) {
        yield* this.#endRecord();
      } else {
        this.#cell += character;
      }
    }
  }

  /** The last record, if it has no line end. */
  *end() {
    if (this.#quoted) throw this.#unclosed();
    yield* this.#endRecord();
  }

  #unclosed() {
    return new Error(`A quote that begins in the record of line ${this.#begun} is not closed: nothing after it can be read.`);
  }

  #endCell() {
    this.#cells.push(this.#cell);
    this.#cell = '';
    this.#wasQuoted = false;
  }

  *#endRecord() {
    this.#endCell();
    const record = { line: this.#begun, cells: this.#cells };
    this.#cells = [];
    this.#begun = this.#line;
    this.#length = 0;
    if (record.cells.some((cell) => cell !== '')) yield record;
  }
}

/** Lines of a file that is NDJSON already. */
class LineReader {
  #rest = '';
  #line = 0;

  *read(text) {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop();
    for (const json of lines) yield* this.#give(json);
  }

  *end() {
    yield* this.#give(this.#rest);
  }

  *#give(text) {
    this.#line++;
    if (text.trim() !== '') yield { line: this.#line, text: text.trim() };
  }
}

/** What a file is made of, by its name, else by how it begins. */
function readerFor(name, text) {
  if (/\.(csv|tsv)$/i.test(name)) return new CsvReader();
  if (/\.(ndjson|jsonl)$/i.test(name) || /^\s*\{/.test(text)) return new LineReader();
  if (/^\s*\[/.test(text)) throw new Error("This is a JSON array: make lines of it with jq -c '.[]', and import those.");
  return new CsvReader();
}

/**
 * Pieces of a file's text in, `{ line, json }` out, or `{ line, refused }` with what is wrong with the line. Whoever has
 * no id gets one from the file's name and the line.
 */
export class PeopleReader {
  #name;
  #reader;
  #columns;

  constructor(name) {
    this.#name = name;
  }

  *read(text) {
    if (!this.#reader) {
      text = text.replace(/^\uFEFF/, '');
      if (text === '') return;
      this.#reader = readerFor(this.#name, text);
    }
    for (const record of this.#reader.read(text)) yield* this.#give(record);
  }

  *end() {
    for (const record of this.#reader?.end() ?? []) yield* this.#give(record);
  }

  *#give({ line, text, cells }) {
    if (text !== undefined) yield { line, json: named(text, idOf(this.#name, line)) };
    else if (!this.#columns) this.#columns = new Columns(cells);
    else yield this.#person(line, cells);
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
