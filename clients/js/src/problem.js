// The errors of the client.

/** The gateway refused a request, with a problem document (RFC 9457). */
export class ProblemError extends Error {
  /** `retryAfter`: the header `Retry-After`, in seconds, if there was one. */
  constructor(problem, status = problem?.status, retryAfter = undefined) {
    super(problem?.detail || problem?.title || `the gateway refused with status ${status}`);
    this.name = 'ProblemError';
    this.status = status;
    this.problem = problem ?? {};
    this.retryAfter = retryAfter;
  }
}

/** The client cannot continue, or has ended. */
export class ClientError extends Error {
  constructor(message, { code, reason } = {}) {
    super(message);
    this.name = 'ClientError';
    this.code = code;
    this.reason = reason;
  }
}

/** The error of an answer, with the problem document if the body is one. */
export async function refusal(response) {
  let problem;
  if (response.headers.get('content-type')?.startsWith('application/problem+json')) {
    problem = await response.json().catch(() => undefined);
  }
  const seconds = Number(response.headers.get('retry-after') ?? undefined);
  return new ProblemError(problem, response.status, seconds >= 0 ? seconds : undefined);
}
