// A gateway for one test, on free ports, with a store in a temporary folder. The end of the test
// kills it.

import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const PROGRAM =
  process.env.PEOPLE_GATEWAY ??
  fileURLToPath(new URL('../../../../target/debug/people-gateway', import.meta.url));
/** The time limit of each wait in a test. */
export const DEADLINE_MS = 30_000;

/** Waits until `condition` is true, and returns its value. */
export async function eventually(what, condition) {
  const deadline = Date.now() + DEADLINE_MS;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export class Gateway {
  /** The position of the last change, by `save` or `delete`; undefined before the first. */
  written;

  /**
   * Starts a gateway with these settings, such as `live.ring_bytes`, and waits until it is ready.
   */
  static async start(test, settings = {}) {
    const gateway = new Gateway();
    gateway.folder = await mkdtemp(join(tmpdir(), 'people-gateway-js-'));
    gateway.settings = { listen: '127.0.0.1:0', 'admin.listen': '127.0.0.1:0', ...settings };
    test.after(async () => {
      await gateway.kill();
      await rm(gateway.folder, { recursive: true });
    });
    await gateway.run();
    return gateway;
  }

  async run() {
    const settings = { 'store.url': `embedded:${this.folder}/data`, ...this.settings };
    const env = Object.fromEntries(
      Object.entries(settings).map(([key, value]) => [
        `PEOPLE_GATEWAY__${key.toUpperCase().replaceAll('.', '__')}`,
        `${value}`,
      ]),
    );
    this.process = spawn(PROGRAM, { env, cwd: this.folder, stdio: ['ignore', 'pipe', 'ignore'] });
    this.exited = new Promise((resolve, reject) =>
      this.process.once('exit', resolve).once('error', reject),
    );
    this.exited.catch(() => {});
    for await (const line of createInterface({ input: this.process.stdout })) {
      const address = /http:\/\/([^/]+)\//.exec(line)?.[1];
      if (/REST and live updates/.test(line)) this.address = address;
      if (/^\s*admin/.test(line)) {
        this.admin = address;
        break;
      }
    }
    if (!this.admin)
      throw new Error(`${PROGRAM} did not start: build it, or name it in PEOPLE_GATEWAY`);
    await eventually('the gateway is ready', () =>
      fetch(`http://${this.admin}/readyz`).then(
        async (answer) => (await answer.text(), answer.ok),
        () => false,
      ),
    );
  }

  get url() {
    return `ws://${this.address}/updates`;
  }

  async kill(signal = 'SIGKILL') {
    this.process.kill(signal);
    await this.exited;
  }

  /** Kills the process, and starts it again at the same addresses with the same data. */
  async killAndRestart(between = () => {}) {
    await this.kill();
    await between();
    Object.assign(this.settings, { listen: this.address, 'admin.listen': this.admin });
    this.admin = undefined;
    await this.run();
  }

  /** All people of the list who match, by id. */
  async matching(where) {
    const answer = await fetch(`http://${this.address}/people?${new URLSearchParams({ where })}`);
    return Object.fromEntries((await answer.json()).map((person) => [person.id, person]));
  }

  /** Saves a person under this id, new or not. */
  async save(id, person) {
    const replaced = await this.#write('PUT', id, person);
    const status = replaced === 404 ? await this.#write('PUT', id, person, true) : replaced;
    if (status >= 300) throw new Error(`the save was refused with ${status}`);
  }

  /** Deletes a person, and returns the status. */
  delete(id) {
    return this.#write('DELETE', id);
  }

  /** Sends a write, and keeps its position. Returns the status. */
  async #write(method, id, person, isNew = false) {
    const headers = {
      ...(person && { 'content-type': 'application/json' }),
      ...(isNew && { 'if-none-match': '*' }),
    };
    const body = person && JSON.stringify(person);
    const url = `http://${this.address}/people/${id}`;
    const answer = await fetch(url, { method, headers, body });
    await answer.text();
    this.written = answer.headers.get('change-position') ?? this.written;
    return answer.status;
  }
}

/** The id of the Nth person of a test. */
export const idOf = (n) => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`;

/** A random person, with values that the tests' filters distinguish. */
export const randomPerson = () => ({
  firstName: ['Ada', 'Grace', 'Emmy', 'Alan'][Math.floor(Math.random() * 4)],
  lastName: 'Example',
  age: Math.floor(Math.random() * 100),
  job: ['Engineer', 'Mathematician'][Math.floor(Math.random() * 2)],
});
