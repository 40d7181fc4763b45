// Types of people-gateway-client. docs/protocol.md of People Gateway has the protocol behind them.

/** A JSON value. Integers beyond 2^53 lose digits in JavaScript. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** A person's further values. */
export interface Attributes { [name: string]: Json }

/**
 * A person as the gateway sends it. Fields that the caller's role hides are missing; without such a
 * role, all but `attributes` are there. `A` is your type of the attributes: the gateway does not
 * check it, and may leave out parts of them.
 */
export interface Person<A extends object = Attributes> {
  /** UUID in lower case. */
  id: string;
  firstName?: string;
  lastName?: string;
  /** 0 to 150. */
  age?: number;
  job?: string;
  attributes?: A;
  /** Position of the person's last change; also the entity tag. */
  revision: string;
  /** UTC with milliseconds, by the clock of the gateway that wrote. */
  createdAt: string;
  updatedAt: string;
}

type Whole<A extends object> = Required<Pick<Person<A>, 'firstName' | 'lastName' | 'age' | 'job'>>;

/**
 * A person to save. With an `id` it replaces an existing person, whose hidden fields stay as they
 * are; without one it is a new person.
 */
export type PersonDraft<A extends object = Attributes> =
  | (Whole<A> & Partial<Person<A>>)
  | (Pick<Person<A>, 'id'> & Partial<Person<A>>);

/** The kinds of change: all, saves (create, enter, update, leave), or deletes. */
export type Kinds = 'all' | 'saves' | 'deletes';

/** One log position of each partition, as text. */
export type Cursor = string;

/** A problem document (RFC 9457). */
export interface Problem {
  /** Such as `/problems/filter`. */
  type?: string;
  title?: string;
  status?: number;
  /** What is wrong, and how to correct it. */
  detail?: string;
  /** For a filter: the start of the fault, in code points from 0. */
  offset?: number;
  /** For a filter: the length of the fault in code points; 0 if something is missing. */
  length?: number;
  /** For a person: each wrong value with a JSON pointer. */
  errors?: { pointer: string; detail: string }[];
  [member: string]: unknown;
}

/**
 * The base of events that concern no single person: `if (event.person)` and `if (event.id)` exclude
 * them.
 */
interface Other {
  person?: undefined;
  id?: undefined;
}
interface Saved<A extends object> {
  at: string;
  person: Person<A>;
  id?: undefined;
}
interface Gone {
  at: string;
  id: string;
  /** Position of the change that removed the person. */
  revision: string;
  person?: undefined;
}
/** A new person matches. */
export interface Create<A extends object = Attributes> extends Saved<A> { type: 'create' }
/** A person did not match before, and matches now. */
export interface Enter<A extends object = Attributes> extends Saved<A> { type: 'enter' }
/** A person matched before, and still matches. */
export interface Update<A extends object = Attributes> extends Saved<A> { type: 'update' }
/** A person no longer matches. */
export interface Leave extends Gone { type: 'leave' }
/** A person who matched was deleted. */
export interface Delete extends Gone { type: 'delete' }

/** A change of one person, as this view sees it. */
export type Change<A extends object = Attributes> =
  Create<A> | Enter<A> | Update<A> | Leave | Delete;

/** A change in a batch, which has no log position of its own. */
type Batched<T> = T extends unknown ? Omit<T, 'at'> & { at?: undefined } : never;

/** A page of people who match. The snapshot is complete at `live`. */
export interface Snapshot<A extends object = Attributes> extends Other {
  type: 'snapshot';
  people: Person<A>[];
}
/** Everything up to the start of live updates was sent. */
export interface LiveNow extends Other { type: 'live'; cursor: Cursor }
/**
 * The changes that a slow view missed, composed to at most one per person. Apply all of them at
 * once.
 */
export interface Batch<A extends object = Attributes> extends Other {
  type: 'batch';
  cursor: Cursor;
  changes: Batched<Change<A>>[];
}
/** The cursor moved past changes outside this view. */
export interface PositionMoved extends Other { type: 'position'; cursor: Cursor }
/**
 * The gateway cannot continue from the cursor: drop all held people; a snapshot and `live` follow.
 */
export interface Reset extends Other {
  type: 'reset';
  reason: 'trimmed' | 'forked' | 'epoch' | 'unknown' | 'rights' | (string & {});
}
/** For this number of seconds the gateway could not prove that no change is missing. */
export interface Stale extends Other { type: 'stale'; seconds: number }
/** The gateway can prove it again. */
export interface Fresh extends Other { type: 'fresh' }
/**
 * The new filter applies from here: drop all held people. Without a cursor, a snapshot and `live`
 * follow.
 */
export interface Filtered extends Other { type: 'filtered'; ref: string; cursor?: Cursor }
/**
 * The token expires in this number of seconds. The client asks the option `token` for another one
 * and sends it; a text stays as it is.
 */
export interface Expiring extends Other { type: 'expiring'; seconds: number }
/** The gateway accepted the other token, which expires in this number of seconds. */
export interface Renewed extends Other { type: 'token'; ref?: string; seconds: number }
/**
 * The gateway refused a command, or another token; or the function `token` failed while the old
 * token still holds (then `problem` has a `detail` only). Nothing changed.
 */
export interface Refused extends Other { type: 'error'; ref?: string; problem: Problem }
/** The answer to a ping; without a cursor before `live`. */
export interface Pong extends Other { type: 'pong'; ref?: string; cursor?: Cursor }
/** The gateway accepted the connection. With `now` or `snapshot`, drop all held people. */
export interface Connected extends Other { type: 'connected'; from: 'now' | 'snapshot' | Cursor }
/** The connection ended, or could not be opened. A snapshot that it cut begins again. */
export interface Disconnected extends Other {
  type: 'disconnected';
  /** The reason in words, without any token. */
  why: string;
  /** The code of the gateway's close frame, if there was one. */
  code?: number;
  reason?: string;
  /** The problem of a refused handshake. */
  problem?: Problem;
  /** The wait before the next attempt; undefined if there is none. */
  retryMs?: number;
}
/**
 * Only in an iteration that was too slow, or began late: it replaces all missed events. Replace all
 * held people.
 */
export interface Resync<A extends object = Attributes> extends Other {
  type: 'resync';
  people: Person<A>[];
  exact: boolean;
  cursor?: Cursor;
}

/** The events of iterations and callbacks. */
export type LiveEvent<A extends object = Attributes> =
  | Connected
  | Snapshot<A>
  | LiveNow
  | Change<A>
  | Batch<A>
  | PositionMoved
  | Reset
  | Stale
  | Fresh
  | Filtered
  | Refused
  | Pong
  | Expiring
  | Renewed
  | Disconnected;
/** For callbacks only: the state changed. */
export interface StateChanged extends Other { type: 'state'; state: State }
/** For callbacks only: there are no further events. With an error, the client gave up. */
export interface Ended extends Other { type: 'end'; error?: Error }

/**
 * `connecting`: there is no connection yet, or missed changes still arrive. `snapshot`: a snapshot
 * arrives. `live`: `view` is up to date. `stale`: `view` may be old. `waiting`: the connection
 * ended, and the next attempt is at `retryAt`. `ended`: for good.
 */
export type State = 'connecting' | 'snapshot' | 'live' | 'stale' | 'waiting' | 'ended';

type ListenedTo<A extends object> = LiveEvent<A> | StateChanged | Ended;
type ListenedType = ListenedTo<Attributes>['type'];
/** The events for listeners of a type: also changes in batches, then without `at`. */
type Told<A extends object, T> = Extract<ListenedTo<A> | Batched<Change<A>>, { type: T }>;

/** A view at one moment. It never changes, so it can be kept, compared and drawn. */
export interface ViewSnapshot<A extends object = Attributes> {
  /** Grows with each change of this snapshot. */
  readonly version: number;
  /** The people who are known to match. The same array as before if the view did not change. */
  readonly people: readonly Person<A>[];
  /** Whether these are exactly the people who match. */
  readonly exact: boolean;
  readonly state: State;
}

/** A WebSocket as `live` needs it: that of browsers, of Node 22, or of the package `ws`. */
export interface WebSocketLike {
  addEventListener(type: string, listener: (event: any) => void): void;
  send(text: string): void;
  close(): void;
}

export interface LiveOptions<A extends object = Attributes> {
  /**
   * The gateway or its stream: `http://host:8080`, `wss://host/updates`; in a page also relative,
   * such as `/`.
   */
  url: string | URL;
  /** The filter (docs/filters.md); default everyone. */
  where?: string;
  /**
   * The parts of people that are sent beside `id` and `revision`: paths such as `job` and
   * `attributes.address.city`; default all. `where` may name others.
   */
  fields?: string[];
  /** Default `all`. The view is exact with `all` only. */
  kinds?: Kinds;
  /**
   * The start: `now` (default), `snapshot`, or a cursor of a client with the same `where` and
   * `kinds`.
   */
  from?: 'now' | 'snapshot' | Cursor;
  /** With a cursor: the people of the view at that cursor. */
  people?: Iterable<Person<A>>;
  /**
   * The caller's JWT, for a gateway that asks for tokens, or a function that returns it. The client
   * asks the function before each attempt to connect, when the token is about to expire, and before
   * each `save` and `remove`. It may return a token more than once while that token holds. A
   * failure, or no token in time, is a failed attempt like any other, and is followed by the next.
   *
   * The gateway may refuse one token of the function; a second one in a row ends the client with
   * the ProblemError, as a refused text does. A token is sent in `Authorization`, or as a
   * subprotocol, and is never in a URL, an event or an error.
   */
  token?: string | (() => string | Promise<string>);
  /** The time limit of the function `token`; default 10,000. */
  tokenMs?: number;
  /** Ends the client at once. */
  signal?: AbortSignal;
  /** Default the global one. */
  WebSocket?: new (url: string, protocols: string[]) => WebSocketLike;
  /**
   * Default the global one. The client finds out with it why a handshake failed, which a WebSocket
   * does not report.
   */
  fetch?: typeof fetch;
  /** The most people and changes that wait in one iteration before a `resync`; default 10,000. */
  queueMax?: number;
  /** The time limit of the handshake; default 10,000. */
  connectMs?: number;
  /**
   * A silent gateway is pinged after half of this time, and disconnected after all of it; default
   * 40,000.
   */
  silenceMs?: number;
  /** The time limit of the gateway's close after `stop`; default 5,000. */
  stopMs?: number;
  /**
   * Upper bounds of the random waits between attempts: of the first one (250), which doubles, and
   * of any (30,000; 3,000 for a gateway on this machine).
   */
  backoff?: { firstMs?: number; mostMs?: number };
}

/** A new filter and its start. The defaults are everyone, all kinds, now. */
export interface FilterOptions {
  where?: string;
  kinds?: Kinds;
  from?: 'now' | 'snapshot';
}

export interface WriteOptions {
  /** Writes only if this is still the person's revision; else a ProblemError with status 412. */
  ifMatch?: string;
  signal?: AbortSignal;
}

/** A live view of a gateway's people. It reconnects by itself until it is stopped. */
export interface Live<A extends object = Attributes> extends AsyncIterable<
  LiveEvent<A> | Resync<A>
> {
  /**
   * The people who are known to match, by id: always the same Map, updated before events arrive.
   * Don't change it.
   */
  readonly view: ReadonlyMap<string, Person<A>>;
  /**
   * Whether `view` has exactly the people who match, as of `cursor`: with `kinds` all, after a
   * snapshot.
   */
  readonly exact: boolean;
  readonly state: State;
  /**
   * The cursor at which this client would resume; undefined before the gateway sent one, and during
   * a snapshot.
   */
  readonly cursor: Cursor | undefined;
  /** The filter that the gateway applies. */
  readonly where: string;
  readonly kinds: Kinds;
  /** While `waiting`: the time of the next attempt, in milliseconds of `Date.now()`. */
  readonly retryAt: number | undefined;
  /** Why the client gave up. */
  readonly error: Error | undefined;
  /** Settles when the client has ended, with the error or undefined. It never rejects. */
  readonly closed: Promise<Error | undefined>;

  /**
   * The current view, for code that compares and draws, such as React's `useSyncExternalStore`: the
   * same object until something in it changes. After a change, the next call copies the list of
   * people.
   */
  snapshot(): ViewSnapshot<A>;

  /**
   * Calls back for events of a type, `*` for all, at once and in order. Returns a function that
   * removes the listener. Listeners of `create`, `enter`, `update`, `leave` and `delete` also get
   * the changes in a batch, after those of `batch`; those of `*` get the batch as one event.
   */
  on<T extends ListenedType>(type: T, listener: (event: Told<A, T>) => void): () => void;
  on(type: '*', listener: (event: ListenedTo<A>) => void): () => void;
  /**
   * Replaces the filter. Settles when the new one applies, with the last cursor of the old one
   * (undefined with `snapshot`); rejects with a ProblemError if the gateway refuses it, and the old
   * one stays. Repeated on the next connection if this one ends before the answer.
   */
  filter(filter?: FilterOptions): Promise<Cursor | undefined>;
  /** The quickest way to learn the cursor. Rejects if the connection ends first. */
  ping(): Promise<Cursor | undefined>;
  /** Makes the next attempt at once; on a connection, checks whether it still works. */
  retry(): void;
  /** Asks the gateway to close; events in flight still arrive. Settles as `closed`. */
  stop(): Promise<Error | undefined>;

  /**
   * Saves a person over REST. `at` is the change's log position; a caller whose rights do not
   * include reading gets no `person`. Rejects with a ProblemError if the gateway refuses it, and
   * with a ClientError if there is no token.
   */
  save(
    person: PersonDraft<A>, options?: WriteOptions,
  ): Promise<{ person: Person<A> | undefined; at: string }>;
  /** Deletes a person over REST. Rejects as `save` does. */
  remove(id: string, options?: WriteOptions): Promise<{ at: string }>;

  /**
   * Iterates over events from now on; a late iteration begins with `resync`. It throws if the
   * client gives up, and ends if the client is stopped. Leaving the loop does not stop the client.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<LiveEvent<A> | Resync<A>>;
}

/**
 * Opens a live view. Throws a TypeError for invalid options. `A` is your type of people's
 * attributes: `live<{ city?: string }>({...})`.
 */
export function live<A extends object = Attributes>(options: LiveOptions<A>): Live<A>;

/** The gateway refused a request. */
export class ProblemError extends Error {
  readonly status: number | undefined;
  readonly problem: Problem;
  /** Seconds after which a repeat makes sense, if the gateway named them: with 429 and 503. */
  readonly retryAfter: number | undefined;
}

/** The client has ended, cannot continue, has no token, or has too many commands. */
export class ClientError extends Error {
  /** The close code, if there was one. */
  readonly code: number | undefined;
  readonly reason: string | undefined;
}
