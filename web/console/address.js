// The gateway's address, which is the page's address: a proxy may serve both below a path.

/** The absolute URL of a path of the gateway; the path has no leading slash. */
export const addressOf = (path) => new URL(path, new URL('.', location.href)).href;
