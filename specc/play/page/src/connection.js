// Questions and answers in JSON-RPC, over whatever carries texts both ways.

/** What is answered to a question about a text that has changed since. */
const CHANGED = -32801;

export class Connection {
  /** @param {(text: string) => void} send */
  constructor(send) {
    this.send = send;
    this.waiting = new Map();
    this.heard = new Map();
    this.number = 0;
  }

  /** An answer; null where the question came too late or could not be answered. */
  async ask(method, params) {
    try {
      return await this.request(method, params);
    } catch (error) {
      if (error.code !== CHANGED) console.warn(method, error.message);
      return null;
    }
  }

  request(method, params) {
    const id = ++this.number;
    this.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
    return new Promise((resolve, reject) => this.waiting.set(id, { resolve, reject }));
  }

  tell(method, params) {
    this.send(JSON.stringify({ jsonrpc: "2.0", method, params }));
  }

  /** What is to be done with news of a kind. */
  on(method, work) {
    this.heard.set(method, work);
  }

  receive(text) {
    const message = JSON.parse(text);
    if (message.method) {
      this.heard.get(message.method)?.(message.params);
      return;
    }
    const asked = this.waiting.get(message.id);
    this.waiting.delete(message.id);
    if (message.error) asked?.reject(Object.assign(new Error(message.error.message), { code: message.error.code }));
    else asked?.resolve(message.result);
  }
}

/** A connection to the compiler in a worker of this page. failed: called where it does not start. */
export function overWorker(about, failed) {
  const worker = new Worker("worker.js", { type: "module" });
  const connection = new Connection((text) => worker.postMessage(text));
  worker.addEventListener("message", ({ data }) => (typeof data === "string" ? connection.receive(data) : failed(data.failed)));
  worker.addEventListener("error", (event) => failed(event.message));
  worker.postMessage(about);
  return connection;
}

/** A connection over a web socket. ended: called once when there is nobody at the other end any more. */
export function overSocket(address, ended) {
  const socket = new WebSocket(address);
  const connection = new Connection((text) => socket.readyState === WebSocket.OPEN && socket.send(text));
  socket.addEventListener("message", (event) => connection.receive(event.data));
  socket.addEventListener("close", ended);
  return new Promise((resolve) => socket.addEventListener("open", () => resolve(connection)));
}
