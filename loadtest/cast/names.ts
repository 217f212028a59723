// User ids made from numbers and read back, so that nobody keeps a string for each user: the run's name, then the number
// of the user over all drivers in base 36, 11 bytes in all (the ids of the real messages have as many).

const ID_BYTES = 11;
const RUN = /^[a-z0-9]{0,6}$/;
const DIGITS = Buffer.from("0123456789abcdefghijklmnopqrstuvwxyz");

export class UserNames {
  readonly length: number;
  private readonly run: Uint8Array;
  private readonly driver: number;
  private readonly drivers: number;

  /** Throws RangeError when the run's name is not at most 6 of [a-z0-9]. */
  constructor(run: string, driver: number, drivers: number) {
    if (!RUN.test(run)) throw new RangeError(`the name of a run is at most 6 characters of a-z and 0-9, not ${JSON.stringify(run)}`);
    this.length = ID_BYTES;
    this.run = Buffer.from(run);
    this.driver = driver;
    this.drivers = drivers;
  }

  /** Writes the id of this driver's user number `user` at `at`; returns the offset behind it. */
  write(into: Uint8Array, at: number, user: number): number {
    const { run } = this;
    for (let i = 0; i < run.length; i++) into[at + i] = run[i]!;
    let number = user * this.drivers + this.driver;
    for (let i = ID_BYTES - 1; i >= run.length; i--) {
      const rest = Math.floor(number / 36);
      into[at + i] = DIGITS[number - rest * 36]!;
      number = rest;
    }
    return at + ID_BYTES;
  }

  /** The number of this driver's user whose id is bytes[start, end); -1: it is nobody of this driver's. */
  read(bytes: Uint8Array, start: number, end: number): number {
    const { run } = this;
    if (end - start !== ID_BYTES) return -1;
    for (let i = 0; i < run.length; i++) if (bytes[start + i] !== run[i]) return -1;
    let number = 0;
    for (let i = start + run.length; i < end; i++) {
      const byte = bytes[i]!;
      const digit = byte >= 0x30 && byte <= 0x39 ? byte - 0x30 : byte >= 0x61 && byte <= 0x7a ? byte - 0x61 + 10 : -1;
      if (digit < 0) return -1;
      number = number * 36 + digit;
    }
    const user = Math.floor(number / this.drivers);
    return number - user * this.drivers === this.driver ? user : -1;
  }

  text(user: number): string {
    const bytes = Buffer.alloc(ID_BYTES);
    this.write(bytes, 0, user);
    return bytes.toString("latin1");
  }
}
