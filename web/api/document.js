// Reads an OpenAPI document: its calls in groups, references, and short texts for schemas.

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

/** The target of a reference; other parts are returned unchanged. */
export function resolve(document, part) {
  if (!part?.$ref) return part;
  const names = part.$ref
    .slice(2)
    .split('/')
    .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'));
  return resolve(document, names.reduce((inner, name) => inner?.[name], document));
}

/** The component's name in a reference. */
export const nameOf = (part) => part?.$ref?.split('/').at(-1);

/** The tag of the files of pages, which are no API calls. */
const PAGES = 'Pages';

/** The API calls in the order of the document's tags: `[{ tag, calls }]`. */
export function groups(document) {
  const calls = Object.entries(document.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => ({
      path,
      method: method.toUpperCase(),
      ...item[method],
    })),
  );
  const of = (tag) => calls.filter(({ tags }) => tags.includes(tag.name));
  return document.tags.filter(({ name }) => name !== PAGES).map((tag) => ({ tag, calls: of(tag) }));
}

/** A short text for a schema's type. */
export function words(schema) {
  if (!schema) return '';
  if (schema.$ref) return nameOf(schema);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  if (schema.anyOf) return schema.anyOf.map(words).join(' | ');
  if (schema.allOf) return schema.allOf.map(words).filter((part) => part !== 'object').join(' & ');
  if (schema.type === 'array') return `${words(schema.items)}[]`;
  const type = [schema.type ?? 'any'].flat().join(' | ');
  return schema.format ? `${type} (${schema.format})` : type;
}

/** Short texts for a schema's limits. */
export function limits({ minLength, maxLength, minimum, maximum, pattern, default: usual }) {
  const range = (least, most, unit) => {
    if (least === undefined && most === undefined) return [];
    return [`${least ?? 0}${most === undefined ? ' or more' : ` to ${most}`}${unit}`];
  };
  return [
    ...range(minLength, maxLength, ' characters'),
    ...range(minimum, maximum, ''),
    ...(pattern ? [pattern] : []),
    ...(usual === undefined ? [] : [`default ${usual}`]),
  ];
}

/** An example of a content as text. */
export function sample(content) {
  const example = content.example ?? Object.values(content.examples ?? {})[0]?.value;
  return typeof example === 'string' ? example : JSON.stringify(example, null, 2);
}
