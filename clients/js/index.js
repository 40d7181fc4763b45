// The client of People Gateway's live updates, for browsers and Node. index.d.ts documents what is
// exported.

import { Live } from './src/live.js';

export { ClientError, ProblemError } from './src/problem.js';

/** Opens a live view. It connects at once, and reconnects until it is stopped. */
export const live = (options) => new Live(options);
