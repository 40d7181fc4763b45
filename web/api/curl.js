// Builds a curl command line for a call.

import { resolve } from './document.js';

/** The text as one argument of a shell. */
const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/**
 * The command line of a call, with example values. `gateway` is the base URL, with a slash at the
 * end.
 */
export function line(document, { path, method, parameters = [], requestBody, ...call }, gateway) {
  const given = parameters.map((part) => resolve(document, part));
  const filled = path.replace(
    /\{(\w+)\}/g,
    (_, name) => given.find((one) => one.in === 'path' && one.name === name).example,
  );
  const words = ['curl', call['x-stream'] ? '-sN' : '-s'];
  if (method !== 'GET' && method !== 'POST') words.push('-X', method);
  const filter = given.find(({ name }) => name === 'where');
  if (filter) words.push('-G', '--data-urlencode', quoted(`where=${filter.example}`));
  words.push(quoted(gateway + filled.slice(1)));
  const [media, content] = Object.entries(requestBody?.content ?? {})[0] ?? [];
  if (media) {
    const body =
      typeof content.example === 'string' ? content.example : JSON.stringify(content.example);
    words.push('-H', quoted(`Content-Type: ${media}`), '--data-binary', quoted(body));
  }
  return words.join(' ');
}
