// Types of people-gateway-client. docs/protocol.md of People Gateway has the protocol behind them.

/** A JSON value. Integers beyond 2^53 lose digits in JavaScript. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** What a person may hold beside the fields that all have. */
export interface Attributes { [name: string]: Json }

/** A person as the gateway sends it. `A` is what you know of the attributes: the gateway does not check it. */
export interface Person<A extends object = Attributes> {
  /** UUID in lower case. */
  id: string;
  firstName: string;
  lastName: string;
  /** 0 to 150. */
  age: number;
  job: string;
  attributes?: A;
  /** Position of the person's last change; also the entity tag. */
  revision: string;
  /** UTC with milliseconds, by the clock of the gateway that wrote. */
  createdAt: string;
  updatedAt: string;
}

/** What is saved. With an `id`, a person who is there is replaced; without, a new one is made. */
export type PersonDraft<A extends object = Attributes> =
  Pick<Person<A>, 'firstName' | 'lastName' | 'age' | 'job'> & Partial<Person<A>>;

/** Which changes are shown: all, saves (create, enter, update, leave), or deletes. */
export type Kinds = 'all' | 'saves' | 'deletes';

/** One place of each partition, as text. */
export type Cursor = string;

/** A problem document (RFC 9457). */
export interface Problem {
  /** Such as `/problems/filter`. */
  type?: string;
  title?: string;
  status?: number;
  /** What is wrong, and what to do about it. */
  detail?: string;
  /** Of a filter: where the fault begins, in code points from 0. */
  offset?: number;
  /** Of a filter: how many code points it spans; 0 where something is missing. */
  length?: number;
  /** Of a person: each wrong value with a JSON pointer. */
  errors?: { pointer: string; detail: string }[];
  [member: string]: unknown;
}

/** Of events that are not about one person, so that `if (event.person)` and `if (event.id)` tell the others apart. */
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
  /** Position of the change that took the person out. */
  revision: string;
  person?: undefined;
}
/** A new person who matches. */
export interface Create<A extends object = Attributes> extends Saved<A> { type: 'create' }
/** A person who did not match, and now does. */
export interface Enter<A extends object = Attributes> extends Saved<A> { type: 'enter' }
/** A person who matched before and after. */
export interface Update<A extends object = Attributes> extends Saved<A> { type: 'update' }
/** A person who no longer matches. */
export interface Leave extends Gone { type: 'leave' }
/** A person who matched, and was deleted. */
export interface Delete extends Gone { type: 'delete' }

/** What happened to one person, as this view sees it. */
export type Change<A extends object = Attributes> = Create<A> | Enter<A> | Update<A> | Leave | Delete;

/** A change within a batch: its place is the batch's. */
type Batched<T> = T extends unknown ? Omit<T, 'at'> & { at?: undefined } : never;

/** A page of who matches; nothing is whole before `live`. */
export interface Snapshot<A extends object = Attributes> extends Other { type: 'snapshot'; people: Person<A>[] }
/** All that the start asked for has been told. */
export interface LiveNow extends Other { type: 'live'; cursor: Cursor }
/** What a view that fell behind missed, composed to at most one change a person. It counts as one. */
export interface Batch<A extends object = Attributes> extends Other {
  type: 'batch';
  cursor: Cursor;
  changes: Batched<Change<A>>[];
}
/** The cursor moved past what this view does not show. */
export interface PositionMoved extends Other { type: 'position'; cursor: Cursor }
/** The cursor can't be continued: drop what you hold; pages and `live` follow. */
export interface Reset extends Other {
  type: 'reset';
  reason: 'trimmed' | 'forked' | 'epoch' | 'unknown' | 'rights' | (string & {});
}
/** For so many seconds the gateway could not prove that nothing is missing. */
export interface Stale extends Other { type: 'stale'; seconds: number }
/** It can again. */
export interface Fresh extends Other { type: 'fresh' }
/** The new filter holds from here: drop what you hold. Without a cursor, pages and `live` follow. */
export interface Filtered extends Other { type: 'filtered'; ref: string; cursor?: Cursor }
/** The gateway refused a message of ours; nothing changed. */
export interface Refused extends Other { type: 'error'; ref?: string; problem: Problem }
/** The answer to a ping; without a cursor before `live`. */
export interface Pong extends Other { type: 'pong'; ref?: string; cursor?: Cursor }
/** The handshake was answered. With `now` or `snapshot`, drop what you hold. */
export interface Connected extends Other { type: 'connected'; from: 'now' | 'snapshot' | Cursor }
/** The connection is gone, or could not be made. A snapshot that it cut begins again. */
export interface Disconnected extends Other {
  type: 'disconnected';
  /** In words. */
  why: string;
  /** Of the gateway's close frame, if there was one. */
  code?: number;
  reason?: string;
  /** Of a refused handshake. */
  problem?: Problem;
  /** After which time the next one is tried; undefined when there will be none. */
  retryMs?: number;
}
/** Only in an iteration that was too slow, or began late: it stands for all that was lost. Replace what you hold. */
export interface Resync<A extends object = Attributes> extends Other {
  type: 'resync';
  people: Person<A>[];
  exact: boolean;
  cursor?: Cursor;
}

/** What is told to callbacks. */
export type LiveEvent<A extends object = Attributes> =
  | Connected | Snapshot<A> | LiveNow | Change<A> | Batch<A> | PositionMoved | Reset | Stale | Fresh | Filtered | Refused | Pong
  | Disconnected;
/** Told to callbacks only: the state changed. */
export interface StateChanged extends Other { type: 'state'; state: State }
/** Told to callbacks only: there will be nothing more. With an error, the client gave up. */
export interface Ended extends Other { type: 'end'; error?: Error }

/**
 * `connecting`: there is no connection yet, or what was missed still arrives. `snapshot`: who matches arrives. `live`:
 * `view` is up to date. `stale`: it may be old. `waiting`: the connection is gone, and tried again at `retryAt`.
 * `ended`: for good.
 */
export type State = 'connecting' | 'snapshot' | 'live' | 'stale' | 'waiting' | 'ended';

type ListenedTo<A extends object> = LiveEvent<A> | StateChanged | Ended;
type ListenedType = ListenedTo<Attributes>['type'];
/** What listeners of a type are told: changes also out of batches, then without `at`. */
type Told<A extends object, T> = Extract<ListenedTo<A> | Batched<Change<A>>, { type: T }>;

/** A view as it was at one moment. It never changes, so that it can be kept, compared and drawn. */
export interface ViewSnapshot<A extends object = Attributes> {
  /** Grows with each change of what is in here. */
  readonly version: number;
  /** Who is known to match. The same array as before where the view did not change. */
  readonly people: readonly Person<A>[];
  /** Whether these are exactly those who match. */
  readonly exact: boolean;
  readonly state: State;
}

/** What `live` needs of a WebSocket: that of browsers and of Node 22, or of the package `ws`. */
export interface WebSocketLike {
  addEventListener(type: string, listener: (event: any) => void): void;
  send(text: string): void;
  close(): void;
}

export interface LiveOptions<A extends object = Attributes> {
  /** The gateway or its stream: `http://host:8080`, `wss://host/updates`; in a page also relative, such as `/`. */
  url: string | URL;
  /** Who is shown, a filter of docs/filters.md; default everyone. */
  where?: string;
  /** Default `all`. The view is exact with `all` only. */
  kinds?: Kinds;
  /** Where to begin: `now` (default), `snapshot`, or a cursor that came with the same `where` and `kinds`. */
  from?: 'now' | 'snapshot' | Cursor;
  /** With a cursor: the people of the view as it was there. */
  people?: Iterable<Person<A>>;
  /** Ends the client at once. */
  signal?: AbortSignal;
  /** Default the global one. */
  WebSocket?: new (url: string, protocols: string[]) => WebSocketLike;
  /** Default the global one. It finds out why a handshake failed, which a WebSocket does not tell. */
  fetch?: typeof fetch;
  /** How many people and changes may wait in one iteration before it is resynchronised; default 10,000. */
  queueMax?: number;
  /** For the handshake; default 10,000. */
  connectMs?: number;
  /** A gateway that says nothing is asked after half of this, and left after all of it; default 40,000. */
  silenceMs?: number;
  /** For the gateway's close after `stop`; default 5,000. */
  stopMs?: number;
  /**
   * Upper bounds of the random waits between attempts: the first (250), which doubles, and any (30,000; 3,000 where the
   * gateway is on this machine).
   */
  backoff?: { firstMs?: number; mostMs?: number };
}

/** What a change of the filter begins with. What is left out is everyone, all, now. */
export interface FilterOptions {
  where?: string;
  kinds?: Kinds;
  from?: 'now' | 'snapshot';
}

export interface WriteOptions {
  /** Only when this is still the person's revision; else a ProblemError with status 412. */
  ifMatch?: string;
  signal?: AbortSignal;
}

/** A live view of a gateway's people. It comes back by itself, whatever breaks, until it is stopped. */
export interface Live<A extends object = Attributes> extends AsyncIterable<LiveEvent<A> | Resync<A>> {
  /** Who is known to match, by id: the same Map for ever, changed before events are told. Don't write to it. */
  readonly view: ReadonlyMap<string, Person<A>>;
  /** Whether `view` is exactly those who match, as of `cursor`: with `kinds` all, from the end of a snapshot on. */
  readonly exact: boolean;
  readonly state: State;
  /** Where this client would resume; undefined before it was told, and during a snapshot. */
  readonly cursor: Cursor | undefined;
  /** The filter that the gateway judges by. */
  readonly where: string;
  readonly kinds: Kinds;
  /** While `waiting`: when the next attempt is due, in milliseconds of `Date.now()`. */
  readonly retryAt: number | undefined;
  /** Why the client gave up. */
  readonly error: Error | undefined;
  /** Settles when the client has ended, with the error or undefined. It never rejects. */
  readonly closed: Promise<Error | undefined>;

  /**
   * The view as it is now, for what compares and draws, such as React's `useSyncExternalStore`: the same object until
   * something in it changes. After a change, the next call copies the list of people.
   */
  snapshot(): ViewSnapshot<A>;

  /**
   * Calls back for events of a type, `*` for all, at once and in order. Returns what takes the listener away. Listeners
   * of `create`, `enter`, `update`, `leave` and `delete` are called for changes within a batch too, after those of
   * `batch`; those of `*` get the batch as one.
   */
  on<T extends ListenedType>(type: T, listener: (event: Told<A, T>) => void): () => void;
  on(type: '*', listener: (event: ListenedTo<A>) => void): () => void;
  /**
   * Replaces the filter. Settles when the new one holds, with the cursor up to which the old one judged (undefined with
   * `snapshot`); rejects with a ProblemError when it is refused, and the old one stays. It outlives the connection.
   */
  filter(filter?: FilterOptions): Promise<Cursor | undefined>;
  /** The quickest way to learn the cursor. Rejects when the connection breaks first. */
  ping(): Promise<Cursor | undefined>;
  /** Does not wait any longer for the next attempt; on a connection, finds out whether it still holds. */
  retry(): void;
  /** Asks the gateway for the end; what was on its way is still told. Settles as `closed`. */
  stop(): Promise<Error | undefined>;

  /** Saves a person over REST. `at` is the change's place. Rejects with a ProblemError. */
  save(person: PersonDraft<A>, options?: WriteOptions): Promise<{ person: Person<A>; at: string }>;
  /** Deletes a person over REST. Rejects with a ProblemError. */
  remove(id: string, options?: WriteOptions): Promise<{ at: string }>;

  /**
   * Iterates over events from now on; an iteration that begins late begins with `resync`. It throws when the client
   * gives up, and ends when it was stopped. Leaving the loop leaves the client running.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<LiveEvent<A> | Resync<A>>;
}

/**
 * Opens a live view. Throws a TypeError for options that make no sense. `A` is what you know of people's attributes:
 * `live<{ city?: string }>({...})`.
 */
export function live<A extends object = Attributes>(options: LiveOptions<A>): Live<A>;

/** A refusal of the gateway. */
export class ProblemError extends Error {
  readonly status: number | undefined;
  readonly problem: Problem;
}

/** The client has ended, can't go on, or was asked too much. */
export class ClientError extends Error {
  /** The close code, if there was one. */
  readonly code: number | undefined;
  readonly reason: string | undefined;
}
