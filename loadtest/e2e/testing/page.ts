// The script of the page that a real browser opens: an application on the browser's client. It does what the test tells it
// (GET /next waits for the next order), says what it did (POST /report), and keeps what it was shown in localStorage, as an
// application would keep it.
import { HawserClient, type HawserError, type Message, WebStore } from "../../../client/browser.ts";

/** What the test may order. */
export type Order =
  | { do: "send"; to: string; text: string }
  /** Sends, and reloads the page before there can be an answer. */
  | { do: "sendAndReload"; to: string; texts: string[] }
  | { do: "reload" }
  | { do: "check" }
  /** Another client on the same store, as another tab would make it. */
  | { do: "secondTab" }
  | { do: "tell" };

/** What the page tells. */
export type Report =
  | { is: "online"; pending: number; user: string }
  | { is: "done"; order: Order; result: unknown }
  | { is: "shown"; lines: string[]; complaints: string[] }
  | { is: "failed"; what: string };

const SHOWN = "shown";
const COMPLAINTS = "complaints";

function note(list: string, line: string): void {
  localStorage.setItem(list, JSON.stringify([...noted(list), line]));
}

function noted(list: string): string[] {
  return JSON.parse(localStorage.getItem(list) ?? "[]") as string[];
}

async function report(what: Report): Promise<void> {
  await fetch("/report", { method: "POST", body: JSON.stringify(what) });
}

function newClient(): HawserClient {
  const query = new URLSearchParams(location.search);
  const client = new HawserClient({ url: query.get("gateway")!, token: `dev:${query.get("user")}`, store: new WebStore(query.get("user")!), history: "all" });
  client.on("message", ({ conversation, seq, from, text }: Message) =>
    note(SHOWN, `${"peer" in conversation ? conversation.peer : "?"} ${seq} ${from}: ${text}`),
  );
  client.on("diverged", () => note(COMPLAINTS, "diverged"));
  client.on("error", (error: HawserError) => note(COMPLAINTS, `${error.name}: ${error.message}`));
  return client;
}

async function obey(client: HawserClient, order: Order): Promise<unknown> {
  switch (order.do) {
    case "send":
      return await client.send(order.to, order.text);
    case "sendAndReload":
      for (const text of order.texts) void client.send(order.to, text);
      setTimeout(() => location.reload(), 0);
      return await new Promise(() => undefined);
    case "reload":
      location.reload();
      return await new Promise(() => undefined);
    case "check":
      return await client.check();
    case "secondTab": {
      const query = new URLSearchParams(location.search);
      const other = new HawserClient({ url: query.get("gateway")!, token: `dev:${query.get("user")}`, store: new WebStore(query.get("user")!) });
      return await other.connect().then(
        () => "let in",
        (error: HawserError) => error.name,
      );
    }
    case "tell":
      return await report({ is: "shown", lines: noted(SHOWN), complaints: noted(COMPLAINTS) });
  }
}

async function live(): Promise<void> {
  const client = newClient();
  await client.connect();
  await report({ is: "online", pending: client.pending().length, user: client.user });
  for (;;) {
    const answer = await fetch("/next");
    if (answer.status === 204) continue;
    const order = (await answer.json()) as Order;
    const result = await obey(client, order);
    await report({ is: "done", order, result });
  }
}

live().catch((error: unknown) => report({ is: "failed", what: String(error) }));
