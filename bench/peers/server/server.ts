// A peer's server as the harness sees it: started for one round, measured, stopped.

export interface PeerServer {
  host: string;
  port: number;
  /** All processes of the server, by part. Throws when one has ended. */
  pids(): Record<string, number>;
  /** Ends all of them and removes what they wrote. */
  stop(): Promise<void>;
}

/** What a server must be ready for. */
export interface ServerNeeds {
  connections: number;
  /** Members of a group. */
  members: number;
  /** Who will log in, for servers that keep accounts. */
  users: readonly string[];
}

/** A peer that cannot be measured here: why, and what would help. The others go on. */
export class NotInstalled extends Error {}
