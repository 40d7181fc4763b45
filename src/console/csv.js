// Files of people become lines of NDJSON, piece by piece, with the number of the line in the file that each came from.

/** A column's name in its plainest form: `First name`, `first_name` and `firstName` are one. */
const plain = (name) => name.toLowerCase().replace(/[^a-z0-9]/g, '');
const FIELDS = new Map(['id', 'firstName', 'lastName', 'age', 'job'].map((name) => [plain(name), name]));
const VALUE = /^(-?[0-9][0-9.eE+-]*|true|false|[[{].*[\]}])$/s;

/** An attribute's value: JSON where the cell is a number, a list and so on, else its text. A long number stays text. */
function value(cell) {
  if (!VALUE.test(cell)) return cell;
  try {
    const read = JSON.parse(cell);
    return Number.isInteger(read) && !Number.isSafeInteger(read) ? cell : read;
  } catch {
    return cell;
  }
}

/** The person that a record means; columns that we don't know are attributes. Empty cells are left out. */
export function personOf(header, cells) {
  const person = {};
  const attributes = {};
  header.forEach((name, index) => {
    const cell = cells[index]?.trim() ?? '';
    const field = FIELDS.get(plain(name));
    if (cell === '' && field !== 'job') return;
    if (field) person[field] = field === 'age' && !Number.isNaN(Number(cell)) ? Number(cell) : cell;
    else if (plain(name) === 'attributes' && typeof value(cell) === 'object') Object.assign(attributes, value(cell));
    else attributes[name.replace(/^attributes\./, '')] = value(cell);
  });
  return Object.keys(attributes).length > 0 ? { ...person, attributes } : person;
}

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

  /** Gives each record and the number of its first line. */
  *read(text) {
    for (const character of text) {
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
    yield* this.#endRecord();
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
    if (record.cells.length > 1 || record.cells[0] !== '') yield record;
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

  *#give(json) {
    this.#line++;
    if (json.trim() !== '') yield { line: this.#line, json: json.trimEnd() };
  }
}

/** Pieces of a file's text in, `{ line, json }` out. What begins with a brace is NDJSON, anything else CSV. */
export class PeopleReader {
  #reader;
  #header;

  *read(text) {
    if (!this.#reader) {
      text = text.replace(/^\uFEFF/, '');
      if (text === '') return;
      this.#reader = /^\s*\{/.test(text) ? new LineReader() : new CsvReader();
    }
    for (const record of this.#reader.read(text)) yield* this.#give(record);
  }

  *end() {
    for (const record of this.#reader?.end() ?? []) yield* this.#give(record);
  }

  *#give({ line, json, cells }) {
    if (json !== undefined) yield { line, json };
    else if (!this.#header) this.#header = cells.map((name) => name.trim());
    else yield { line, json: JSON.stringify(personOf(this.#header, cells)) };
  }
}
