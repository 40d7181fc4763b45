// A scripted server: node's http with its own WebSocket frames (RFC 6455). It can also send
// messages that no gateway sends.

import { createHash } from 'node:crypto';
import { createServer } from 'node:http';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

function frame(opcode, payload) {
  const { length } = payload;
  const head =
    length < 126 ? [0x80 | opcode, length] : [0x80 | opcode, 126, length >> 8, length & 255];
  return Buffer.concat([Buffer.from(head), payload]);
}

/** A client's connection, with the query and the subprotocols of its handshake. */
class Peer {
  #received = [];
  #waiting = [];

  constructor(socket, { url, headers }) {
    this.socket = socket;
    this.query = Object.fromEntries(new URL(url, 'http://localhost').searchParams);
    this.offers = offersOf(headers);
    this.closed = new Promise((resolve) => socket.once('close', resolve));
    let rest = Buffer.alloc(0);
    socket.on('error', () => {});
    socket.on('data', (data) => {
      rest = Buffer.concat([rest, data]);
      while (rest.length >= 2) {
        const short = rest[1] & 127;
        const head = short === 126 ? 8 : 6;
        const length = short === 126 ? rest.readUInt16BE(2) : short;
        if (rest.length < head + length) return;
        const mask = rest.subarray(head - 4, head);
        const payload = rest
          .subarray(head, head + length)
          .map((byte, index) => byte ^ mask[index % 4]);
        if ((rest[0] & 15) === 1) this.#receive(JSON.parse(Buffer.from(payload).toString()));
        rest = rest.subarray(head + length);
      }
    });
  }

  #receive(message) {
    const waiting = this.#waiting.shift();
    if (waiting) waiting(message);
    else this.#received.push(message);
  }

  /** The client's next message. */
  nextMessage() {
    const message = this.#received.shift();
    return message
      ? Promise.resolve(message)
      : new Promise((resolve) => this.#waiting.push(resolve));
  }

  send(...messages) {
    for (const message of messages)
      this.socket.write(frame(1, Buffer.from(JSON.stringify(message))));
  }

  close(code, reason = '') {
    const payload = Buffer.alloc(2 + reason.length);
    payload.writeUInt16BE(code);
    payload.write(reason, 2);
    this.socket.end(frame(8, payload));
  }

  cut() {
    this.socket.destroy();
  }
}

const offersOf = (headers) => headers['sec-websocket-protocol'].split(/,\s*/);

export class Server {
  #peers = [];
  #waiting = [];
  #sockets = [];
  /**
   * The answer to handshakes, and to the client's request for the reason, instead of an upgrade; or
   * a function that makes it from the request, undefined for an upgrade.
   */
  refusal;
  refused = 0;
  /** The requests so far, without upgraded ones: `{ method, url, headers, offers }`. */
  requests = [];

  static async start(test) {
    const server = new Server();
    const http = createServer((request, response) => server.#refuse(request, response));
    http.on('upgrade', (request, socket) => server.#upgrade(request, socket));
    await new Promise((resolve) => http.listen(0, '127.0.0.1', resolve));
    server.url = `ws://127.0.0.1:${http.address().port}/updates`;
    test.after(() => {
      http.close();
      http.closeAllConnections();
      server.#sockets.forEach((socket) => socket.destroy());
    });
    return server;
  }

  #refusalOf({ method, url, headers }) {
    const request = { method, url, headers, offers: headers.upgrade ? offersOf(headers) : [] };
    const refusal = typeof this.refusal === 'function' ? this.refusal(request) : this.refusal;
    if (refusal || !headers.upgrade) this.requests.push(request);
    return refusal;
  }

  #refuse(request, response) {
    const { status = 404, headers = {}, problem } = this.#refusalOf(request) ?? {};
    response.writeHead(status, { 'content-type': 'application/problem+json', ...headers });
    response.end(status === 204 ? undefined : JSON.stringify(problem));
  }

  #upgrade(request, socket) {
    this.#sockets.push(socket);
    socket.on('error', () => {});
    const refusal = this.#refusalOf(request);
    if (refusal) {
      this.refused++;
      return socket.end(
        `HTTP/1.1 ${refusal.status} Refused\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
      );
    }
    const accept = createHash('sha1')
      .update(request.headers['sec-websocket-key'] + GUID)
      .digest('base64');
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
        `Sec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: people.v1.json\r\n\r\n`,
    );
    const peer = new Peer(socket, request);
    const waiting = this.#waiting.shift();
    if (waiting) waiting(peer);
    else this.#peers.push(peer);
  }

  /** The next client that connects. */
  peer() {
    const peer = this.#peers.shift();
    return peer ? Promise.resolve(peer) : new Promise((resolve) => this.#waiting.push(resolve));
  }
}

export const person = (n, revision = 'a.1.1') => ({ id: `id-${n}`, firstName: `P${n}`, revision });
export const page = (...people) => ({ type: 'snapshot', people });
export const liveAt = (cursor) => ({ type: 'live', cursor });
export const create = (n, at) => ({ type: 'create', at, person: person(n, at.slice(2)) });
