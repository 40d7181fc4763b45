// Where the gateway is: where its page is. A proxy may serve both below a path.

/** The address of one of the gateway's paths (without a slash before it). */
export const addressOf = (path) => new URL(path, new URL('.', location.href)).href;
