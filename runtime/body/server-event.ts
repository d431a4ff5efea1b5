/**
 * One server-sent event as an EventFlow sees and changes it: its text and its data (WHATWG HTML section 9.2.6). What
 * nobody changes keeps its bytes. It knows no stream.
 */
const LINE_END = /\r\n|\r|\n/;
const CR = 0x0d;
const LF = 0x0a;
const NO_BYTES: Buffer = /* @__PURE__ */ Buffer.alloc(0);

export class ServerEvent {
  readonly #bytes: Buffer;
  /** Which event of its stream it is, from 1. */
  readonly count: number;
  #text: string | null = null;
  #isChanged = false;

  /** `bytes`: the event with the empty line that ends it. */
  constructor(bytes: Buffer, count: number) {
    this.#bytes = bytes;
    this.count = count;
  }

  /** Its text without the empty line that ends it (`response.event.current.content`); "": it is dropped. */
  get content(): string {
    return (this.#text ??= this.#bytes.toString("utf8", 0, this.#textEnd));
  }

  set content(text: string) {
    if (text === this.content) return;
    // One event stays one: an empty line would end it.
    this.#text = text.split(LINE_END).filter((line) => line !== "").join("\n");
    this.#isChanged = true;
  }

  /** Its data lines, joined by LF (`response.event.current.data`); null where it has none. */
  get data(): string | null {
    const lines = this.content.split(LINE_END).filter(isData);
    return lines.length === 0 ? null : lines.map(dataOf).join("\n");
  }

  /** New data stands where the first line of the old one stood, or behind everything. */
  set data(text: string) {
    if (text === this.data) return;
    const lines = this.content.split(LINE_END);
    const first = lines.findIndex(isData);
    const at = first < 0 ? lines.length : first;
    const written = text.split(LINE_END).map((line) => `data: ${line}`);
    this.content = [...lines.slice(0, at), ...written, ...lines.slice(at).filter((line) => !isData(line))].join("\n");
  }

  /** What goes out: the very bytes that came where nobody changed it, none where it is dropped. */
  get bytes(): Buffer {
    if (!this.#isChanged) return this.#bytes;
    if (this.content === "") return NO_BYTES;
    return Buffer.concat([Buffer.from(this.content), this.#bytes.subarray(this.#textEnd)]);
  }

  get #textEnd(): number {
    let end = this.#bytes.length;
    while (end > 0 && (this.#bytes[end - 1] === LF || this.#bytes[end - 1] === CR)) end--;
    return end;
  }
}

function isData(line: string): boolean {
  return line === "data" || line.startsWith("data:");
}

function dataOf(line: string): string {
  return line.slice(line.startsWith("data: ") ? "data: ".length : "data:".length);
}
