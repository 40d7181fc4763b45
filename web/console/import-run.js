// Sends a file to the gateway in slices, and collects what was refused.

import { textOf } from './decoding.js';
import { PeopleReader } from './people-file.js';
import { Sender } from './sending.js';

/** Of one slice: small enough for the bar to move, large enough for the way to be worth it. */
const SLICE_LINES = 500;
const SLICE_CHARACTERS = 512 * 1024;
/** As many as the gateway itself takes before it gives up on a file. */
const REFUSED_MAX = 1000;

/** It is no fault of the file: nothing more is to be sent. */
class SendError extends Error {}

/** In the order of the file. */
const byLine = (one, other) => one.line - other.line;

/**
 * Imports a file, written in `encoding` and with columns as the other `options` say (see `PeopleReader`). `tell` gets
 * `{ read, size, saved, refused, waiting, done, nobody, error }` after each slice: bytes, counts, the refusals; before each
 * wait for the gateway, why; and why nobody was found. What has been saved stays saved, whatever ends it; what stands
 * before a fault of the file is saved.
 */
export async function run(file, tell, signal, { encoding, ...options } = {}) {
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
    const { saved, refused } = await sender.send(slice).catch((error) => {
      throw new SendError(error.message, { cause: error });
    });
    const sorted = [...refused, ...broken].sort(byLine);
    slice = [];
    broken = [];
    characters = 0;
    report({ saved: progress.saved + saved, refused: [...progress.refused, ...sorted], waiting: undefined });
    if (progress.refused.length >= REFUSED_MAX) throw new SendError(`${REFUSED_MAX} lines were refused: the rest was not read`);
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
  const reader = new PeopleReader(file.name, options);
  const read = async () => {
    for await (const { text, read } of textOf(file, encoding)) {
      await take(reader.read(text));
      report({ read });
    }
    await take(reader.end());
  };
  try {
    const fault = await read().then(() => undefined, (error) => error);
    signal.throwIfAborted();
    if (!(fault instanceof SendError)) await send();
    if (fault) throw fault;
    const found = progress.saved + progress.refused.length > 0;
    report({ done: true, nobody: found ? undefined : nobodyIn(reader) });
  } catch (error) {
    report({ done: true, waiting: undefined, error: signal.aborted ? 'Stopped.' : error.message });
  }
}

const nobodyIn = (reader) => (reader.hasHeadings ? 'There are headings, and nobody below them.' : 'The file is empty: there is nobody to import.');
