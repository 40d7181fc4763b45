// Sends a file to the gateway in slices, and collects the refused lines.

import { textOf } from './decoding.js';
import { PeopleReader } from './people-file.js';
import { Sender } from './sending.js';

/** The limits of a slice: small enough to move the progress bar, large enough for few requests. */
const SLICE_LINES = 500;
const SLICE_CHARACTERS = 512 * 1024;
/** The gateway has the same limit for a request. */
const REFUSED_MAX = 1000;

/** The gateway cannot take more lines; the file is not at fault. */
class SendError extends Error {}

const byLine = (one, other) => one.line - other.line;

/**
 * Imports a file with this encoding; the other `options` are those of `PeopleReader`. Calls `show`
 * with the progress `{ read, size, saved, refused, waiting, done, emptiness, error }` after each
 * slice and before each wait for the gateway. `read` and `size` are bytes, `refused` the refused
 * lines, `waiting` the reason for a wait, and `emptiness` says why a file has no people. Saved
 * people stay saved after any end; the people before an error in the file are saved.
 */
export async function run(file, show, signal, { encoding, ...options } = {}) {
  const progress = {
    name: file.name,
    size: file.size,
    read: 0,
    saved: 0,
    refused: [],
    done: false,
  };
  const began = performance.now();
  const report = (more) => {
    Object.assign(progress, more, { seconds: (performance.now() - began) / 1000 });
    show({ ...progress });
  };
  let slice = [];
  let characters = 0;
  /** Lines of this slice that make no person: they are not sent. */
  let invalid = [];
  const sender = new Sender(signal, (why, ms) =>
    report({ waiting: `${why}; trying again in ${(ms / 1000).toFixed(1)} s` }),
  );
  const send = async () => {
    const { saved, refused } = await sender.send(slice).catch((error) => {
      throw new SendError(error.message, { cause: error });
    });
    const sorted = [...refused, ...invalid].sort(byLine);
    slice = [];
    invalid = [];
    characters = 0;
    report({
      saved: progress.saved + saved,
      refused: [...progress.refused, ...sorted],
      waiting: undefined,
    });
    if (progress.refused.length >= REFUSED_MAX)
      throw new SendError(`${REFUSED_MAX} lines were refused: the rest was not read`);
  };
  const take = async (records) => {
    for (const record of records) {
      if (record.refused) {
        invalid.push({ line: record.line, problem: { detail: record.refused } });
      } else {
        slice.push(record);
        characters += record.json.length;
      }
      if (slice.length + invalid.length >= SLICE_LINES || characters >= SLICE_CHARACTERS)
        await send();
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
    report({ done: true, emptiness: found ? undefined : emptinessOf(reader) });
  } catch (error) {
    report({ done: true, waiting: undefined, error: signal.aborted ? 'Stopped.' : error.message });
  }
}

const emptinessOf = (reader) =>
  reader.hasHeadings ? 'The file has headings, but no people.' : 'The file is empty.';
