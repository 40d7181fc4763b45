// Ids for people without an id in their file. `people-gateway import` gives the same ids
// (src/cli/people/import/ids.rs), so a second import, here or there, saves the same people again.

import { sha256 } from './sha256.js';

/** The namespace of the ids, documented in docs/cli.md. */
const NAMESPACE = '3880a685-9e25-4454-b9f9-7f0473c0b595';

const bytesOf = (uuid) =>
  Uint8Array.from(uuid.replaceAll('-', '').match(/../g), (pair) => parseInt(pair, 16));

/**
 * The id of a file's line: a version 8 UUID from SHA-256 over the namespace and `NAME:LINE` (RFC
 * 9562, appendix B.2).
 */
export function idOf(name, line) {
  const bytes = sha256(
    Uint8Array.of(...bytesOf(NAMESPACE), ...new TextEncoder().encode(`${name}:${line}`)),
  ).slice(0, 16);
  bytes[6] = bytes[6] & 0x0f | 0x80;
  bytes[8] = bytes[8] & 0x3f | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

const TOKENS = /"(?:[^"\\]|\\.)*"|[{}[\]:,]|[^\s{}[\]:,"]+/g;

/** The index of the value of the object's own `id`; undefined if it has no such member. */
function indexOfId(json) {
  const tokens = [...json.matchAll(TOKENS)];
  let depth = 0;
  for (const [index, { 0: token }] of tokens.entries()) {
    if ('{['.includes(token)) depth++;
    else if ('}]'.includes(token)) depth--;
    else if (depth === 1 && tokens[index + 1]?.[0] === ':' && JSON.parse(token) === 'id')
      return tokens[index + 2].index;
  }
}

/**
 * A line of JSON with this id. A line that is no JSON object is unchanged: the gateway reports the
 * error.
 */
export function named(json, id) {
  let person;
  try {
    person = JSON.parse(json);
  } catch {
    return json;
  }
  if (!json.startsWith('{') || (person.id !== null && Object.hasOwn(person, 'id'))) return json;
  const index = indexOfId(json);
  if (index !== undefined) {
    const rest = json.slice(index);
    // With two members `id` the first one may have a value: the line is unchanged, and the gateway
    // refuses it.
    return rest.startsWith('null')
      ? `${json.slice(0, index)}"${id}"${rest.slice('null'.length)}`
      : json;
  }
  return `{"id":"${id}"${Object.keys(person).length > 0 ? ',' : ''}${json.slice(1)}`;
}
