// Code that the types must accept, and, below `@ts-expect-error`, code that they must refuse. It is
// compiled, and never run.

import {
  live,
  ProblemError,
  type LiveEvent,
  type Person,
  type ViewSnapshot,
} from 'people-gateway-client';

interface Attributes { city: string; tags?: string[] }

const people = live<Attributes>({
  url: 'http://h',
  from: 'snapshot',
  people: [] as Person<Attributes>[],
});
const anyone = live({ url: 'http://h' });
live({ url: 'http://h', token: 'a.b.c' });
live({ url: 'http://h', token: () => 'a.b.c', tokenMs: 5_000 });
live({ url: 'http://h', token: async () => (await fetch('/token')).text() });
// @ts-expect-error: a token is a text
live({ url: 'http://h', token: async () => (await fetch('/token')).headers.get('x') });

for await (const event of people) {
  if (event.person) {
    const name: string | undefined = event.person.firstName;
    // @ts-expect-error: the caller's role may hide it
    const hidden: string = event.person.lastName;
    console.log(hidden, event.person.updatedAt.length);
    const city: string | undefined = event.person.attributes?.city;
    const kind: 'create' | 'enter' | 'update' = event.type;
    console.log(name, city, kind, event.at.length);
  } else if (event.id) {
    const kind: 'leave' | 'delete' = event.type;
    console.log(kind, event.revision.length);
  }
  if (event.type === 'resync' && event.exact)
    console.log(event.people[0]?.attributes?.tags?.length);
  // @ts-expect-error: not every event is about a person
  console.log(event.person.firstName);
  // @ts-expect-error: there is no such attribute
  console.log(event.person?.attributes?.town);
}

people.on('create', ({ person, at, type }) => {
  const position: string | undefined = at;
  const kind: 'create' = type;
  console.log(person.attributes?.city, position, kind);
  // @ts-expect-error: a change in a batch has no log position of its own
  console.log(at.length);
});
people.on('leave', ({ id }) => console.log(id.length));
people.on('batch', ({ changes }) => {
  for (const change of changes) if (change.person) console.log(change.person.attributes?.city);
});
people.on('end', ({ error }) => error instanceof ProblemError && console.log(error.problem.detail));
const off: () => void = people.on('*', (event) => console.log(event.person?.firstName));
// @ts-expect-error: there is no event of this type
people.on('created', () => {});

const seen: ViewSnapshot<Attributes> = people.snapshot();
const cities: (string | undefined)[] = seen.people.map(({ attributes }) => attributes?.city);
// @ts-expect-error: a snapshot never changes
seen.people.push(seen.people[0]);
// @ts-expect-error: nor does its version
seen.version = 1;

const ada = { firstName: 'Ada', lastName: 'L', age: 36, job: '' };
const { person: saved } = await people.save({ ...ada, attributes: { city: 'Oslo' } });
console.log(saved?.attributes?.city);
// @ts-expect-error: a caller that may not read gets no person
console.log(saved.id);
// @ts-expect-error: the type of the attributes has no such name
await people.save({ ...ada, attributes: { town: 'Oslo' } });
// @ts-expect-error: a person has an age
await anyone.save({ firstName: 'Ada', lastName: 'L', job: '' });
for (const person of anyone.snapshot().people) await anyone.save({ ...person, job: 'Chef' });
await anyone.save({ ...ada, attributes: { any: ['thing', { at: null }] } });

export const words = (event: LiveEvent): string => {
  switch (event.type) {
    case 'reset': return event.reason;
    case 'disconnected': return event.why;
    case 'expiring':
    case 'token': return `${event.seconds}`;
    default: return event.person?.lastName ?? '';
  }
};
console.log(off, cities);
