// JSON as bpftool prints it: plain on one line, or its own kind of pretty (names on lines of their own, array elements beside each other).
// Layout found by looking at its output; see the session that the test compares with.

export class JsonWriter {
  private text = '';
  private depth = 0;
  private separator = '';

  constructor(private readonly pretty: boolean) {}

  private element(): void {
    this.text += this.separator;
    this.separator = ',';
  }

  private line(): void {
    if (this.pretty) this.text += `\n${' '.repeat(4 * this.depth)}`;
  }

  private open(bracket: '[' | '{'): this {
    this.element();
    this.text += bracket;
    this.depth++;
    this.separator = '';
    return this;
  }

  private close(bracket: ']' | '}'): this {
    this.depth--;
    if (this.separator !== '') this.line();
    this.text += bracket;
    this.separator = ',';
    return this;
  }

  object(fill: () => void): this {
    this.open('{');
    fill();
    return this.close('}');
  }

  array(fill: () => void): this {
    this.open('[');
    fill();
    return this.close(']');
  }

  name(name: string): this {
    this.element();
    this.line();
    this.separator = '';
    this.text += `${JSON.stringify(name)}:${this.pretty ? ' ' : ''}`;
    return this;
  }

  /** A number or word, as it is. */
  raw(text: string): this {
    this.element();
    this.text += text;
    return this;
  }

  string(text: string): this {
    return this.raw(JSON.stringify(text));
  }

  /** The text, with the newline that ends bpftool's output. */
  end(): string {
    return `${this.text}\n`;
  }
}
