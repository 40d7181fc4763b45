// Converts cells to values, as `people-gateway import` does (src/cli/people/values/mod.rs), and to
// JSON with every digit: numbers stay texts, because JavaScript's numbers would lose digits.
// Objects are maps.

/** The text of a number, `true`, `false` or `null`. */
export class Literal {
  constructor(text) {
    this.text = text;
  }
}

/** A number in the gateway's notation. */
function written(number) {
  const [digits, exponent] = Math.abs(number).toExponential().replace('.', '').split('e');
  const point = Number(exponent) + 1;
  const cut = (at) => `${digits.slice(0, at)}.${digits.slice(at) || '0'}`;
  if (point > 16 || point <= -5)
    return `${digits.length > 1 ? cut(1) : digits}e${point > 0 ? '+' : ''}${point - 1}`;
  if (point <= 0) return `0.${'0'.repeat(-point)}${digits}`;
  return digits.length <= point ? `${digits}${'0'.repeat(point - digits.length)}.0` : cut(point);
}

/** Whether the integer fits in 64 bits. */
function fits(digits) {
  const number = BigInt(digits);
  return number >= -(2n ** 63n) && number < 2n ** 64n;
}

/** Whether a text is a number in the gateway's notation: `007`, `1.50` and `1e3` are not. */
function isNumber(text) {
  if (/^-?(0|[1-9][0-9]{0,19})$/.test(text)) return text !== '-0' && fits(text);
  return (
    /^-?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?$/.test(text) &&
    Number.isFinite(Number(text)) &&
    written(Number(text)) === text.replace(/^-/, '')
  );
}

/** The gateway's limit of nested levels in attributes. */
const DEPTH_MAX = 8;
const TOKENS = /"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*|true|false|null|[{}[\],:]/g;

/** Parses a list or an object with valid syntax; throws an error if the gateway would refuse it. */
function strict(text) {
  const tokens = Array.from(text.matchAll(TOKENS), ([token]) => token);
  let at = 0;
  const value = (depth) => {
    const token = tokens[at++];
    if (depth > DEPTH_MAX && '{['.includes(token))
      throw new Error(`must not be nested deeper than ${DEPTH_MAX} levels`);
    if (token === '{') return object(depth);
    if (token === '[') return list(depth);
    return token[0] === '"' ? string(token) : literal(token);
  };
  const list = (depth) => {
    const items = [];
    for (; tokens[at] !== ']'; at += tokens[at] === ',') items.push(value(depth + 1));
    at++;
    return items;
  };
  const object = (depth) => {
    const members = new Map();
    for (; tokens[at] !== '}'; at += tokens[at] === ',') {
      const key = string(tokens[at]);
      if (members.has(key)) throw new Error(`the key ${JSON.stringify(key)} is given twice`);
      at += 2;
      members.set(key, value(depth + 1));
    }
    at++;
    return members;
  };
  return value(1);
}

function string(token) {
  const text = JSON.parse(token);
  if (/\p{Surrogate}/u.test(text)) throw new Error('holds half a character: a lone surrogate');
  return text;
}

function literal(token) {
  if (/^-?[0-9]+$/.test(token) && !fits(token)) {
    throw new Error(`holds ${token.slice(0, 40)}, an integer beyond 64 bits: send it as a string`);
  }
  if (/^[-0-9]/.test(token) && !Number.isFinite(Number(token)))
    throw new Error('holds a number out of range');
  return new Literal(token);
}

function isJson(text) {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * The value of a text: a number, `true`, `false`, a list or an object if the text is exactly that,
 * else the text. Throws for a list or an object that the gateway would refuse, such as one with a
 * key twice or an integer beyond 64 bits.
 */
export function typed(text) {
  if (/^[-0-9]/.test(text)) return isNumber(text) ? new Literal(text) : text;
  if (text === 'true' || text === 'false') return new Literal(text);
  return /^[[{]/.test(text) && isJson(text) ? strict(text) : text;
}

/** The trimmed, non-empty items between `;`. Each item has its own type. */
export const list = (text) => text.split(';').map(trimmed).filter((item) => item !== '').map(typed);

/** The number of a text, in any notation: `007`, `+7`, `1.50`, `1e3`. */
export function number(text) {
  const [, sign, digits] = /^([+-]?)(.*)$/s.exec(trimmed(text));
  const written = `${sign === '-' ? '-' : ''}${digits.replace(/^0+(?=[0-9])/, '')}`;
  if (!/^[0-9]/.test(digits) || !isJson(written))
    throw new Error('must be a number, such as 7, -1.5 or 1e3');
  return literal(written);
}

/** The age in a cell, in any notation; the gateway validates other values. */
export function years(text) {
  const cell = trimmed(text);
  const [, whole, fraction = '', exponent = '0'] =
    /^-?(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?$/.exec(cell) ?? [];
  if (whole === undefined) return typedOrText(cell);
  const digits = whole + fraction;
  const significant = digits.replace(/^0+|0+$/g, '');
  if (significant === '') return new Literal('0');
  const zeros = digits.length - digits.replace(/0+$/, '').length;
  const power = Number(exponent) - fraction.length + zeros;
  const age =
    significant.length <= 3 && power >= 0 && power <= 2
      ? Number(significant) * 10 ** power
      : Infinity;
  return age <= 150 && !cell.startsWith('-') ? new Literal(`${age}`) : typedOrText(cell);
}

function typedOrText(cell) {
  try {
    return typed(cell);
  } catch {
    return cell;
  }
}

/** The text without white space and byte order marks at both ends. */
export const trimmed = (text) => text.replace(/^[\s\u0085\uFEFF]+|[\s\u0085\uFEFF]+$/g, '');

/**
 * The text before an export protected it from spreadsheets, which would read a formula; undefined
 * if it is not protected.
 */
export const unprotected = (cell) =>
  /^'+[=+\-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20]/.test(cell) ? cell.slice(1) : undefined;

/** Sets the value at a path; throws if there is a value already. */
export function insert(object, [name, ...rest], value) {
  if (rest.length === 0) {
    if (object.has(name)) throw new Error('is given twice');
    object.set(name, value);
    return;
  }
  if (!object.has(name)) object.set(name, new Map());
  if (!(object.get(name) instanceof Map)) throw new Error('is given twice');
  insert(object.get(name), rest, value);
}

/** A value as JSON. */
export function json(value) {
  if (value instanceof Literal) return value.text;
  if (Array.isArray(value)) return `[${value.map(json).join(',')}]`;
  if (value instanceof Map) {
    const members = Array.from(value, ([key, inner]) => `${JSON.stringify(key)}:${json(inner)}`);
    return `{${members.join(',')}}`;
  }
  return JSON.stringify(value);
}
