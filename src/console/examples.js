// The example people, as a file to import. The gateway serves the repository's examples/people.csv.

import { PeopleReader } from './csv.js';

/** The attribute that holds a list, as the command has it: `people-gateway import examples/people.csv --list tags`. */
const LIST = 'tags';

/** Lines of JSON, under the ids that the command gives to the same people. */
export async function exampleFile() {
  const answer = await fetch('console/people.csv');
  if (!answer.ok) throw new Error(`the gateway answered ${answer.status}`);
  const reader = new PeopleReader('people.csv');
  const records = [...reader.read(await answer.text()), ...reader.end()];
  const lines = records.map(({ json }) => {
    const person = JSON.parse(json);
    const list = person.attributes?.[LIST];
    if (list !== undefined) person.attributes[LIST] = String(list).split(';');
    return JSON.stringify(person);
  });
  return new File([lines.join('\n')], '1,000 example people.ndjson');
}
