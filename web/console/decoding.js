// Decodes a file piece by piece, as encoding.rs and source.rs in src/cli/people/import do. It
// guesses no encoding and replaces no bytes: the first invalid byte ends the file with an error
// that names the line.

/** Bytes that are read at once: the progress bar moves after each piece. */
const PIECE_BYTES = 16 * 1024;
/** The first bytes of a file, which decide its encoding. */
const SAMPLE_BYTES = 4096;
/** Byte order marks and their encodings. */
const MARKS = [
  [[0xef, 0xbb, 0xbf], 'utf-8'],
  [[0xff, 0xfe], 'utf-16le'],
  [[0xfe, 0xff], 'utf-16be'],
];

const beginsWith = (bytes, begin) => begin.every((byte, index) => bytes[index] === byte);

/**
 * The encoding of a file and the length of its byte order mark. A mark has precedence over the
 * chosen encoding.
 */
export function encodingOf(bytes, chosen = 'utf-8') {
  if ([[0xFF, 0xFE, 0, 0], [0, 0, 0xFE, 0xFF]].some((mark) => beginsWith(bytes, mark))) {
    throw new Error('This is UTF-32: convert it first, for example with iconv -f UTF-32 -t UTF-8.');
  }
  const marked = MARKS.find(([mark]) => beginsWith(bytes, mark));
  if (marked) return { encoding: marked[1], mark: marked[0].length };
  const { encoding } = new TextDecoder(chosen);
  if (encoding.startsWith('utf-16')) return { encoding, mark: 0 };
  // In UTF-16 the separators of the first line are an ASCII byte and a zero byte; headings and JSON
  // have no NUL.
  const end = bytes.indexOf(0x0A);
  const zeros = [0, 0];
  bytes
    .subarray(0, end < 0 ? bytes.length : end)
    .forEach((byte, index) => (zeros[index % 2] += byte === 0 ? 1 : 0));
  if (zeros[0] + zeros[1] === 0) return { encoding, mark: 0 };
  const likely = zeros[0] > zeros[1] ? 'utf-16be' : 'utf-16le';
  throw new Error(
    'This looks like UTF-16 without a byte order mark: every second byte of its first line is ' +
      `zero. If it is, choose ${likely} as its encoding.`,
  );
}

/** Counts the lines of a text that comes in pieces. Lines end with LF, CRLF or CR. */
class LineCounter {
  line = 1;
  #carriage = false;

  count(text) {
    this.line += text.match(/\r\n?|\n/g)?.length ?? 0;
    // The pieces split a CRLF: its CR has been counted.
    if (this.#carriage && text.startsWith('\n')) this.line -= 1;
    if (text !== '') this.#carriage = text.endsWith('\r');
  }
}

const decoderOf = (encoding) => new TextDecoder(encoding, { fatal: true, ignoreBOM: true });

const bytesOf = async (file, start, end) =>
  new Uint8Array(await file.slice(start, end).arrayBuffer());

/**
 * The line of the first invalid byte, and the text before it in the piece that begins at `start`.
 */
async function findInvalid(file, encoding, mark, start) {
  const decoder = decoderOf(encoding);
  const lines = new LineCounter();
  for (let at = mark; at < start; at += PIECE_BYTES) {
    lines.count(
      decoder.decode(await bytesOf(file, at, Math.min(at + PIECE_BYTES, start)), { stream: true }),
    );
  }
  let text = '';
  try {
    for (const byte of await bytesOf(file, start, start + PIECE_BYTES))
      text += decoder.decode(Uint8Array.of(byte), { stream: true });
    text += decoder.decode();
  } catch {
    // `text` is the text before the invalid byte.
  }
  lines.count(text);
  return { line: lines.line, text };
}

/**
 * Yields the pieces of a file, `{ text, read }`; `read` counts bytes. Throws an error with the line
 * of an invalid byte.
 */
export async function* textOf(file, chosen) {
  const { encoding, mark } = encodingOf(await bytesOf(file, 0, SAMPLE_BYTES), chosen);
  const decoder = decoderOf(encoding);
  for (let start = mark; start < file.size; start += PIECE_BYTES) {
    const piece = await bytesOf(file, start, start + PIECE_BYTES);
    const last = start + PIECE_BYTES >= file.size;
    let text;
    try {
      text = decoder.decode(piece, { stream: !last });
    } catch {
      const found = await findInvalid(file, encoding, mark, start);
      yield { text: found.text, read: start };
      const hint =
        encoding === 'utf-8'
          ? 'choose the encoding of the file, for example windows-1252'
          : 'does the file have another encoding?';
      throw new Error(`line ${found.line} is not ${encoding.toUpperCase()}: ${hint}`);
    }
    yield { text, read: start + piece.length };
  }
}
