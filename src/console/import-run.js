// Sends a file to the gateway in slices, and collects what was refused.

import { PeopleReader } from './csv.js';
import { Sender } from './sending.js';

/** Of one slice: small enough for the bar to move, large enough for the way to be worth it. */
const SLICE_LINES = 500;
const SLICE_CHARACTERS = 512 * 1024;
/** Bytes that are read at once: the bar moves after each. */
const PIECE_BYTES = 16 * 1024;
/** As many as the gateway itself takes before it gives up on a file. */
const REFUSED_MAX = 1000;

/** In the order of the file. */
const byLine = (one, other) => one.line - other.line;

/** The text of a piece; without one, of what is left. Other encodings are not guessed. */
function decoded(decoder, piece) {
  try {
    return decoder.decode(piece, { stream: piece !== undefined });
  } catch {
    throw new Error('The file is not UTF-8: convert it first, for example with iconv -t UTF-8.');
  }
}

/**
 * Imports a file. `tell` gets `{ read, size, saved, refused, waiting, done, error }` after each slice: bytes, counts, the
 * refusals; and before each wait for the gateway, why. What has been saved stays saved, whatever ends it.
 */
export async function run(file, tell, signal) {
  const progress = { name: file.name, size: file.size, read: 0, saved: 0, refused: [], done: false };
  const began = performance.now();
  const report = (more) => {
    Object.assign(progress, more, { seconds: (performance.now() - began) / 1000 });
    tell({ ...progress });
  };
  let slice = [];
  let characters = 0;
  /** Lines of this slice that make no person, and are not sent. */
  let broken = [];
  const sender = new Sender(signal, (why, ms) => report({ waiting: `${why}; trying again in ${(ms / 1000).toFixed(1)} s` }));
  const send = async () => {
    const { saved, refused } = await sender.send(slice);
    const sorted = [...refused, ...broken].sort(byLine);
    slice = [];
    broken = [];
    characters = 0;
    report({ saved: progress.saved + saved, refused: [...progress.refused, ...sorted], waiting: undefined });
    if (progress.refused.length >= REFUSED_MAX) throw new Error(`${REFUSED_MAX} lines were refused: the rest was not read`);
  };
  const take = async (records) => {
    for (const record of records) {
      if (record.refused) {
        broken.push({ line: record.line, problem: { detail: record.refused } });
      } else {
        slice.push(record);
        characters += record.json.length;
      }
      if (slice.length + broken.length >= SLICE_LINES || characters >= SLICE_CHARACTERS) await send();
    }
  };
  try {
    const reader = new PeopleReader(file.name);
    const decoder = new TextDecoder('utf-8', { fatal: true });
    for (let start = 0; start < file.size; start += PIECE_BYTES) {
      const piece = await file.slice(start, start + PIECE_BYTES).arrayBuffer();
      await take(reader.read(decoded(decoder, piece)));
      report({ read: start + piece.byteLength });
    }
    await take(reader.read(decoded(decoder)));
    await take(reader.end());
    await send();
    report({ done: true });
  } catch (error) {
    report({ done: true, waiting: undefined, error: signal.aborted ? 'Stopped.' : error.message });
  }
}
