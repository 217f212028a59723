// Reads of the store under way: so many at a time, the others in order behind them. A storm of clients that all ask
// at once costs the store a steady load, and memory for what waits, not for thousands of open iterators.
//
// Two kinds wait apart. Loads (of conversations and users: everything else of theirs waits for them) go first, but for one
// place in four; answers (pages, and what became of old Sends) have a bound, of which few sessions cannot take all.

/** At the same time: enough to keep a disk and libuv's threads busy. */
const READS_AT_ONCE = 128;
/** Waiting answers above which clients are told to come back. Loads of conversations and users have bounds of their own. */
const ANSWERS_MAX = 4096;
/** Above half of that, a session with this many under way is told so. */
const CROWDED_AT = ANSWERS_MAX / 2;
const CROWDED_SHARE = 16;
/** Of so many reads that begin, one is an answer though loads wait. */
const ANSWER_EVERY = 4;

type Read = () => Promise<void>;

export class ReadQueue {
  private readonly failed: (error: unknown) => void;
  private readonly loads: Waiting;
  private readonly answers: Waiting;
  private active: number;
  private begun: number;

  /** `failed` hears of a read that rejects. */
  constructor(failed: (error: unknown) => void) {
    this.failed = failed;
    this.loads = new Waiting();
    this.answers = new Waiting();
    this.active = 0;
    this.begun = 0;
  }

  /** Reads that have not begun. */
  get waitingCount(): number {
    return this.loads.count + this.answers.count;
  }

  /** Whether a session that waits for so many answers already may ask for one more. */
  hasRoomFor(answersUnderWay: number): boolean {
    const { count } = this.answers;
    return count < CROWDED_AT || (count < ANSWERS_MAX && answersUnderWay < CROWDED_SHARE);
  }

  /** Begins a read that others wait for, now or when there is a place. */
  load(read: Read): void {
    if (this.active < READS_AT_ONCE) this.begin(read);
    else this.loads.add(read);
  }

  /** Begins a read whose result goes to a client, now or when there is a place. */
  answer(read: Read): void {
    if (this.active < READS_AT_ONCE) this.begin(read);
    else this.answers.add(read);
  }

  private begin(read: Read): void {
    this.active++;
    this.begun++;
    read().then(this.ended, (error) => {
      this.failed(error);
      this.ended();
    });
  }

  private readonly ended = (): void => {
    this.active--;
    const answerFirst = this.begun % ANSWER_EVERY === 0;
    const next = answerFirst ? (this.answers.take() ?? this.loads.take()) : (this.loads.take() ?? this.answers.take());
    if (next !== undefined) this.begin(next);
  };
}

/** First in, first out. */
class Waiting {
  private reads: (Read | undefined)[];
  private first: number;

  constructor() {
    this.reads = [];
    this.first = 0;
  }

  get count(): number {
    return this.reads.length - this.first;
  }

  add(read: Read): void {
    this.reads.push(read);
  }

  take(): Read | undefined {
    if (this.first === this.reads.length) return undefined;
    const read = this.reads[this.first];
    // Not held any longer than it waits: what it closes over may be large.
    this.reads[this.first++] = undefined;
    if (this.first > 1024 && this.first * 2 > this.reads.length) {
      this.reads = this.reads.slice(this.first);
      this.first = 0;
    }
    return read;
  }
}
