// A chat at a terminal or behind a pipe: what is typed becomes messages, what happens becomes lines. It sits between
// the client SDK and the screen, and knows neither sockets nor terminals.
import type { HawserClient, HawserError, Message, Receipt, StateEvent } from "../client/index.ts";
import { durabilityWords, messageLine, printable, snippet, waitWords } from "./chat-format.ts";
import { Failure } from "./failure.ts";

/** What a session needs of a screen. */
export interface Printer {
  readonly terminal: boolean;
  print(text: string): void;
  setPrompt(prompt: string): void;
  faint(text: string): string;
}

export interface SessionOptions {
  me: string;
  to: string | undefined;
  url: string;
  /** How long the last messages may take to be confirmed when the chat ends. */
  waitMs: number;
  /** Unconfirmed messages outlive this process. */
  kept: boolean;
}

const HISTORY_ROWS = 20;
/** Messages held back while history is being fetched, so that lines stand in order. */
const HELD_MAX = 1_000;

const HELP = [
  "  /to NAME      talk to NAME (your own name: notes to yourself)",
  "  /history [N]  the last N messages, 20 when left out",
  "  /quit         leave; Ctrl-C and Ctrl-D do the same",
  "  //TEXT        a message that begins with /",
].join("\n");

export class ChatSession {
  private readonly client: HawserClient;
  private readonly screen: Printer;
  private readonly options: SessionOptions;
  private to: string | undefined;
  /** Pages of history that were asked for and are not there yet. */
  private fetching: number;
  /** What came meanwhile. */
  private held: Message[];
  /** The last row of each page that came meanwhile, by peer: what is held up to there was printed with the page. */
  private readonly printedUpTo: Map<string, number>;
  /** Own messages whose acknowledgement was printed: their rows are not printed again. */
  private readonly acknowledged: Set<string>;
  private sending: number;
  private refused: number;
  /** Errors that were told as a refusal. */
  private readonly refusals: WeakSet<Error>;
  private welcomed: boolean;
  private lastTrouble: string;
  /** Lines that could not be obeyed. */
  private mistakes: number;
  private idle: (() => void)[];
  private stopped: HawserError | undefined;
  private ending: boolean;
  /** Resolves when what was there before stands on the screen, or cannot be had for now. */
  readonly begun: Promise<void>;
  private begin!: () => void;
  /** Resolves when the client gave up for good; end() says why. */
  readonly over: Promise<void>;
  private giveUp!: () => void;

  constructor(client: HawserClient, screen: Printer, options: SessionOptions) {
    this.client = client;
    this.screen = screen;
    this.options = options;
    this.to = undefined;
    this.fetching = 0;
    this.held = [];
    this.printedUpTo = new Map();
    this.acknowledged = new Set();
    this.sending = 0;
    this.refused = 0;
    this.refusals = new WeakSet();
    this.welcomed = false;
    this.lastTrouble = "";
    this.mistakes = 0;
    this.idle = [];
    this.stopped = undefined;
    this.ending = false;
    this.begun = new Promise((resolve) => {
      this.begin = resolve;
    });
    this.over = new Promise((resolve) => {
      this.giveUp = resolve;
    });
  }

  /** Connects, and asks for the history of whom one talks to. */
  start(): void {
    const { client } = this;
    client.on("message", (message) => this.received(message));
    client.on("state", (event) => this.stateChanged(event));
    // Later than the promises of this run's own sends: what is left is of an earlier run, kept by the store.
    client.on("sent", ({ error }) => setImmediate(() => this.keptSent(error)));
    client.on("diverged", ({ fromSeq }) => this.note(`what the server has differs from row ${fromSeq} on: those rows come again`));
    // What ends the chat is told at its end.
    client.on("error", (error) => setImmediate(() => this.stopped ?? this.note(`${error.name}: ${printable(error.message)}`)));
    this.prompt();
    client.connect().catch((error: HawserError) => this.stop(error));
    // Asked for right away, it waits for the connection and comes before everything new.
    if (this.options.to !== undefined) this.talkTo(this.options.to);
  }

  /** One line that was typed. Returns false when it says to leave. Waits while too much is unconfirmed. */
  line(text: string): boolean {
    if (text.startsWith("/") && !text.startsWith("//")) return this.command(text);
    const body = text.startsWith("//") ? text.slice(1) : text;
    if (body === "") return true;
    if (this.to === undefined) this.mistake("to whom? Say /to NAME first");
    else this.send(this.to, body);
    return true;
  }

  /** Messages not confirmed yet, those that the store kept from an earlier run included. */
  get unconfirmed(): number {
    return Math.max(this.sending, this.client.pending().length);
  }

  /** Resolves when everything is confirmed or refused and no history is being fetched, or when nothing more can come. */
  settled(): Promise<void> {
    if (this.isSettled()) return Promise.resolve();
    return new Promise((resolve) => this.idle.push(resolve));
  }

  /** Waits for what is unconfirmed, and closes. Throws Failure when something was refused or stays unconfirmed. */
  async end(): Promise<void> {
    // A script's history may be all that it came for; a person who leaves has seen what there is.
    const wait = this.unconfirmed > 0 || !this.screen.terminal;
    if (wait) {
      if (this.screen.terminal) this.note(`waiting for ${this.unconfirmed} unconfirmed (Ctrl-C: leave at once)`);
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, this.options.waitMs);
      });
      await Promise.race([this.settled(), late]);
      clearTimeout(timer);
    }
    // Lines that are due in this turn still come.
    await new Promise((resolve) => setImmediate(resolve));
    const left = this.unconfirmed;
    this.ending = true;
    this.screen.setPrompt("");
    await this.client.close();
    if (this.stopped) throw this.explain(this.stopped);
    if (left > 0) {
      const fate = this.options.kept ? "kept, and sent the next time this chat is started" : "lost (--state none)";
      throw new Failure(`${left} ${left === 1 ? "message was" : "messages were"} not confirmed in ${waitWords(this.options.waitMs)}: ${fate}`);
    }
    if (!this.welcomed && !this.screen.terminal)
      throw new Failure(`no connection to ${this.options.url} in ${waitWords(this.options.waitMs)}: does a server run there? (npm start)`);
    if (this.refused > 0) throw new Failure(`${this.refused} refused, see above`);
    // A script should know; a person has seen it.
    if (this.mistakes > 0 && !this.screen.terminal) throw new Failure(`${this.mistakes} not understood, see above`);
  }

  private command(text: string): boolean {
    const [name, argument = ""] = text.slice(1).trim().split(/\s+/, 2);
    switch (name) {
      case "quit":
      case "q":
        return false;
      case "to":
        if (argument === "") this.mistake("to whom? /to NAME");
        else this.talkTo(argument);
        return true;
      case "history":
        if (this.to === undefined) this.mistake("whose? Say /to NAME first");
        else this.history(this.to, Math.min(Math.max(Math.trunc(Number(argument)) || HISTORY_ROWS, 1), 200));
        return true;
      case "help":
        this.screen.print(HELP);
        return true;
      default:
        this.mistake(`there is no /${printable(name ?? "")}: /help says what there is`);
        return true;
    }
  }

  private talkTo(peer: string): void {
    this.to = peer;
    this.prompt();
    this.history(peer, HISTORY_ROWS);
  }

  private history(peer: string, limit: number): void {
    this.fetching++;
    this.client.fetchHistory({ peer }, { limit }).then(
      ({ messages }) => this.historyCame(peer, messages),
      (error: Error) => {
        if (!this.stopped && !this.ending) this.note(`no history with ${printable(peer)}: ${printable(error.message)}`);
        this.historyCame(peer, []);
      },
    );
  }

  private historyCame(peer: string, messages: readonly Message[]): void {
    for (const message of messages) this.show(message);
    this.printedUpTo.set(peer, messages.at(-1)?.seq ?? 0);
    this.markRead(peer);
    this.fetching--;
    if (this.fetching > 0) return;
    const held = this.held;
    this.held = [];
    for (const message of held) if (message.seq > (this.printedUpTo.get(peerOf(message)) ?? 0)) this.show(message);
    this.printedUpTo.clear();
    this.begin();
    this.freeIdle();
  }

  private received(message: Message): void {
    if (this.fetching > 0 && this.held.length < HELD_MAX) this.held.push(message);
    // An own row can be reported a moment before the acknowledgement that stands for it.
    else if (message.local) setImmediate(() => this.show(message));
    else {
      this.show(message);
      const peer = peerOf(message);
      if (peer === this.to) this.markRead(peer);
    }
  }

  private show(message: Message): void {
    const peer = peerOf(message);
    if (this.acknowledged.delete(`${message.seq} ${peer}`)) return;
    const { time, from, mine, text, payload } = message;
    this.screen.print(messageLine({ time, from: from || "(server)", peer, mine, text, bytes: payload.length }, this.to));
  }

  private markRead(peer: string): void {
    // Only at a terminal has somebody read it.
    if (this.screen.terminal && this.client.conversations().some(({ conversation }) => "peer" in conversation && conversation.peer === peer)) {
      this.client.markRead({ peer });
    }
  }

  private send(to: string, body: string): void {
    this.sending++;
    this.prompt();
    this.client.send(to, body).then(
      (receipt) => this.sent(to, body, receipt),
      (error: Error) => this.notSent(body, error),
    );
  }

  private sent(to: string, body: string, { seq, durability }: Receipt): void {
    this.acknowledged.add(`${seq} ${to}`);
    this.sending--;
    this.prompt();
    this.screen.print(this.screen.faint(`       ${durabilityWords(durability)} as ${printable(to)} #${seq}: ${snippet(body)}`));
    this.freeIdle();
  }

  private keptSent(error: HawserError | undefined): void {
    if (error && !this.refusals.has(error)) {
      this.refused++;
      this.note(`✗ a message of an earlier time was not sent (${error.name}: ${printable(error.message)})`);
    }
    this.freeIdle();
  }

  private notSent(body: string, error: Error): void {
    // What close() rejects is counted already.
    if (this.ending) return;
    this.refusals.add(error);
    this.sending--;
    this.refused++;
    this.prompt();
    this.note(`✗ not sent (${error.name}: ${printable(error.message)}): ${snippet(body)}`);
    this.freeIdle();
  }

  private stateChanged({ state, reason }: StateEvent): void {
    if (state === "online") {
      this.lastTrouble = "";
      this.note(`${this.welcomed ? "connected again" : "connected"} as ${printable(this.client.user)} to ${this.options.url}`);
      this.welcomed = true;
    } else if (state === "offline") {
      const trouble = printable(reason?.message || "connection lost");
      // Told once, not at every attempt.
      if (trouble !== this.lastTrouble) this.note(`no connection (${trouble}): trying again`);
      this.lastTrouble = trouble;
    } else if (state === "stopped" && reason) this.stop(reason);
    if (state === "offline" || (state === "online" && this.fetching === 0)) this.begin();
    this.freeIdle();
    this.prompt();
  }

  private stop(reason: HawserError): void {
    // Left before there was a connection: end() says what that means.
    if (this.ending) return;
    this.stopped ??= reason;
    this.begin();
    this.giveUp();
    this.freeIdle();
  }

  /** Why the client gave up, with what to do about it. */
  private explain(error: HawserError): Failure {
    const detail = printable(error.message);
    switch (error.name) {
      case "AUTH_FAILED":
      case "TOKEN_EXPIRED":
        return new Failure(`the server does not take this token (${detail}): pass another --token (npm run -s token -- --user ${this.options.me})`);
      case "REPLACED":
        return new Failure("another connection of this device took over: pass another --device to have both");
      case "STORE_IN_USE":
        return new Failure(`another chat with this state runs (${detail}): pass another --device, or --state none`);
      case "BAD_ARGUMENT":
      case "WRONG_USER":
      case "STORE_FAILED":
        return new Failure(detail);
      default:
        return new Failure(`${error.name}: ${detail}`);
    }
  }

  private prompt(): void {
    const state = this.client.state === "online" ? "" : "[offline] ";
    const sending = this.sending > 0 ? ` (${this.sending} unconfirmed)` : "";
    this.screen.setPrompt(`${state}${this.to === undefined ? "" : printable(this.to)}${sending}> `);
  }

  private mistake(text: string): void {
    this.mistakes++;
    this.note(text);
  }

  private note(text: string): void {
    this.screen.print(this.screen.faint(`— ${text}`));
  }

  private isSettled(): boolean {
    return this.stopped !== undefined || (this.welcomed && this.unconfirmed === 0 && this.fetching === 0);
  }

  private freeIdle(): void {
    if (!this.isSettled()) return;
    for (const resolve of this.idle.splice(0)) resolve();
  }
}

/** The other user of a direct conversation; groups and `self` by a name that is no user's here. */
function peerOf({ conversation }: Message): string {
  if ("peer" in conversation) return conversation.peer;
  return "group" in conversation ? `group ${conversation.group}` : "(server)";
}
