// The example people as a file to import: the gateway serves examples/people.csv of this
// repository.

import { choiceFor } from './columns.js';
import { PeopleReader } from './people-file.js';

/** The attribute with lists, as in `people-gateway import examples/people.csv --list tags`. */
const LIST = 'tags';

/** The examples as NDJSON, with the ids that the command gives to the same people. */
export async function exampleFile() {
  const answer = await fetch('console/people.csv');
  if (!answer.ok) throw new Error(`the gateway answered ${answer.status}`);
  const choose = (heading) =>
    heading === LIST ? { path: [LIST], type: 'list' } : choiceFor(heading);
  const reader = new PeopleReader('people.csv', { choose });
  const records = [...reader.read(await answer.text()), ...reader.end()];
  return new File([records.map(({ json }) => json).join('\n')], '1,000 example people.ndjson');
}
