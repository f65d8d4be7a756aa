// From a finding's way out (Finding.fix) to edits of the C text: where they go, how they are indented, what a function returns early.
// Proposes only; whether an edit mends the program is found out by verifying it (quick-fixes.ts).

import type { TextEdit } from 'vscode-languageserver';
import { findSection } from '#core/catalog';
import { never } from '#core/problem';
import type { Program } from '#core/program';
import type { Finding, Fix } from '#core/verifier';
import { lineOf } from '../check.ts';
import type { Document } from '../documents.ts';
import type { Node } from '../languages/c/c-syntax.ts';

export interface ProposedFix {
  title: string;
  edits: readonly TextEdit[];
}

/** `isUnsigned` says of a variable at an instruction what its declaration does. */
export function proposedFixes(
  document: Document,
  program: Program,
  finding: Finding,
  isUnsigned: (variable: string, insn: number) => boolean,
): ProposedFix[] {
  const { fix } = finding;
  if (document.language === 'asm') return fix?.kind === 'license' ? licenseOfAssembly(document) : [];
  if (!document.syntax) return [];
  const writer = new FixWriter(document, program);
  if (fix?.kind === 'bound') return writer.of({ ...fix, signed: fix.signed && !isUnsigned(fix.expression, fix.insn) });
  if (fix?.kind === 'release') {
    const direct = writer.of(fix);
    return direct.length > 0 ? direct : writer.releaseBeforeReturns(finding);
  }
  if (fix) return writer.of(fix);
  switch (finding.code) {
    case 'unwritten-record':
      return writer.zeroRecord(finding.insn);
    case 'uninitialised-stack':
      return writer.zeroArguments(finding.insn);
    case 'reference-leak':
      return writer.releaseBeforeReturns(finding);
    default:
      return writer.advisedCheck(finding);
  }
}

function licenseOfAssembly(document: Document): ProposedFix[] {
  const written = /^([ \t]*\.license[ \t]+)("[^"]*"|\S+)/m.exec(document.text);
  if (written) {
    const start = written.index + written[1]!.length;
    return [
      {
        title: 'License the program as GPL',
        edits: [{ range: document.lines.range(start, start + written[2]!.length), newText: '"GPL"' }],
      },
    ];
  }
  const end = document.lines.position(document.text.length);
  return [
    {
      title: 'License the program as GPL',
      edits: [{ range: { start: end, end }, newText: `${document.text.endsWith('\n') ? '' : '\n'}\n\t.license "GPL"\n` }],
    },
  ];
}

/** The names of programs' results by type, where nothing is decided and the rest of the system goes on as without the program. */
const LET_PASS: Readonly<Record<string, { name?: string; value: number }>> = {
  xdp: { name: 'XDP_PASS', value: 2 },
  sched_cls: { name: 'TC_ACT_OK', value: 0 },
  sched_act: { name: 'TC_ACT_OK', value: 0 },
  sk_skb: { name: 'SK_PASS', value: 1 },
  sk_msg: { name: 'SK_PASS', value: 1 },
  sk_lookup: { name: 'SK_PASS', value: 1 },
  sk_reuseport: { name: 'SK_PASS', value: 1 },
  netfilter: { name: 'NF_ACCEPT', value: 1 },
  cgroup_skb: { value: 1 },
  cgroup_sock: { value: 1 },
  cgroup_sock_addr: { value: 1 },
  cgroup_sysctl: { value: 1 },
  cgroup_sockopt: { value: 1 },
  cgroup_device: { value: 1 },
  sock_ops: { value: 1 },
};
/** Enumerators of vmlinux.h and linux/bpf.h; the others are macros that a file may lack. */
const ENUMERATORS = new Set(['XDP_PASS', 'SK_PASS']);

const RELEASE_ARGUMENTS: Readonly<Record<string, string>> = { bpf_ringbuf_discard: ', 0', bpf_ringbuf_submit: ', 0' };

/** What gives back what a helper gave; the harmless one first. */
const RELEASES: Readonly<Record<string, readonly string[]>> = {
  bpf_ringbuf_reserve: ['bpf_ringbuf_discard'],
  bpf_sk_lookup_tcp: ['bpf_sk_release'],
  bpf_sk_lookup_udp: ['bpf_sk_release'],
  bpf_skc_lookup_tcp: ['bpf_sk_release'],
  bpf_task_from_pid: ['bpf_task_release'],
  bpf_task_acquire: ['bpf_task_release'],
  bpf_cgroup_from_id: ['bpf_cgroup_release'],
  bpf_cgroup_acquire: ['bpf_cgroup_release'],
};
const MAX_RETURNS = 4;
const CLOSER: Readonly<Record<string, string>> = { '>': '>=', '<=': '<' };

class FixWriter {
  constructor(
    private readonly document: Document,
    private readonly program: Program,
  ) {}

  of(fix: Fix): ProposedFix[] {
    switch (fix.kind) {
      case 'null-check': {
        const condition = `!${/^\w+$/.test(fix.expression) ? fix.expression : `(${fix.expression})`}`;
        const after = fix.obtained === undefined ? undefined : this.statementAt(fix.obtained);
        const places = [
          // Right behind the call that may give NULL, where its result goes into this variable.
          ...(after && this.blockOf(after) && assigns(after, fix.expression)
            ? [() => this.insertAfter(after, this.early(condition, after))]
            : []),
          () => this.checkBefore(fix.insn, condition),
        ];
        const [edit] = places.flatMap((place) => place() ?? []);
        return edit ? [{ title: `Check \`${fix.expression}\` for NULL`, edits: [edit] }] : [];
      }
      case 'bound': {
        const { expression, limit, signed, mask } = fix;
        const word = /^[\w.>-]+$/.test(expression) ? expression : `(${expression})`;
        const above = isPowerOfTwo(limit - 1) && !isPowerOfTwo(limit) ? `${word} > ${limit - 1}` : `${word} >= ${limit}`;
        const condition = signed ? `${word} < 0 || ${above}` : above;
        const close = this.closeComparison(fix.insn, expression, limit);
        const check = this.checkBefore(fix.insn, condition);
        const statement = this.statementAt(fix.insn);
        const masked =
          mask !== undefined && statement && /^\w+$/.test(expression)
            ? this.insertBefore(statement, `${expression} &= ${mask};`)
            : undefined;
        return [
          ...(close
            ? [
                {
                  title: `Compare with \`${close.to}\` instead of \`${close.operator.text}\``,
                  edits: [this.replace(close.operator, close.to)],
                },
              ]
            : []),
          ...(check ? [{ title: `Leave when \`${condition}\``, edits: [check] }] : []),
          ...(masked ? [{ title: `Keep \`${expression}\` in range: \`${expression} &= ${mask}\``, edits: [masked] }] : []),
        ];
      }
      case 'tighten': {
        const operator = this.operatorAt(fix.insn, fix.from);
        return operator
          ? [{ title: `Compare with \`${fix.to}\` instead of \`${fix.from}\``, edits: [this.replace(operator, fix.to)] }]
          : [];
      }
      case 'packet-bound': {
        const edit = this.checkBefore(
          fix.insn,
          `(void *)${/^\w+$/.test(fix.pointer) ? fix.pointer : `(${fix.pointer})`} + ${fix.size} > ${fix.end}`,
        );
        return edit ? [{ title: `Prove that ${fix.size} bytes from \`${fix.pointer}\` on are in the packet`, edits: [edit] }] : [];
      }
      case 'zero-initialise':
        return this.zeroInitialise(fix.variable, fix.insn);
      case 'license':
        return [this.license()];
      case 'helper': {
        const call = this.callAt(fix.insn, fix.helper);
        return call ? fix.alternatives.map((name) => ({ title: `Call \`${name}\` instead`, edits: [this.replace(call, name)] })) : [];
      }
      case 'return-range': {
        const returned = this.returnedAt(fix.insn, fix.low, fix.high);
        if (!returned) return [];
        const values =
          fix.high - fix.low <= 3
            ? Array.from({ length: fix.high - fix.low + 1 }, (_, index) => fix.low + index)
            : [0].filter((value) => value >= fix.low && value <= fix.high);
        return values.map((value) => ({ title: `Return ${value}`, edits: [this.replace(returned, String(value))] }));
      }
      case 'release': {
        const statement = this.statementAt(fix.insn);
        // The end of the function is where all paths meet, not the one that forgot.
        if (statement?.type !== 'return_statement') return [];
        const call = `${fix.with}(${fix.expression}${RELEASE_ARGUMENTS[fix.with] ?? ''});`;
        const edits = this.insertOnPath(statement, call);
        return edits ? [{ title: `Call \`${fix.with}(${fix.expression})\` before leaving`, edits }] : [];
      }
      default:
        return never(fix);
    }
  }

  /** The advice may say the comparison in C. */
  advisedCheck({ advice, insn }: Finding): ProposedFix[] {
    const condition = /`if \(([^`]+)\) return/.exec(advice)?.[1];
    const edit = condition === undefined || condition.includes('…') ? undefined : this.checkBefore(insn, condition);
    return edit ? [{ title: `Leave when \`${condition}\``, edits: [edit] }] : [];
  }

  /** Which return leaks is not known from the path's end: each behind the acquiring call is proposed. */
  releaseBeforeReturns(finding: Finding): ProposedFix[] {
    const acquired = finding.causes.flatMap(({ insn }) => {
      const statement = this.statementAt(insn);
      const call = statement
        ?.descendantsOfType('call_expression')
        .find((one) => one !== null && RELEASES[one.childForFieldName('function')?.text ?? ''] !== undefined);
      const name = statement && assignedName(statement);
      return statement && call && name !== undefined
        ? [{ statement, name, releases: RELEASES[call.childForFieldName('function')!.text]! }]
        : [];
    })[0];
    const around = acquired && this.functionAround(acquired.statement);
    if (!acquired || !around) return [];
    const { statement, name, releases } = acquired;
    const returns = around
      .descendantsOfType('return_statement')
      .filter((node) => node !== null && node.startIndex > statement.endIndex && !guardsNull(node, name));
    return returns.slice(0, MAX_RETURNS).flatMap((node) =>
      releases.flatMap((release) => {
        const edits = this.insertOnPath(node!, `${release}(${name}${RELEASE_ARGUMENTS[release] ?? ''});`);
        return edits
          ? [
              {
                title: `Call \`${release}(${name}${RELEASE_ARGUMENTS[release] ?? ''})\` before line ${this.document.lines.position(node!.startIndex).line + 1} returns`,
                edits,
              },
            ]
          : [];
      }),
    );
  }

  private functionAround(node: Node): Node | undefined {
    for (let at: Node | null = node; at; at = at.parent) if (at.type === 'function_definition') return at;
    return undefined;
  }

  /** A comparison of this expression before the instruction that lets the first forbidden value through. */
  private closeComparison(insn: number, expression: string, limit: number): { operator: Node; to: string } | undefined {
    const offset = this.offsetOf(insn);
    if (offset === undefined) return undefined;
    for (const node of this.functionAt(insn)?.descendantsOfType('binary_expression') ?? []) {
      const operator = node?.childForFieldName('operator');
      const to = operator && CLOSER[operator.text];
      if (
        !node ||
        !to ||
        node.startIndex > offset ||
        node.childForFieldName('left')?.text !== expression ||
        Number(node.childForFieldName('right')?.text) !== limit
      )
        continue;
      return { operator, to };
    }
    return undefined;
  }

  /** Ring buffer records are not cleared by the kernel. */
  zeroRecord(insn: number): ProposedFix[] {
    const reserve = this.callsBefore(insn, 'bpf_ringbuf_reserve');
    const statement = reserve && this.statementOf(reserve);
    const name = statement && assignedName(statement);
    if (!statement || name === undefined) return [];
    const check = statement.nextNamedSibling;
    const after = check?.type === 'if_statement' && check.childForFieldName('condition')?.text.includes(name) ? check : statement;
    return [
      {
        title: `Clear the record: \`__builtin_memset(${name}, 0, sizeof(*${name}))\``,
        edits: [this.insertAfter(after, `__builtin_memset(${name}, 0, sizeof(*${name}));`)],
      },
    ];
  }

  /** The variables whose addresses a call gets. */
  zeroArguments(insn: number): ProposedFix[] {
    const call = this.statementAt(insn)?.descendantsOfType('call_expression')[0];
    const names = (call?.childForFieldName('arguments')?.namedChildren ?? []).flatMap((argument) =>
      argument?.type === 'pointer_expression' && /^&\w+$/.test(argument.text) ? [argument.text.slice(1)] : [],
    );
    return [...new Set(names)].flatMap((name) => this.zeroInitialise(name, insn));
  }

  private zeroInitialise(variable: string, insn: number): ProposedFix[] {
    const around = this.functionAt(insn);
    const declaration = around
      ?.descendantsOfType('declaration')
      .findLast((node) => node !== null && declares(node, variable) && node.startIndex < (this.offsetOf(insn) ?? Infinity));
    if (!declaration) return [];
    const declarator = declaration.childrenForFieldName('declarator').find((one) => one !== null && nameOf(one) === variable);
    if (!declarator) return [];
    const cleared = {
      title: `Clear all of \`${variable}\`, padding too: \`__builtin_memset\``,
      edits: [
        this.insertAfter(
          declaration,
          `__builtin_memset(${declarator.type === 'array_declarator' ? variable : `&${variable}`}, 0, sizeof(${variable}));`,
        ),
      ],
    };
    if (declarator.type === 'init_declarator') return [cleared];
    const type = declaration.childForFieldName('type')?.type;
    const isAggregate = type === 'struct_specifier' || type === 'union_specifier' || declarator.type === 'array_declarator';
    const values = isAggregate ? ['{}'] : declarator.type === 'pointer_declarator' ? ['NULL', '0'] : ['0', '{}'];
    const end = this.document.lines.position(declarator.endIndex);
    return [
      ...values.map((value) => ({
        title: `Initialise \`${variable}\`: \`= ${value}\``,
        edits: [{ range: { start: end, end }, newText: ` = ${value}` }],
      })),
      ...(isAggregate || type === 'type_identifier' ? [cleared] : []),
    ];
  }

  private license(): ProposedFix {
    const { text, lines, syntax } = this.document;
    const title = 'License the program as GPL';
    const section = syntax!.macros.sections.find(({ name }) => name === 'license');
    const written = section && /=\s*("[^"]*")/.exec(text.slice(section.end, section.end + 200));
    if (section && written) {
      const start = section.end + written.index + written[0].indexOf('"');
      return { title, edits: [{ range: lines.range(start, start + written[1]!.length), newText: '"GPL"' }] };
    }
    const end = lines.position(text.length);
    return {
      title,
      edits: [{ range: { start: end, end }, newText: `${text.endsWith('\n') ? '' : '\n'}\nchar LICENSE[] SEC("license") = "GPL";\n` }],
    };
  }

  /** Offset of the code of an instruction in this text; undefined for code of headers. */
  private offsetOf(insn: number): number | undefined {
    const { document, program } = this;
    const record = lineOf(program, insn);
    if (!record || record.line === 0 || !document.isFile(record.file)) return undefined;
    return document.lines.offset(document.lines.fromCompiler(record.line, record.column));
  }

  private nodeAt(insn: number): Node | undefined {
    const offset = this.offsetOf(insn);
    return offset === undefined ? undefined : this.document.syntax!.nodeAt(offset);
  }

  private statementAt(insn: number): Node | undefined {
    const node = this.nodeAt(insn);
    return node && this.statementOf(node);
  }

  /** The statement or declaration around, or the node itself where it is one. */
  private statementOf(node: Node): Node | undefined {
    for (let at: Node | null = node; at; at = at.parent) {
      if (at.type === 'compound_statement' || at.type === 'function_definition') return undefined;
      if (/_statement$/.test(at.type) || at.type === 'declaration') return at;
    }
    return undefined;
  }

  private functionAt(insn: number): Node | undefined {
    for (let at: Node | null | undefined = this.nodeAt(insn); at; at = at.parent) if (at.type === 'function_definition') return at;
    return undefined;
  }

  /** The statement of a block that holds this one, so that something can stand before it. */
  private blockOf(statement: Node): Node | undefined {
    for (let at: Node | null = statement; at?.parent; at = at.parent) if (at.parent.type === 'compound_statement') return at;
    return undefined;
  }

  private indentOf(node: Node): string {
    return /^\s*/.exec(this.document.lines.line(this.document.lines.position(node.startIndex).line))![0];
  }

  private get unit(): string {
    return /^\t/m.test(this.document.text) || !/^( +)\S/m.test(this.document.text)
      ? '\t'
      : (/^( {2,8})\S/m.exec(this.document.text)?.[1] ?? '    ');
  }

  /** `if (condition)` and the way out, on two lines; the second line's indentation is for where it stands. */
  private early(condition: string, at: Node): string {
    return `if (${condition})\n${this.indentOf(this.blockOf(at) ?? at)}${this.unit}${this.leave(at)}`;
  }

  private checkBefore(insn: number, condition: string): TextEdit | undefined {
    const statement = this.statementAt(insn);
    return statement && this.insertBefore(statement, this.early(condition, statement));
  }

  private insertBefore(statement: Node, text: string): TextEdit | undefined {
    const block = this.blockOf(statement);
    if (!block) return undefined;
    const at = this.document.lines.position(block.startIndex);
    return { range: { start: at, end: at }, newText: `${text}\n${this.indentOf(block)}` };
  }

  private insertAfter(statement: Node, text: string): TextEdit {
    const at = this.document.lines.position(statement.endIndex);
    return { range: { start: at, end: at }, newText: `\n${this.indentOf(statement)}${text}` };
  }

  /** Before a statement and only on its path: a body without braces gets them. */
  private insertOnPath(statement: Node, text: string): TextEdit[] | undefined {
    if (statement.parent?.type === 'compound_statement') {
      const edit = this.insertBefore(statement, text);
      return edit && [edit];
    }
    const { lines } = this.document;
    const outer = statement.parent;
    if (!outer) return undefined;
    const start = lines.position(statement.startIndex);
    const end = lines.position(statement.endIndex);
    const before = lines.position(outer.endIndex - (outer.endIndex - statement.startIndex));
    const indent = this.indentOf(statement);
    // `if (x)` stands on the line before: its brace goes behind the parenthesis.
    const head = this.document.text.slice(0, lines.offset(before)).trimEnd().length;
    return [
      { range: { start: lines.position(head), end: start }, newText: ` {\n${indent}${text}\n${indent}` },
      { range: { start: end, end }, newText: `\n${this.indentOf(outer)}}` },
    ];
  }

  private replace(node: Node, newText: string): TextEdit {
    return { range: this.document.lines.range(node.startIndex, node.endIndex), newText };
  }

  /** How the function around gives up early. */
  private leave(at: Node): string {
    const { syntax, text } = this.document;
    const program = syntax!.programAt(at.startIndex);
    if (program) {
      const pass = LET_PASS[this.program.type ?? findSection(program.section.name)?.programType ?? ''];
      const named =
        pass?.name !== undefined &&
        (ENUMERATORS.has(pass.name) ||
          new RegExp(`\\b${pass.name}\\b`).test(text) ||
          (pass.name.startsWith('TC_') && text.includes('linux/pkt_cls.h')));
      return `return ${named ? pass.name : (pass?.value ?? 0)};`;
    }
    const around = syntax!.functionAt(at.startIndex);
    const definition = text.slice(around?.start ?? 0, around?.end ?? 0);
    if (/^[^(]*\bvoid\s+\w+\s*\(/.test(definition)) return 'return;';
    if (/^[^(]*\*\s*\w+\s*\(/.test(definition)) return `return ${/\bNULL\b/.test(text) ? 'NULL' : '0'};`;
    return 'return 0;';
  }

  /** The operator that the instruction compares with. */
  private operatorAt(insn: number, operator: string): Node | undefined {
    const node = this.nodeAt(insn);
    if (!node) return undefined;
    for (let at: Node | null = node; at && !/_statement$|^declaration$/.test(at.type); at = at.parent) {
      const own = at.type === 'binary_expression' ? at.childForFieldName('operator') : null;
      if (own?.text === operator) return own;
    }
    // The compiler may have recorded the comparison at its statement.
    const condition = this.statementOf(node)?.childForFieldName('condition') ?? this.statementOf(node);
    const all = (condition?.descendantsOfType('binary_expression') ?? []).flatMap((one) =>
      one?.childForFieldName('operator')?.text === operator ? [one.childForFieldName('operator')!] : [],
    );
    return all.length === 1 ? all[0] : undefined;
  }

  private callAt(insn: number, name: string): Node | undefined {
    const node = this.nodeAt(insn);
    const named = (at: Node): Node | undefined =>
      at
        .descendantsOfType('call_expression')
        .flatMap((call) => (call?.childForFieldName('function')?.text === name ? [call.childForFieldName('function')!] : []))[0];
    for (let at: Node | null | undefined = node; at; at = at.parent) {
      const own = at.type === 'call_expression' ? at.childForFieldName('function') : null;
      if (own?.text === name) return own;
      if (/_statement$|^declaration$/.test(at.type)) return named(at);
    }
    return undefined;
  }

  /** The last call of a function at or before an instruction. */
  private callsBefore(insn: number, name: string): Node | undefined {
    const offset = this.offsetOf(insn);
    const calls = this.functionAt(insn)?.descendantsOfType('call_expression') ?? [];
    return (
      calls.findLast((call) => call?.childForFieldName('function')?.text === name && (offset === undefined || call.startIndex <= offset)) ??
      undefined
    );
  }

  /** A returned number that is out of the range: at the instruction, or the only one of the function. */
  private returnedAt(insn: number, low: number, high: number): Node | undefined {
    const wrong = (node: Node | null): Node | undefined => {
      const value = node?.type === 'return_statement' ? node.namedChild(0) : undefined;
      const number = value && /^-?(?:0x[\da-f]+|\d+)$/i.test(value.text) ? Number(value.text) : undefined;
      return value && number !== undefined && (number < low || number > high) ? value : undefined;
    };
    const here = this.statementAt(insn);
    const found = here && wrong(here);
    if (found) return found;
    const all = (this.functionAt(insn)?.descendantsOfType('return_statement') ?? []).flatMap((node) => wrong(node) ?? []);
    return all.length === 1 ? all[0] : undefined;
  }
}

const isPowerOfTwo = (value: number): boolean => value > 0 && Number.isInteger(Math.log2(value));

function nameOf(declarator: Node): string | undefined {
  for (let at: Node | null = declarator; at; at = at.childForFieldName('declarator') ?? at.namedChild(0))
    if (at.type === 'identifier') return at.text;
  return undefined;
}

const declares = (declaration: Node, variable: string): boolean =>
  declaration.childrenForFieldName('declarator').some((one) => one !== null && nameOf(one) === variable);

/** The variable that a statement assigns or a declaration initialises. */
function assignedName(statement: Node): string | undefined {
  const inside = statement.type === 'declaration' ? statement.childForFieldName('declarator') : statement.namedChild(0);
  if (inside?.type === 'init_declarator') return nameOf(inside);
  if (inside?.type === 'assignment_expression') return inside.childForFieldName('left')?.text;
  return undefined;
}

/** The way out of `if (!name)`: there is nothing to give back there. */
function guardsNull(statement: Node, name: string): boolean {
  for (let at: Node | null = statement; at?.parent; at = at.parent) {
    const { parent } = at;
    if (parent.type !== 'if_statement' || parent.childForFieldName('consequence')?.id !== at.id) continue;
    const condition = parent.childForFieldName('condition')?.text.replace(/\s+/g, '') ?? '';
    if (condition === `(!${name})` || condition === `(${name}==NULL)`) return true;
  }
  return false;
}

const assigns = (statement: Node, expression: string): boolean => assignedName(statement) === expression;
