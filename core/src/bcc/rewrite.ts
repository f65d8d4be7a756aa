// BCC's C into plain C for libbpf: sections, arguments, table methods, reads of kernel memory. Every line stays the line it was, and an
// origin for each character leads back. What a macro can do is left to toolchain/include/bcc/bcc.h.
//
// Kernel reads are found by our own parse joined with the compiler: here it is told from declarations which pointers point at kernel
// structs (every struct that the text does not define is one), and bcc_read() of bcc.h lets clang decide what is an array and how
// large a member is. So nothing waits for a second run of the compiler, and the editor has an answer where there is none.

import { type Problem, error } from '#core/problem';
import { type Attachment, sectionOfContext, sectionOfName } from './attachments.ts';
import { Edits } from './edits.ts';
import { descend, named, type Parse, type SyntaxNode } from './syntax-node.ts';

export interface RewrittenProgram {
  name: string;
  section: string;
  /** Offset of the name in the text that was given. */
  start: number;
}

export interface Rewritten {
  /** Plain C; line n comes from line n of what was given. */
  text: string;
  /** For each UTF-16 unit of `text` its offset in what was given. */
  origin: readonly number[];
  programs: readonly RewrittenProgram[];
  /** Tracepoints whose record the text needs, as the struct that recordName() names. */
  tracepoints: readonly { category: string; event: string }[];
  tables: readonly { name: string; macro: string; start: number }[];
  /** Offsets in `span` are lines and columns of the text that was given; the file's name is empty. */
  problems: readonly Problem[];
}

const TABLE_METHODS = new Set(
  (
    'lookup lookup_or_try_init lookup_or_init update insert delete increment atomic_increment perf_submit perf_submit_skb perf_read ' +
    'perf_counter_value call get_stackid get_stack check_current_task redirect_map sock_map_update sock_hash_update msg_redirect_map ' +
    'msg_redirect_hash sk_redirect_map sk_redirect_hash ringbuf_output ringbuf_reserve ringbuf_submit ringbuf_discard ringbuf_query ' +
    'push pop peek sk_storage_get sk_storage_delete inode_storage_get inode_storage_delete task_storage_get task_storage_delete ' +
    'sock_reuseport get_local_storage lookup_percpu'
  ).split(' '),
);

/** Contexts and objects that the verifier lets a program read directly. */
const DIRECT_STRUCTS = new Set(
  (
    'pt_regs xdp_md __sk_buff bpf_perf_event_data bpf_raw_tracepoint_args bpf_sock bpf_sock_ops bpf_sock_addr sk_msg_md bpf_sysctl ' +
    'bpf_sockopt bpf_cgroup_dev_ctx bpf_tcp_sock bpf_sock_tuple sk_reuseport_md bpf_fib_lookup bpf_pidns_info bpf_stacktrace'
  ).split(' '),
);
const PACKET_CONTEXTS = /\b(?:xdp_md|__sk_buff|bpf_sock_ops|sk_msg_md|sk_reuseport_md)\b/;

const PROBES =
  /\b(TRACEPOINT_PROBE|RAW_TRACEPOINT_PROBE|KFUNC_PROBE|KRETFUNC_PROBE|KMOD_RET|MODULE_KFUNC_PROBE|MODULE_KRETFUNC_PROBE|LSM_PROBE|BPF_ITER)\s*\(([^)]*)\)(?=\s*\{)/g;
const TABLE = /(?<![\w"])(BPF_(?!PACKET_HEADER)[A-Z][A-Z0-9_]*)\s*\(/g;
const TABLE_MACRO =
  /^BPF_(?:HASH|ARRAY|HISTOGRAM|PERF_OUTPUT|RINGBUF_OUTPUT|PROG_ARRAY|PERF_ARRAY|CGROUP_ARRAY|STACK_TRACE|STACK_TRACE_BUILDID|LPM_TRIE|LRU_HASH|LRU_PERCPU_HASH|PERCPU_HASH|PERCPU_ARRAY|QUEUE|STACK|CPUMAP|DEVMAP|XSKMAP|ARRAY_OF_MAPS|HASH_OF_MAPS|SK_STORAGE|INODE_STORAGE|TASK_STORAGE|CGROUP_STORAGE|PERCPU_CGROUP_STORAGE|SOCKMAP|SOCKHASH|F?_?TABLE(?:_PUBLIC|_PINNED|_PINNED7|_SHARED)?|F_TABLE)$/;

interface VariableType {
  struct: string | undefined;
  /** How many `*`. */
  depth: number;
  context?: boolean;
}

/** Stands for a struct whose memory is not the program's own. */
const OUTSIDE = '(outside)';

interface ProbeMacro {
  start: number;
  end: number;
  macro: string;
  args: readonly string[];
  name: string;
}

/** `kernelHas` says whether vmlinux.h has a struct: one of the text with the same name is another. */
export function rewrite(
  text: string,
  attached: readonly Attachment[],
  parse: Parse,
  kernelHas: (struct: string) => boolean = () => false,
): Rewritten {
  return new Rewriter(text, attached, parse, kernelHas).run();
}

class Rewriter {
  private readonly edits: Edits;
  private readonly problems: Problem[] = [];
  private readonly programs: RewrittenProgram[] = [];
  private readonly tables: { name: string; macro: string; start: number }[] = [];
  private readonly tableNames = new Set<string>();
  private readonly tracepoints = new Map<string, { category: string; event: string }>();
  private readonly probes: ProbeMacro[] = [];
  /** Structs that the text defines: their members by name. */
  private readonly structs = new Map<string, Map<string, VariableType>>();

  constructor(
    private readonly text: string,
    private readonly attached: readonly Attachment[],
    private readonly parse: Parse,
    private readonly kernelHas: (struct: string) => boolean,
  ) {
    this.edits = new Edits(text);
  }

  run(): Rewritten {
    const root = this.parse(this.mask());
    for (const node of descend(root, ({ type }) => type !== 'function_definition'))
      if (node.type === 'struct_specifier' || node.type === 'union_specifier') this.readStruct(node);
    const functions = named(root).flatMap((node) =>
      [...descend(node, ({ type }) => type !== 'function_definition')].filter(({ type }) => type === 'function_definition'),
    );
    const packet = this.packetFunctions(functions);
    for (const node of functions) this.rewriteFunction(node, functions, packet);
    for (const match of withoutComments(this.text).matchAll(/\bstruct\s+(\w+)/g)) {
      const name = match[1]!;
      const end = match.index + match[0].length;
      const record = /^tracepoint__([a-z0-9]+(?:_[a-z0-9]+)*?)__(\w+)$/.exec(name);
      if (record && !this.structs.has(name)) {
        this.tracepoint(record[1]!, record[2]!);
        this.edits.replace(end - name.length, end, recordName(record[1]!, record[2]!));
      } else if (this.structs.has(name) && this.kernelHas(name)) this.edits.after(end, '___local');
    }
    return {
      ...this.edits.apply(),
      programs: this.programs,
      tracepoints: [...this.tracepoints.values()],
      tables: this.tables,
      problems: this.problems,
    };
  }

  private tracepoint(category: string, event: string): void {
    this.tracepoints.set(`${category}:${event}`, { category, event });
  }

  // ---- what the C parser does not know: includes, table and probe macros become blanks and functions of the same length ----

  private mask(): string {
    let masked = withoutComments(this.text);
    const over = (start: number, end: number, by: string): void => {
      const old = masked.slice(start, end);
      let fill = by;
      for (let at = by.length; at < old.length; at++) fill += old[at] === '\n' ? '\n' : ' ';
      masked = masked.slice(0, start) + fill.slice(0, old.length) + masked.slice(end);
    };
    for (const match of masked.matchAll(/^[ \t]*#[ \t]*include\b[^\n]*/gm)) {
      this.edits.replace(match.index, match.index + match[0].length, '');
      over(match.index, match.index + match[0].length, '');
    }
    for (const match of masked.matchAll(PROBES)) {
      const [whole, macro, list] = match;
      const args = list!.split(',').map((one) => one.trim());
      const number = this.probes.length;
      const probe = { start: match.index, end: match.index + whole.length, macro: macro!, args, name: `p${number}` };
      this.probes.push(probe);
      over(probe.start, probe.end, `int p${number}()`);
    }
    for (const match of masked.matchAll(TABLE)) {
      const macro = match[1]!;
      if (!TABLE_MACRO.test(macro)) continue;
      const open = match.index + match[0].length - 1;
      const close = closing(masked, open);
      if (close === undefined) continue;
      // A macro's own definition, and a declaration inside one, is not a table.
      if (/^[ \t]*#[ \t]*define\b.*$/m.test(masked.slice(masked.lastIndexOf('\n', match.index) + 1, match.index))) continue;
      const args = splitArguments(masked.slice(open + 1, close));
      const first = masked.slice(open + 1, close);
      const byType = /_?TABLE/.test(macro);
      if (byType) {
        const literal = /"(\w+)"/.exec(this.text.slice(open, close));
        if (literal) this.edits.replace(open + literal.index, open + literal.index + literal[0].length, literal[1]!);
      }
      const name = (byType ? args[3] : args[0])?.trim() ?? '';
      const semicolon = /^\s*;/.exec(masked.slice(close + 1));
      const at = open + 1 + Math.max(0, first.search(new RegExp(`\\b${name.replace(/\W/g, '')}\\b`)));
      if (/^\w+$/.test(name)) {
        this.tables.push({ name, macro, start: at });
        this.tableNames.add(name);
      }
      over(match.index, close + 1 + (semicolon?.[0].length ?? 0), '');
    }
    for (const match of masked.matchAll(/\b__(?:user|kernel|rcu|iomem|percpu)\b/g)) {
      over(match.index, match.index + match[0].length, '');
    }
    return masked;
  }

  // ---- types, as far as declarations say them ----

  private readStruct(node: SyntaxNode): void {
    const body = node.childForFieldName('body');
    const name = node.childForFieldName('name')?.text;
    if (!body) return;
    const members = new Map<string, VariableType>();
    for (const field of named(body)) for (const [member, type] of declared(field)) members.set(member, type);
    if (name !== undefined) this.structs.set(name, members);
    const alias = node.parent?.type === 'type_definition' ? node.parent.childForFieldName('declarator')?.text : undefined;
    if (alias !== undefined) this.structs.set(alias, members);
  }

  private isKernelStruct = (name: string | undefined): boolean =>
    name !== undefined && !this.structs.has(name) && !DIRECT_STRUCTS.has(name) && !name.startsWith('tracepoint__');

  // ---- functions ----

  /** Functions that handle packets, and those that only they call: their pointers are the packet's. */
  private packetFunctions(functions: readonly SyntaxNode[]): ReadonlySet<SyntaxNode> {
    const out = new Set(
      functions.filter((node) =>
        PACKET_CONTEXTS.test(
          parametersOf(node)
            .map(({ text }) => text)
            .join(' '),
        ),
      ),
    );
    const callers = (name: string): SyntaxNode[] =>
      functions.filter((node) => new RegExp(`\\b${name}\\s*\\(`).test(node.childForFieldName('body')?.text ?? ''));
    for (let round = 0; round < 4; round++)
      for (const node of functions) {
        const name = nameOf(node);
        if (out.has(node) || !name) continue;
        const from = callers(name.text);
        if (from.length > 0 && from.every((caller) => out.has(caller))) out.add(node);
      }
    return out;
  }

  private rewriteFunction(node: SyntaxNode, functions: readonly SyntaxNode[], packet: ReadonlySet<SyntaxNode>): void {
    const name = nameOf(node);
    const body = node.childForFieldName('body');
    if (!name || !body) return;
    const probe = this.probes.find(({ start, end }) => name.startIndex >= start && name.startIndex < end);
    const variables = new Map<string, VariableType>();
    let direct = packet.has(node);
    if (probe) direct ||= this.rewriteProbe(probe, body, variables);
    else this.rewriteHead(node, name, body, functions, variables);
    for (const inner of descend(body)) {
      if (inner.type === 'declaration') for (const [variable, type] of declared(inner)) variables.set(variable, type);
    }
    this.spread(node, body, variables);
    this.rewriteBody(body, variables, direct);
  }

  /** Pointers to structs of the text's own that were given from outside: what they point at is not the program's. */
  private spread(node: SyntaxNode, body: SyntaxNode, variables: Map<string, VariableType>): void {
    const outside = (name: string | undefined): void => {
      const type = variables.get(name ?? '');
      if (type?.depth === 1 && !type.context && this.structs.has(type.struct ?? '')) variables.set(name!, { ...type, struct: OUTSIDE });
    };
    const isProbe = this.programs.at(-1)?.start === nameOf(node)?.startIndex;
    if (isProbe) for (const parameter of parametersOf(node).slice(1)) for (const name of declared(parameter).keys()) outside(name);
    for (const inner of descend(body)) {
      const [left, right] =
        inner.type === 'init_declarator'
          ? [inner.childForFieldName('declarator'), inner.childForFieldName('value')]
          : inner.type === 'assignment_expression'
            ? [inner.childForFieldName('left'), inner.childForFieldName('right')]
            : [null, null];
      if (!left || !right || !/->|PT_REGS_|bpf_get_current_task/.test(right.text) || /^\s*&|\.(?:lookup|ringbuf_reserve)/.test(right.text))
        continue;
      outside(/(\w+)\s*$/.exec(left.text)?.[1]);
    }
  }

  /** True where the body's pointers are typed by BTF and read directly. */
  private rewriteProbe(probe: ProbeMacro, body: SyntaxNode, variables: Map<string, VariableType>): boolean {
    const [first = '', second = ''] = probe.args;
    const put = (name: string, section: string, parameters: string): void => {
      this.edits.replace(probe.start, probe.end, `SEC("${section}") int ${name}(${parameters})`);
      this.programs.push({ name, section, start: probe.start });
    };
    const rest = probe.args.slice(1);
    switch (probe.macro) {
      case 'TRACEPOINT_PROBE':
        this.tracepoint(first, second);
        variables.set('args', { struct: `tracepoint__${first}__${second}`, depth: 1, context: true });
        put(`tracepoint__${first}__${second}`, `tp/${first}/${second}`, `struct ${recordName(first, second)} *args`);
        return false;
      case 'RAW_TRACEPOINT_PROBE':
        variables.set('ctx', { struct: 'bpf_raw_tracepoint_args', depth: 1, context: true });
        put(`raw_tracepoint__${first}`, `raw_tp/${first}`, 'struct bpf_raw_tracepoint_args *ctx');
        return false;
      default: {
        const module = probe.macro.startsWith('MODULE_');
        const [target, args] = module ? [second, rest.slice(1)] : [first, rest];
        const kind =
          probe.macro === 'LSM_PROBE' ? 'lsm' : probe.macro === 'KMOD_RET' ? 'fmod_ret' : /KRET/.test(probe.macro) ? 'fexit' : 'fentry';
        const name = `${kind === 'lsm' ? 'lsm' : kind === 'fexit' ? 'kretfunc' : kind === 'fmod_ret' ? 'kmod_ret' : 'kfunc'}__${module ? first : 'vmlinux'}__${target}`;
        this.edits.replace(probe.start, probe.end, `SEC("${kind}/${target}") int ${name}(unsigned long long *ctx)`);
        this.edits.before(body.startIndex + 1, args.map((arg, index) => ` ${arg} = (${typeOfDeclaration(arg)})ctx[${index}];`).join(''));
        this.programs.push({ name, section: `${kind}/${target}`, start: probe.start });
        return true;
      }
    }
  }

  private rewriteHead(
    node: SyntaxNode,
    name: SyntaxNode,
    body: SyntaxNode,
    functions: readonly SyntaxNode[],
    variables: Map<string, VariableType>,
  ): void {
    const parameters = parametersOf(node);
    const isStatic = named(node).some(({ type, text }) => type === 'storage_class_specifier' && /static|inline/.test(text));
    for (const [index, parameter] of parameters.entries())
      for (const [variable, type] of declared(parameter))
        variables.set(
          variable,
          index === 0 && (DIRECT_STRUCTS.has(type.struct ?? '') || type.struct?.startsWith('tracepoint__'))
            ? { ...type, context: true }
            : type,
        );
    const given = this.attached.filter(({ program }) => program === name.text);
    const called = functions.some(
      (other) => other !== node && new RegExp(`\\b${name.text}\\s*\\(`).test(other.childForFieldName('body')?.text ?? ''),
    );
    if (isStatic) {
      if (!/\b(?:inline|always_inline)\b/.test(this.text.slice(node.startIndex, body.startIndex)))
        this.edits.before(node.startIndex, '__always_inline ');
      return;
    }
    const section = given[0]?.section ?? sectionOfName(name.text) ?? (called ? undefined : sectionOfContext(parameters[0]?.text ?? ''));
    if (section === undefined) {
      if (called)
        this.problems.push(
          error(`cannot call non-static helper function ${name.text}: write "static" in front of it`, {
            code: 'bcc-non-static-call',
            span: this.span(name.startIndex, name.endIndex),
          }),
        );
      this.edits.before(node.startIndex, 'static __attribute__((unused)) ');
      return;
    }
    this.programs.push({ name: name.text, section, start: name.startIndex });
    this.edits.before(node.startIndex, `SEC("${section}") `);
    if (/^(?:k|u)(?:ret)?probe|^usdt/.test(section) && parameters.length > 1) this.rewriteArguments(name, parameters, body);
  }

  /** Parameters behind the context come from registers; those of a `syscall__` from the registers that the wrapper's argument points at. */
  private rewriteArguments(name: SyntaxNode, parameters: readonly SyntaxNode[], body: SyntaxNode): void {
    const context = [...declared(parameters[0]!).keys()][0] ?? 'ctx';
    if (parameters.length > 7)
      this.problems.push(
        error('too many arguments, bcc only supports in-register parameters', {
          code: 'bcc-arguments',
          span: this.span(parameters[7]!.startIndex, parameters[7]!.endIndex),
        }),
      );
    const wrapped = /^(?:syscall__|kprobe____x64_sys_|kprobe__sys_)/.test(name.text);
    let out = '';
    parameters.slice(1, 7).forEach((parameter, index) => {
      const value = wrapped ? `bcc_syscall_parm${index + 1}(${context})` : `PT_REGS_PARM${index + 1}(${context})`;
      const declaration = this.renamed(parameter.text);
      out += ` ${declaration} = (${typeOfDeclaration(declaration)})${value};`;
    });
    // The list of parameters is emptied up to its end, the lines in it stay.
    const last = parameters.at(-1)!;
    this.edits.replace(parameters[0]!.endIndex, last.endIndex, '');
    this.edits.before(body.startIndex + 1, out);
  }

  private renamed(text: string): string {
    return text.replace(/\bstruct\s+(\w+)/g, (whole, name: string) =>
      this.structs.has(name) && this.kernelHas(name) ? `${whole}___local` : whole,
    );
  }

  // ---- bodies ----

  private rewriteBody(body: SyntaxNode, variables: ReadonlyMap<string, VariableType>, direct: boolean): void {
    for (const node of descend(body)) {
      if (node.type === 'call_expression') this.rewriteCall(node);
      if (node.type === 'field_expression' && node.childForFieldName('field')?.text.startsWith('data_loc_'))
        this.edits.before(node.childForFieldName('field')!.startIndex, '__');
      if (!direct && this.isKernelPlace(node, variables) && isRead(node)) this.edits.wrap(node.startIndex, node.endIndex, 'bcc_read(', ')');
    }
  }

  private rewriteCall(node: SyntaxNode): void {
    const callee = node.childForFieldName('function');
    const args = node.childForFieldName('arguments');
    if (callee?.type !== 'field_expression' || !args) return;
    const table = callee.childForFieldName('argument');
    const method = callee.childForFieldName('field');
    if (!table || !method || operatorOf(callee) !== '.') return;
    if (!this.tableNames.has(table.text)) return;
    if (!TABLE_METHODS.has(method.text)) {
      this.problems.push(
        error(`a table has no method ${method.text}`, { code: 'bcc-table-method', span: this.span(method.startIndex, method.endIndex) }),
      );
      return;
    }
    this.edits.replace(callee.startIndex, callee.endIndex, `bcc_${method.text}`);
    this.edits.before(args.startIndex + 1, `&${table.text}${named(args).length > 0 ? ', ' : ''}`);
  }

  /** An expression that stands for a place in kernel memory which a program may not read directly. */
  private isKernelPlace(node: SyntaxNode, variables: ReadonlyMap<string, VariableType>): boolean {
    if (node.type === 'field_expression') {
      const base = node.childForFieldName('argument');
      if (!base) return false;
      if (operatorOf(node) === '->') return this.pointsAtKernel(base, variables);
      return this.isKernelPlace(base, variables);
    }
    if (node.type === 'subscript_expression') {
      const base = node.childForFieldName('argument');
      return !!base && (this.isKernelPlace(base, variables) || this.isCastOfKernel(base, variables));
    }
    if (node.type === 'pointer_expression' && node.text.startsWith('*')) {
      const pointer = node.childForFieldName('argument');
      return !!pointer && this.isCastOfKernel(pointer, variables);
    }
    if (node.type === 'parenthesized_expression')
      return named(node).length === 1 && this.isKernelPlace(named(node)[0]!, variables) && false;
    return false;
  }

  /** `(u8 *)&sk->member` and `(u8 *)sk`: the same memory under another type. */
  private isCastOfKernel(node: SyntaxNode, variables: ReadonlyMap<string, VariableType>): boolean {
    if (node.type === 'parenthesized_expression') return named(node).length === 1 && this.isCastOfKernel(named(node)[0]!, variables);
    if (node.type !== 'cast_expression') return false;
    for (const inner of descend(node)) {
      if (inner.type === 'pointer_expression' && inner.text.startsWith('&')) {
        const place = inner.childForFieldName('argument');
        if (place && this.isKernelPlace(place, variables)) return true;
      }
    }
    const value = node.childForFieldName('value');
    return value?.type === 'identifier' && this.pointsAtKernel(value, variables);
  }

  private pointsAtKernel(node: SyntaxNode, variables: ReadonlyMap<string, VariableType>): boolean {
    if (this.isKernelPlace(node, variables)) return true;
    const type = this.typeOf(node, variables);
    return type !== undefined && !type.context && type.depth === 1 && this.isKernelStruct(type.struct);
  }

  private typeOf(node: SyntaxNode, variables: ReadonlyMap<string, VariableType>): VariableType | undefined {
    switch (node.type) {
      case 'identifier':
        return variables.get(node.text);
      case 'parenthesized_expression':
        return named(node).length === 1 ? this.typeOf(named(node)[0]!, variables) : undefined;
      case 'cast_expression': {
        const type = node.childForFieldName('type');
        return type ? typeInWords(type.text) : undefined;
      }
      case 'pointer_expression': {
        const inner = node.childForFieldName('argument');
        const type = inner && this.typeOf(inner, variables);
        return type ? { ...type, depth: type.depth + (node.text.startsWith('&') ? 1 : -1) } : undefined;
      }
      case 'subscript_expression': {
        const inner = node.childForFieldName('argument');
        const type = inner && this.typeOf(inner, variables);
        return type ? { ...type, depth: type.depth - 1 } : undefined;
      }
      case 'field_expression': {
        const base = node.childForFieldName('argument');
        const type = base && this.typeOf(base, variables);
        return this.structs.get(type?.struct ?? '')?.get(node.childForFieldName('field')?.text ?? '');
      }
      default:
        return undefined;
    }
  }

  private span(start: number, end: number): NonNullable<Problem['span']> {
    const place = (offset: number): { line: number; column: number } => {
      const before = this.text.slice(0, offset);
      return { line: before.split('\n').length, column: offset - before.lastIndexOf('\n') };
    };
    const [from, to] = [place(start), place(end)];
    return { file: '', ...from, endLine: to.line, endColumn: to.column };
  }
}

const operatorOf = (node: SyntaxNode): string => node.children.find((child) => child?.type === '.' || child?.type === '->')?.type ?? '';

/** Whether the value of the place is wanted: not its address, its size, or a place to write to. */
function isRead(node: SyntaxNode): boolean {
  const parent = node.parent;
  if (!parent) return false;
  switch (parent.type) {
    case 'field_expression':
      return operatorOf(parent) === '->';
    case 'pointer_expression':
      return !parent.text.startsWith('&');
    case 'parenthesized_expression':
      return isRead(parent);
    case 'assignment_expression':
      return (
        parent.childForFieldName('left')?.startIndex !== node.startIndex || parent.childForFieldName('left')?.endIndex !== node.endIndex
      );
    case 'sizeof_expression':
    case 'update_expression':
    case 'offsetof_expression':
      return false;
    case 'argument_list': {
      const callee = parent.parent?.childForFieldName('function')?.text ?? '';
      return !/^(?:typeof|__typeof__|sizeof|offsetof|__builtin_)/.test(callee);
    }
    default:
      return true;
  }
}

function nameOf(node: SyntaxNode): SyntaxNode | undefined {
  let declarator = node.childForFieldName('declarator');
  while (declarator && declarator.type !== 'identifier') declarator = declarator.childForFieldName('declarator');
  return declarator ?? undefined;
}

function parametersOf(node: SyntaxNode): SyntaxNode[] {
  let declarator = node.childForFieldName('declarator');
  while (declarator && declarator.type !== 'function_declarator') declarator = declarator.childForFieldName('declarator');
  const list = declarator?.childForFieldName('parameters');
  return list ? named(list).filter(({ type }) => type === 'parameter_declaration') : [];
}

/** Names that a declaration, member or parameter makes, with their types. */
function declared(node: SyntaxNode): Map<string, VariableType> {
  const out = new Map<string, VariableType>();
  const type = node.childForFieldName('type');
  if (!type) return out;
  const struct = /^(?:struct|union)/.test(type.text)
    ? type.childForFieldName('name')?.text
    : type.type === 'type_identifier'
      ? type.text
      : undefined;
  for (const child of named(node)) {
    if (child === type || child.startIndex < type.endIndex) continue;
    let declarator: SyntaxNode | null = child;
    let depth = 0;
    while (declarator && declarator.type !== 'identifier' && declarator.type !== 'field_identifier') {
      if (declarator.type === 'pointer_declarator' || declarator.type === 'array_declarator') depth++;
      declarator = declarator.childForFieldName('declarator');
    }
    // A typedef's name, as of u32 or size_t, is no struct; one that the text defines as a struct is found there.
    if (declarator) out.set(declarator.text, { struct: type.type === 'type_identifier' ? typedefStruct(struct) : struct, depth });
  }
  return out;
}

/** Scalars have no members: calling them a struct does no harm, but a name of the kernel's own typedefs of structs is rare. */
const typedefStruct = (name: string | undefined): string | undefined => name;

function typeInWords(words: string): VariableType | undefined {
  const match = /^\s*(?:const\s+|volatile\s+)*(?:(?:struct|union)\s+)?(\w+)[\s\w]*?((?:\*\s*(?:const\s*)?)*)$/.exec(words);
  return match ? { struct: match[1]!, depth: (match[2]!.match(/\*/g) ?? []).length } : undefined;
}

/** `const char *name` → `const char *`; an array parameter is a pointer. */
function typeOfDeclaration(text: string): string {
  const array = /\[[^\]]*\]\s*$/.test(text);
  const base = text
    .replace(/\[[^\]]*\]\s*$/, '')
    .replace(/\b\w+\s*$/, '')
    .trim();
  return base === '' ? 'unsigned long' : array ? `${base} *` : base;
}

function closing(text: string, open: number): number | undefined {
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    if (text[at] === '(') depth++;
    else if (text[at] === ')' && --depth === 0) return at;
  }
  return undefined;
}

function splitArguments(text: string): string[] {
  const out: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at <= text.length; at++) {
    if (text[at] === '(') depth++;
    else if (text[at] === ')') depth--;
    else if (at === text.length || (text[at] === ',' && depth === 0)) {
      out.push(text.slice(start, at));
      start = at + 1;
    }
  }
  return out;
}

/** The struct of a tracepoint's record; not BCC's own name, which is also that of a function. */
export const recordName = (category: string, event: string): string => `tracepoint_record__${category}__${event}`;

/** The same text with comments as blanks and nothing else changed. */
function withoutComments(text: string): string {
  return text.replace(/"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|\/\/[^\n]*|\/\*[^]*?(?:\*\/|$)/g, (part) =>
    part.startsWith('/') ? part.replace(/[^\n]/g, ' ') : part,
  );
}
