// Cells as values, as `people-gateway import` reads them (src/cli/values.rs), and JSON that keeps every digit: numbers
// stay texts in here, because JavaScript's own would lose some. Objects are maps.

/** A number, `true`, `false` or `null`, as it is written. */
class Literal {
  constructor(text) {
    this.text = text;
  }
}

/** A number as the gateway writes it. */
function written(number) {
  const [digits, exponent] = Math.abs(number).toExponential().replace('.', '').split('e');
  const point = Number(exponent) + 1;
  const cut = (at) => `${digits.slice(0, at)}.${digits.slice(at) || '0'}`;
  if (point > 16 || point <= -5) return `${digits.length > 1 ? cut(1) : digits}e${point > 0 ? '+' : ''}${point - 1}`;
  if (point <= 0) return `0.${'0'.repeat(-point)}${digits}`;
  return digits.length <= point ? `${digits}${'0'.repeat(point - digits.length)}.0` : cut(point);
}

/** Whether a text is a number, written as one would be: `007`, `1.50` and `1e3` are not. */
function isNumber(text) {
  if (/^-?(0|[1-9][0-9]{0,19})$/.test(text)) {
    const number = BigInt(text);
    return text !== '-0' && number >= -(2n ** 63n) && number < 2n ** 64n;
  }
  return /^-?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?$/.test(text) && Number.isFinite(Number(text)) && written(Number(text)) === text.replace(/^-/, '');
}

const TOKENS = /"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*|true|false|null/g;

/** A value of JSON; nothing where the text is none. */
function parsed(text) {
  try {
    JSON.parse(text);
  } catch {
    return undefined;
  }
  // What a text was before is told by its first character, also in keys.
  return kept(JSON.parse(text.replace(TOKENS, (token) => (token[0] === '"' ? `"t${token.slice(1)}` : `"l${token}"`))));
}

function kept(value) {
  if (Array.isArray(value)) return value.map(kept);
  if (typeof value === 'object') return new Map(Object.entries(value).map(([key, inner]) => [key.slice(1), kept(inner)]));
  return value[0] === 't' ? value.slice(1) : new Literal(value.slice(1));
}

/** The value that a text is: a number, `true`, `false`, a list or an object where it is exactly that, else the text. */
export function typed(text) {
  if (/^[-0-9]/.test(text)) return isNumber(text) ? new Literal(text) : text;
  if (text === 'true' || text === 'false') return new Literal(text);
  return /^[[{]/.test(text) ? (parsed(text) ?? text) : text;
}

/** Puts a value into its place; what stands on the way and is no object is replaced by one. */
export function insert(object, [name, ...rest], value) {
  if (rest.length === 0) {
    object.set(name, value);
    return;
  }
  if (!(object.get(name) instanceof Map)) object.set(name, new Map());
  insert(object.get(name), rest, value);
}

/** A value as JSON. */
export function json(value) {
  if (value instanceof Literal) return value.text;
  if (Array.isArray(value)) return `[${value.map(json).join(',')}]`;
  if (value instanceof Map) return `{${Array.from(value, ([key, inner]) => `${JSON.stringify(key)}:${json(inner)}`).join(',')}}`;
  return JSON.stringify(value);
}
