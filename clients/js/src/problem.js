// What can go wrong, as errors that a caller can tell apart.

/** A refusal of the gateway, with its problem document (RFC 9457). */
export class ProblemError extends Error {
  constructor(problem, status = problem?.status) {
    super(problem?.detail || problem?.title || `the gateway refused with status ${status}`);
    this.name = 'ProblemError';
    this.status = status;
    this.problem = problem ?? {};
  }
}

/** What is not a refusal of one request: the client cannot go on, or has ended. */
export class ClientError extends Error {
  constructor(message, { code, reason } = {}) {
    super(message);
    this.name = 'ClientError';
    this.code = code;
    this.reason = reason;
  }
}

/** The problem document of an answer; a body that is none only costs its words. */
export async function refusal(response) {
  let problem;
  if (response.headers.get('content-type')?.startsWith('application/problem+json')) {
    problem = await response.json().catch(() => undefined);
  }
  return new ProblemError(problem, response.status);
}
