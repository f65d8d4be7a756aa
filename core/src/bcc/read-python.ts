// The Python side of a BCC script, read and not run: which C text reaches BPF(…), and what the script attaches, loads and fills.
// Follows assignments, conditions on the defaults of its arguments, and calls of the script's own functions. Knows nothing of C.

import { descend, named, type Parse, type SyntaxNode } from './syntax-node.ts';
import { format, percent, readString } from './python-strings.ts';
import {
  asText,
  type BpfObject,
  boolean,
  type Guess,
  joined,
  type LocatedText,
  NONE,
  number,
  replaceAll,
  textValue,
  truth,
  unlocated,
  UNKNOWN,
  type Value,
} from './python-values.ts';

/** Steps of the reading; scripts have some thousands. */
const BUDGET = 200_000;
const DEEPEST_CALL = 12;

/** The objects that a script makes with `BPF(…)`, in order. */
export function readPython(source: string, parse: Parse, kernel: KernelFacts = {}): readonly BpfObject[] {
  // What says nothing of BPF costs nothing.
  if (!mentionsBpf(source)) return [];
  return new Reader(kernel).read(parse(source));
}

/** What a script may ask of the kernel before it makes its text. */
export interface KernelFacts {
  hasField?: (struct: string, field: string) => boolean;
  hasFunction?: (name: string) => boolean;
}

export const mentionsBpf = (source: string): boolean => /\bbcc\b|\bBPF\b/.test(source) && /\bBPF\s*\(/.test(source);

class Returned {
  constructor(readonly value: Value) {}
}

class Reader {
  private readonly objects: BpfObject[] = [];
  private readonly globals = new Map<string, Value>();
  /** argparse and optparse: an option's name and what it is when nobody gives it. */
  private readonly defaults = new Map<string, Value>();
  private readonly usdt: BpfObject['calls'] = [];
  private readonly guesses: Guess[] = [];
  private budget = BUDGET;
  private depth = 0;

  constructor(private readonly kernel: KernelFacts) {}

  read(module: SyntaxNode): readonly BpfObject[] {
    this.block(module, this.globals);
    // Methods, callbacks and what a framework calls: read as if called once, when nothing else makes an object.
    if (this.objects.length === 0)
      for (const node of descend(module))
        if (node.type === 'function_definition' && this.objects.length === 0) this.callFunction(node, new Map());
    return this.objects;
  }

  // ---- statements ----

  private block(node: SyntaxNode, scope: Map<string, Value>): Returned | undefined {
    for (const statement of named(node)) {
      if (this.budget-- < 0) return undefined;
      const returned = this.statement(statement, scope);
      if (returned) return returned;
    }
    return undefined;
  }

  private statement(node: SyntaxNode, scope: Map<string, Value>): Returned | undefined {
    switch (node.type) {
      case 'expression_statement':
        for (const child of named(node)) this.evaluate(child, scope);
        return undefined;
      case 'function_definition': {
        const name = node.childForFieldName('name');
        if (name) scope.set(name.text, { kind: 'function', node });
        return undefined;
      }
      case 'decorated_definition': {
        const inner = node.childForFieldName('definition');
        return inner ? this.statement(inner, scope) : undefined;
      }
      case 'if_statement':
        return this.condition(node, scope);
      case 'for_statement':
        return this.loop(node, scope);
      case 'while_statement':
      case 'with_statement':
      case 'try_statement': {
        const body = node.childForFieldName('body');
        return body ? this.block(body, scope) : undefined;
      }
      case 'return_statement': {
        const value = named(node)[0];
        return new Returned(value ? this.evaluate(value, scope) : NONE);
      }
      case 'block':
        return this.block(node, scope);
      default:
        return undefined;
    }
  }

  private condition(node: SyntaxNode, scope: Map<string, Value>): Returned | undefined {
    const arms = [node, ...named(node).filter(({ type }) => type === 'elif_clause')];
    for (const arm of arms) {
      const test = arm.childForFieldName('condition');
      const body = arm.childForFieldName('consequence');
      const holds = test ? truth(this.evaluate(test, scope)) : undefined;
      if (holds && body) return this.block(body, scope);
    }
    // A condition that cannot be told is one on what a user gives: without it the script does what `else` says.
    const otherwise = named(node).find(({ type }) => type === 'else_clause');
    const body = otherwise?.childForFieldName('body');
    return body ? this.block(body, scope) : undefined;
  }

  private loop(node: SyntaxNode, scope: Map<string, Value>): Returned | undefined {
    const [left, right, body] = ['left', 'right', 'body'].map((field) => node.childForFieldName(field));
    if (!left || !right || !body) return undefined;
    const over = this.evaluate(right, scope);
    const items = over.kind === 'list' ? over.items.slice(0, 64) : [UNKNOWN];
    for (const item of items) {
      this.assign(left, item, scope);
      const returned = this.block(body, scope);
      if (returned) return returned;
    }
    return undefined;
  }

  private assign(target: SyntaxNode, value: Value, scope: Map<string, Value>): void {
    switch (target.type) {
      case 'identifier':
        (scope !== this.globals && !scope.has(target.text) && this.globals.has(target.text) ? this.globals : scope).set(target.text, value);
        return;
      case 'pattern_list':
      case 'tuple_pattern':
      case 'list_pattern':
        named(target).forEach((one, index) => this.assign(one, value.kind === 'list' ? (value.items[index] ?? UNKNOWN) : UNKNOWN, scope));
        return;
      case 'attribute':
        scope.set(target.text, value);
        return;
      case 'subscript': {
        const base = target.childForFieldName('value');
        const key = target.childForFieldName('subscript');
        if (!base || !key) return;
        const object = this.evaluate(base, scope);
        const at = this.evaluate(key, scope);
        if (object.kind === 'table') object.object.writes.push({ table: object.name, key: at, value, node: target });
        if (object.kind === 'dictionary') {
          const text = asText(at);
          if (text) object.entries.set(text.text, value);
        }
      }
    }
  }

  // ---- expressions ----

  private evaluate(node: SyntaxNode, scope: Map<string, Value>): Value {
    if (this.budget-- < 0) return UNKNOWN;
    const field = (name: string): Value => {
      const child = node.childForFieldName(name);
      return child ? this.evaluate(child, scope) : UNKNOWN;
    };
    switch (node.type) {
      case 'string': {
        const text = readString(node, (inner) => this.evaluate(inner, scope));
        return text ? { kind: 'text', ...text } : UNKNOWN;
      }
      case 'concatenated_string': {
        const parts = named(node).map((part) => this.evaluate(part, scope));
        return parts.every((part) => part.kind === 'text') ? { kind: 'text', ...joined(parts) } : UNKNOWN;
      }
      case 'integer':
      case 'float': {
        const value = Number(node.text.replace(/_/g, ''));
        return Number.isNaN(value) ? UNKNOWN : number(value);
      }
      case 'true':
      case 'false':
        return boolean(node.type === 'true');
      case 'none':
        return NONE;
      case 'identifier':
        if (node.text === '__name__') return textValue('__main__');
        return scope.get(node.text) ?? this.globals.get(node.text) ?? UNKNOWN;
      case 'parenthesized_expression':
        return named(node)[0] ? this.evaluate(named(node)[0]!, scope) : UNKNOWN;
      case 'list':
      case 'tuple':
      case 'expression_list':
        return { kind: 'list', items: named(node).map((item) => this.evaluate(item, scope)) };
      case 'dictionary': {
        const entries = new Map<string, Value>();
        for (const pair of named(node)) {
          const [key, value] = [pair.childForFieldName('key'), pair.childForFieldName('value')];
          const name = key && asText(this.evaluate(key, scope));
          if (name && value) entries.set(name.text, this.evaluate(value, scope));
        }
        return { kind: 'dictionary', entries };
      }
      case 'assignment': {
        const [left, right] = [node.childForFieldName('left'), node.childForFieldName('right')];
        if (!left || !right) return UNKNOWN;
        const value = this.evaluate(right, scope);
        this.assign(left, value, scope);
        return value;
      }
      case 'augmented_assignment': {
        const left = node.childForFieldName('left');
        const value = node.childForFieldName('operator')?.text === '+=' ? add(field('left'), field('right')) : UNKNOWN;
        if (left) this.assign(left, value, scope);
        return value;
      }
      case 'binary_operator':
        return binary(node.childForFieldName('operator')?.text ?? '', field('left'), field('right'));
      case 'boolean_operator': {
        const left = field('left');
        const holds = truth(left);
        const and = node.childForFieldName('operator')?.text === 'and';
        if (holds === undefined) return and && truth(field('right')) === false ? boolean(false) : UNKNOWN;
        return holds === and ? field('right') : left;
      }
      case 'not_operator': {
        const holds = truth(field('argument'));
        return holds === undefined ? UNKNOWN : boolean(!holds);
      }
      case 'unary_operator': {
        const value = field('argument');
        return value.kind === 'number' && node.text.startsWith('-') ? number(-value.value) : UNKNOWN;
      }
      case 'comparison_operator':
        return this.comparison(node, scope);
      case 'conditional_expression': {
        const [yes, test, no] = named(node);
        const holds = test && truth(this.evaluate(test, scope));
        return yes && no ? this.evaluate(holds ? yes : no, scope) : UNKNOWN;
      }
      case 'subscript': {
        const base = field('value');
        const key = field('subscript');
        if (base.kind === 'bpf' && key.kind === 'text') return { kind: 'table', object: base.object, name: key.text };
        if (base.kind === 'list' && key.kind === 'number') return base.items.at(key.value) ?? UNKNOWN;
        const name = asText(key);
        return (base.kind === 'dictionary' && name && base.entries.get(name.text)) || UNKNOWN;
      }
      case 'attribute': {
        const known = scope.get(node.text) ?? this.globals.get(node.text);
        if (known) return known;
        const base = field('object');
        const name = node.childForFieldName('attribute')?.text ?? '';
        if (base.kind === 'program') return base;
        return base.kind === 'unknown' ? (this.programType(node.text) ?? this.defaults.get(name) ?? UNKNOWN) : UNKNOWN;
      }
      case 'call':
        return this.call(node, scope);
      case 'await':
        return named(node)[0] ? this.evaluate(named(node)[0]!, scope) : UNKNOWN;
      default:
        return UNKNOWN;
    }
  }

  /** `BPF.XDP` and the like stand for their own names. */
  private programType(text: string): Value | undefined {
    const match = /^BPF\.([A-Z][A-Z0-9_]*)$/.exec(text);
    return match ? textValue(match[1]!) : undefined;
  }

  private comparison(node: SyntaxNode, scope: Map<string, Value>): Value {
    const [left, right] = named(node);
    if (!left || !right) return UNKNOWN;
    const operator =
      node.children.find((child) => child && !named(node).includes(child))?.text ??
      node.text.slice(left.endIndex - node.startIndex, right.startIndex - node.startIndex).trim();
    const [a, b] = [this.evaluate(left, scope), this.evaluate(right, scope)];
    const words = node.text.slice(left.endIndex - node.startIndex, right.startIndex - node.startIndex).trim();
    if (a.kind === 'unknown' || b.kind === 'unknown') return UNKNOWN;
    const [x, y] = [asText(a)?.text, asText(b)?.text];
    switch (words || operator) {
      case '==':
      case 'is':
        return x === undefined || y === undefined ? UNKNOWN : boolean(x === y);
      case '!=':
      case 'is not':
        return x === undefined || y === undefined ? UNKNOWN : boolean(x !== y);
      case '<':
        return a.kind === 'number' && b.kind === 'number' ? boolean(a.value < b.value) : UNKNOWN;
      case '>':
        return a.kind === 'number' && b.kind === 'number' ? boolean(a.value > b.value) : UNKNOWN;
      case '<=':
        return a.kind === 'number' && b.kind === 'number' ? boolean(a.value <= b.value) : UNKNOWN;
      case '>=':
        return a.kind === 'number' && b.kind === 'number' ? boolean(a.value >= b.value) : UNKNOWN;
      case 'in':
        return b.kind === 'text' && x !== undefined ? boolean(b.text.includes(x)) : UNKNOWN;
      default:
        return UNKNOWN;
    }
  }

  private call(node: SyntaxNode, scope: Map<string, Value>): Value {
    const callee = node.childForFieldName('function');
    const list = node.childForFieldName('arguments');
    if (!callee || !list) return UNKNOWN;
    const args = new Map<string, Value>();
    let position = 0;
    for (const argument of named(list)) {
      if (argument.type === 'keyword_argument') {
        const [name, value] = [argument.childForFieldName('name'), argument.childForFieldName('value')];
        if (name && value) args.set(name.text, this.evaluate(value, scope));
      } else if (argument.type !== 'comment') args.set(String(position++), this.evaluate(argument, scope));
    }
    if (callee.type === 'identifier') {
      if (callee.text === 'BPF') return this.newBpf(node, args);
      const made = builtin(callee.text, args);
      if (made) return made;
      const target = this.evaluate(callee, scope);
      return target.kind === 'function' ? this.callFunction(target.node, args) : UNKNOWN;
    }
    if (callee.type !== 'attribute') return UNKNOWN;
    const method = callee.childForFieldName('attribute')?.text ?? '';
    const base = callee.childForFieldName('object');
    if (!base) return UNKNOWN;
    if (method === 'BPF' && base.text === 'bcc') return this.newBpf(node, args);
    if (base.text === 'BPF') return this.askKernel(method, args) ?? classMethod(method);
    const value = this.evaluate(base, scope);
    return this.methodCall(value, method, args, node, base.text);
  }

  private methodCall(value: Value, method: string, args: ReadonlyMap<string, Value>, node: SyntaxNode, base: string): Value {
    const first = args.get('0');
    switch (value.kind) {
      case 'bpf': {
        const { object } = value;
        object.calls.push({ method, args, node });
        const name = text(args.get('func_name') ?? args.get('fn_name') ?? (method === 'load_func' ? first : undefined));
        if (method === 'load_func') return name === undefined ? UNKNOWN : { kind: 'program', object, name };
        if (method === 'get_table') {
          const table = text(args.get('name') ?? first);
          return table === undefined ? UNKNOWN : { kind: 'table', object, name: table };
        }
        if (method === 'get_syscall_fnname') {
          const called = text(first ?? args.get('name'));
          return called === undefined ? UNKNOWN : textValue(`__x64_sys_${called}`);
        }
        if (method === 'get_syscall_prefix') return textValue('__x64_sys_');
        return UNKNOWN;
      }
      case 'table':
        value.object.calls.push({ method: `${value.name}.${method}`, args, node });
        return UNKNOWN;
      case 'text':
        switch (method) {
          case 'replace': {
            const [from, to] = [first && asText(first), args.get('1') && asText(args.get('1')!)];
            return from ? { kind: 'text', ...replaceAll(value, from.text, to ?? unlocated(this.guess(value, from.text))) } : value;
          }
          case 'format': {
            const filled = format(value, args);
            return filled ? { kind: 'text', ...filled } : UNKNOWN;
          }
          case 'encode':
          case 'decode':
          case 'strip':
          case 'lstrip':
          case 'rstrip':
            return value;
          case 'join':
            return first?.kind === 'list' && first.items.every((item) => item.kind === 'text')
              ? { kind: 'text', ...joined(first.items.flatMap((item, index) => (index > 0 ? [value, item] : [item]))) }
              : UNKNOWN;
          case 'startswith':
            return first?.kind === 'text' ? boolean(value.text.startsWith(first.text)) : UNKNOWN;
          case 'split':
            return {
              kind: 'list',
              items: (first?.kind === 'text' ? value.text.split(first.text) : value.text.trim().split(/\s+/)).map((part) =>
                textValue(part),
              ),
            };
          case 'lower':
            return textValue(value.text.toLowerCase());
          case 'upper':
            return textValue(value.text.toUpperCase());
          default:
            return UNKNOWN;
        }
      case 'list':
        if (method === 'append' && first) value.items.push(first);
        return UNKNOWN;
      case 'dictionary': {
        if (method === 'items')
          return { kind: 'list', items: [...value.entries].map(([key, item]) => ({ kind: 'list', items: [textValue(key), item] })) };
        if (method === 'keys') return { kind: 'list', items: [...value.entries.keys()].map((key) => textValue(key)) };
        if (method === 'values') return { kind: 'list', items: [...value.entries.values()] };
        const key = first && asText(first);
        return method === 'get' ? ((key && value.entries.get(key.text)) ?? args.get('1') ?? NONE) : UNKNOWN;
      }
      default:
        if (method === 'add_argument' || method === 'add_option') this.option(args);
        // A USDT object is made before the BPF object that it is given to.
        if (method === 'enable_probe' || method === 'enable_probe_or_bail') this.usdt.push({ method, args, node });
        // `ctypes.c_uint(7)` and `ct.c_int(1)` are the number.
        return (base !== '' && builtin(method, args)) || UNKNOWN;
    }
  }

  /** What cannot be told is left out where it stands alone, as a filter does, and is 0 inside an expression. */
  private guess({ text, origin }: LocatedText, marker: string): string {
    const at = text.indexOf(marker);
    if (at < 0) return '';
    const alone = /(?:^|[\n;{}])[ \t]*$/.test(text.slice(0, at)) && /^[ \t;]*(?:\n|$)/.test(text.slice(at + marker.length));
    const taken = alone ? '' : '0';
    const start = origin[at] ?? -1;
    if (start >= 0 && !this.guesses.some((guess) => guess.start === start)) this.guesses.push({ marker, taken, start });
    return taken;
  }

  private option(args: ReadonlyMap<string, Value>): void {
    const names = [...args].flatMap(([key, value]) => (/^\d+$/.test(key) && value.kind === 'text' ? [value.text] : []));
    const long = text(args.get('dest')) ?? (names.find((name) => name.startsWith('--')) ?? names[0])?.replace(/^-+/, '').replace(/-/g, '_');
    if (long === undefined) return;
    const action = text(args.get('action'));
    const otherwise = action === 'store_true' ? boolean(false) : action === 'store_false' ? boolean(true) : NONE;
    this.defaults.set(
      long,
      args.get('default') ?? (names.some((name) => name.startsWith('-')) ? otherwise : args.has('nargs') ? NONE : UNKNOWN),
    );
  }

  private askKernel(method: string, args: ReadonlyMap<string, Value>): Value | undefined {
    const [first, second] = [text(args.get('0')), text(args.get('1'))];
    if (method === 'kernel_struct_has_field' && first !== undefined && second !== undefined && this.kernel.hasField)
      return number(this.kernel.hasField(first, second) ? 1 : 0);
    if (/^(?:get_kprobe_functions|ksymname)$/.test(method) && first !== undefined && this.kernel.hasFunction) {
      const name = first.replace(/^\^|\$$/g, '');
      const known = !/^\w+$/.test(name) || this.kernel.hasFunction(name);
      if (method === 'ksymname') return number(known ? 1 : -1);
      return { kind: 'list', items: known ? [textValue(name)] : [] };
    }
    return undefined;
  }

  private newBpf(node: SyntaxNode, args: ReadonlyMap<string, Value>): Value {
    const given = args.get('text');
    const file = text(args.get('src_file') ?? args.get('0'));
    const flags = args.get('cflags');
    const object: BpfObject = {
      node,
      calls: [...this.usdt],
      writes: [],
      guesses: [...this.guesses],
      cflags: flags?.kind === 'list' ? flags.items.flatMap((item) => text(item) ?? []) : [],
      ...(given?.kind === 'text' ? { text: { text: given.text, origin: given.origin } } : {}),
      ...(file === undefined ? {} : { srcFile: file }),
    };
    this.objects.push(object);
    return { kind: 'bpf', object };
  }

  private callFunction(node: SyntaxNode, args: ReadonlyMap<string, Value>): Value {
    const body = node.childForFieldName('body');
    if (!body || this.depth >= DEEPEST_CALL) return UNKNOWN;
    const scope = new Map<string, Value>();
    const parameters = node.childForFieldName('parameters');
    (parameters ? named(parameters) : []).forEach((parameter, index) => {
      const name = (parameter.childForFieldName('name') ?? (parameter.type === 'identifier' ? parameter : named(parameter)[0]))?.text;
      if (name === undefined) return;
      const otherwise = parameter.childForFieldName('value');
      scope.set(name, args.get(name) ?? args.get(String(index)) ?? (otherwise ? this.evaluate(otherwise, scope) : UNKNOWN));
    });
    this.depth++;
    try {
      return this.block(body, scope)?.value ?? NONE;
    } finally {
      this.depth--;
    }
  }
}

/** The text of a value that is one. */
export const text = (value: Value | undefined): string | undefined => (value?.kind === 'text' ? value.text : undefined);

function add(left: Value, right: Value): Value {
  if (left.kind === 'text' && right.kind === 'text') return { kind: 'text', ...joined([left, right]) };
  if (left.kind === 'number' && right.kind === 'number') return exact('+', left, right) ?? number(left.value + right.value);
  // Text in front or behind that only a run can tell: what is known is read.
  if (left.kind === 'text' && right.kind === 'unknown') return left;
  if (left.kind === 'unknown' && right.kind === 'text') return right;
  if (left.kind === 'list' && right.kind === 'list') return { kind: 'list', items: [...left.items, ...right.items] };
  return UNKNOWN;
}

function binary(operator: string, left: Value, right: Value): Value {
  if (operator === '+') return add(left, right);
  if (operator === '%' && left.kind === 'text') {
    const filled = percent(left, right);
    return filled ? { kind: 'text', ...filled } : UNKNOWN;
  }
  if (left.kind !== 'number' || right.kind !== 'number') return UNKNOWN;
  const [a, b] = [left.value, right.value];
  const whole = exact(operator, left, right);
  if (whole) return whole;
  switch (operator) {
    case '-':
      return number(a - b);
    case '*':
      return number(a * b);
    case '/':
      return b === 0 ? UNKNOWN : number(a / b);
    case '//':
      return b === 0 ? UNKNOWN : number(Math.floor(a / b));
    case '%':
      return b === 0 ? UNKNOWN : number(((a % b) + b) % b);
    case '**':
      return number(a ** b);
    case '<<':
      return number(a * 2 ** b);
    case '|':
    case '&': {
      const bits = operator === '|' ? BigInt(Math.trunc(a)) | BigInt(Math.trunc(b)) : BigInt(Math.trunc(a)) & BigInt(Math.trunc(b));
      return number(Number(bits));
    }
    default:
      return UNKNOWN;
  }
}

type NumberValue = Extract<Value, { kind: 'number' }>;

/** Whole numbers beyond 2^53, as in `(1 << 64) - 1`. */
function exact(operator: string, left: NumberValue, right: NumberValue): Value | undefined {
  if (!Number.isInteger(left.value) || !Number.isInteger(right.value)) return undefined;
  const [a, b] = [left.exact ?? BigInt(left.value), right.exact ?? BigInt(right.value)];
  const small = b >= 0n && b < 256n;
  const result =
    operator === '+'
      ? a + b
      : operator === '-'
        ? a - b
        : operator === '*'
          ? a * b
          : operator === '<<' && small
            ? a << b
            : operator === '**' && small
              ? a ** b
              : undefined;
  return result === undefined ? undefined : { kind: 'number', value: Number(result), exact: result };
}

/** Functions of Python and of ctypes whose value follows from their arguments. */
function builtin(name: string, args: ReadonlyMap<string, Value>): Value | undefined {
  const first = args.get('0');
  if (/^c_u?(?:int|long|longlong|short|byte|char|int8|int16|int32|int64|uint8|uint16|uint32|uint64|size_t|bool)$|^c_u/.test(name))
    return first ?? number(0);
  switch (name) {
    // Of bcc.containers: without --cgroupmap and --mntnsmap it lets everything through.
    case 'filter_by_containers':
      return textValue('static inline int container_should_be_filtered() { return 0; }\n');
    case 'str':
      return first && asText(first) ? { kind: 'text', ...asText(first)! } : undefined;
    case 'int':
      if (first?.kind === 'number') return number(Math.trunc(first.value));
      return first?.kind === 'text' && first.text.trim() !== '' && Number.isFinite(Number(first.text))
        ? number(Number(first.text))
        : undefined;
    case 'range': {
      const [from, to] = args.has('1') ? [first, args.get('1')] : [number(0), first];
      if (from?.kind !== 'number' || to?.kind !== 'number') return undefined;
      return {
        kind: 'list',
        items: Array.from({ length: Math.min(64, Math.max(0, to.value - from.value)) }, (_, index) => number(from.value + index)),
      };
    }
    case 'len':
      return first?.kind === 'text' ? number(first.text.length) : first?.kind === 'list' ? number(first.items.length) : undefined;
    default:
      return undefined;
  }
}

/** What `BPF.…()` answers on the kernel we simulate. */
function classMethod(method: string): Value {
  switch (method) {
    case 'support_kfunc':
    case 'support_raw_tracepoint':
    case 'support_raw_tracepoint_in_module':
    case 'tracepoint_exists':
      return boolean(true);
    case 'kernel_struct_has_field':
      return number(1);
    case 'support_lsm':
      return boolean(false);
    case 'ksymname':
      return number(1);
    case 'get_kprobe_functions':
      return { kind: 'list', items: [textValue('?')] };
    default:
      return UNKNOWN;
  }
}
