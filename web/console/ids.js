// Ids for people whose file gives them none: those that `people-gateway import` gives (src/cli/import/ids.rs), so that
// a second import saves the same people again, here or there.

import { sha256 } from './sha256.js';

/** docs/cli.md names it. */
const NAMESPACE = '3880a685-9e25-4454-b9f9-7f0473c0b595';

const bytesOf = (uuid) => Uint8Array.from(uuid.replaceAll('-', '').match(/../g), (pair) => parseInt(pair, 16));

/** The id of a file's line: a version 8 UUID from SHA-256 over the namespace and `NAME:LINE` (RFC 9562, appendix B.2). */
export function idOf(name, line) {
  const bytes = sha256(Uint8Array.of(...bytesOf(NAMESPACE), ...new TextEncoder().encode(`${name}:${line}`))).slice(0, 16);
  bytes[6] = bytes[6] & 0x0f | 0x80;
  bytes[8] = bytes[8] & 0x3f | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

const TOKENS = /"(?:[^"\\]|\\.)*"|[{}[\]:,]|[^\s{}[\]:,"]+/g;

/** Where the value of the object's own `id` begins; none where it has no such member. */
function placeOfId(json) {
  const tokens = [...json.matchAll(TOKENS)];
  let depth = 0;
  for (const [index, { 0: token }] of tokens.entries()) {
    if ('{['.includes(token)) depth++;
    else if ('}]'.includes(token)) depth--;
    else if (depth === 1 && tokens[index + 1]?.[0] === ':' && JSON.parse(token) === 'id') return tokens[index + 2].index;
  }
}

/** A line of JSON with an id in it. What is no JSON object stays as it is: the gateway says what is wrong with it. */
export function named(json, id) {
  let person;
  try {
    person = JSON.parse(json);
  } catch {
    return json;
  }
  if (!json.startsWith('{') || (person.id !== null && Object.hasOwn(person, 'id'))) return json;
  const place = placeOfId(json);
  if (place !== undefined) {
    const rest = json.slice(place);
    // Of two members of that name the other one may be null: it stays, and is refused.
    return rest.startsWith('null') ? `${json.slice(0, place)}"${id}"${rest.slice('null'.length)}` : json;
  }
  return `{"id":"${id}"${Object.keys(person).length > 0 ? ',' : ''}${json.slice(1)}`;
}
