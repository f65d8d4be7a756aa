// A whole BTF as one C header, in an order a compiler accepts: what `bpftool btf dump format c` makes.
// Functions are left out but for kfuncs, which programs may call.

import { declarationOf, definitionOf, type PrintOptions } from './print-c.ts';
import type { Btf, BtfEnum, BtfType } from './types.ts';

/** Names that a C compiler has built in, or that make no sense in the BPF target. */
const BUILT_IN = new Set(['__builtin_va_list', '__int128', '__Int8x8_t']);
const MAX_DEPTH = 256;

/** `vmlinux.h` for this kernel. Types of one name are told apart by `___2`, `___3` behind it, so that CO-RE finds them all. */
export function printVmlinuxHeader(btf: Btf): string {
  return new HeaderPrinter(btf).print();
}

const isComposite = (type: BtfType): boolean => type.kind === 'struct' || type.kind === 'union';

class HeaderPrinter {
  private readonly out: string[] = [];
  private readonly names = new Map<number, string>();
  private readonly done = new Set<number>();
  private readonly usedEnumerators = new Set<string>();
  private readonly enumerators = new Map<number, Map<string, string>>();
  private readonly options: PrintOptions = {
    tags: 'none',
    nameOf: (type) => this.names.get(type.id) ?? type.name,
    enumeratorName: (type, name) => this.enumeratorName(type, name),
  };

  constructor(private readonly btf: Btf) {}

  print(): string {
    const { btf, out } = this;
    out.push('#ifndef __VMLINUX_H__', '#define __VMLINUX_H__', '');
    out.push(
      '#ifndef BPF_NO_PRESERVE_ACCESS_INDEX',
      '#pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)',
      '#endif',
      '',
    );
    out.push(
      '#ifndef __ksym',
      '#define __ksym __attribute__((section(".ksyms")))',
      '#endif',
      '#ifndef __weak',
      '#define __weak __attribute__((weak))',
      '#endif',
    );
    out.push(
      '#ifndef __bpf_fastcall',
      '#if __has_attribute(bpf_fastcall)',
      '#define __bpf_fastcall __attribute__((bpf_fastcall))',
      '#else',
      '#define __bpf_fastcall',
      '#endif',
      '#endif',
      '',
    );
    this.nameEverything();
    // Every struct is announced first: then pointers to it mean the same type everywhere.
    for (let id = 1; id < btf.typeCount; id++) {
      const type = btf.type(id);
      if (!type || type.name === '') continue;
      if (isComposite(type)) out.push(`${type.kind} ${this.options.nameOf!(type)};`);
      else if (type.kind === 'fwd' && this.names.has(id)) out.push(`${type.of} ${this.options.nameOf!(type)};`);
    }
    out.push('');
    for (let id = 1; id < btf.typeCount; id++) {
      const type = btf.type(id);
      if ((type?.kind === 'enum' || type?.kind === 'enum64') && type.enumerators.length > 0 && (type.name !== '' || this.standsAlone(id)))
        out.push(definitionOf(btf, id, this.options), '');
    }
    for (let id = 1; id < btf.typeCount; id++) {
      const kind = btf.kind(id);
      if (kind === 'typedef' || ((kind === 'struct' || kind === 'union') && btf.type(id)!.name !== '')) this.define(id, 0);
    }
    this.kfuncs();
    out.push('#ifndef BPF_NO_PRESERVE_ACCESS_INDEX', '#pragma clang attribute pop', '#endif', '', '#endif /* __VMLINUX_H__ */', '');
    return out.join('\n');
  }

  /** Struct tags, typedefs and enumerators share no name space in C, but several types of the kernel share one name. */
  private nameEverything(): void {
    const tags = new Map<string, number>();
    const ordinary = new Map<string, number>();
    const { btf } = this;
    for (let id = 1; id < btf.typeCount; id++) {
      const kind = btf.kind(id);
      const space =
        kind === 'struct' || kind === 'union' || kind === 'enum' || kind === 'enum64' ? tags : kind === 'typedef' ? ordinary : undefined;
      if (!space) continue;
      const { name } = btf.type(id)!;
      if (name === '') continue;
      const before = space.get(name) ?? 0;
      space.set(name, before + 1);
      this.names.set(id, before === 0 ? name : `${name}___${before + 1}`);
    }
    for (let id = 1; id < btf.typeCount; id++) {
      if (btf.kind(id) !== 'fwd') continue;
      const { name } = btf.type(id)!;
      if (!tags.has(name)) {
        this.names.set(id, name);
        tags.set(name, 1);
      }
    }
    for (const name of ordinary.keys()) this.usedEnumerators.add(name);
  }

  private anonymousInside: Set<number> | undefined;

  /** An anonymous enum that no struct or typedef writes out itself: its constants would be lost. */
  private standsAlone(id: number): boolean {
    if (!this.anonymousInside) {
      this.anonymousInside = new Set();
      const { btf } = this;
      for (let i = 1; i < btf.typeCount; i++) {
        const type = btf.type(i)!;
        if (type.kind === 'struct' || type.kind === 'union') for (const member of type.members) this.anonymousInside.add(member.type);
        else if (
          type.kind === 'typedef' ||
          type.kind === 'array' ||
          type.kind === 'ptr' ||
          type.kind === 'const' ||
          type.kind === 'volatile' ||
          type.kind === 'func_proto'
        )
          this.anonymousInside.add(type.type);
        if (type.kind === 'func_proto') for (const parameter of type.parameters) this.anonymousInside.add(parameter.type);
      }
    }
    return !this.anonymousInside.has(id);
  }

  private enumeratorName(type: BtfEnum, name: string): string {
    let own = this.enumerators.get(type.id);
    if (!own) this.enumerators.set(type.id, (own = new Map()));
    let given = own.get(name);
    if (given === undefined) {
      given = name;
      for (let i = 2; this.usedEnumerators.has(given); i++) given = `${name}___${i}`;
      this.usedEnumerators.add(given);
      own.set(name, given);
    }
    return given;
  }

  /** Defines a named struct or a typedef, after everything that it needs. */
  private define(id: number, depth: number): void {
    if (this.done.has(id) || depth > MAX_DEPTH) return;
    this.done.add(id);
    const type = this.btf.type(id);
    if (!type) return;
    if (type.kind === 'typedef') {
      if (BUILT_IN.has(type.name)) return;
      this.need(type.type, false, depth + 1);
    } else if (type.kind === 'struct' || type.kind === 'union') for (const member of type.members) this.need(member.type, true, depth + 1);
    else return;
    this.out.push(definitionOf(this.btf, id, this.options), '');
  }

  /** Makes sure that what a declaration says is known: whole where it is embedded, by name where it is pointed at. */
  private need(id: number, whole: boolean, depth: number): void {
    if (depth > MAX_DEPTH) return;
    const type = this.btf.type(id);
    switch (type?.kind) {
      case 'typedef':
        this.define(id, depth + 1);
        // Printed as what stands behind it.
        if (type.name === '__builtin_va_list') this.need(type.type, true, depth + 1);
        if (whole) this.need(type.type, true, depth + 1);
        break;
      case 'struct':
      case 'union':
        if (type.name === '') for (const member of type.members) this.need(member.type, true, depth + 1);
        else if (whole) this.define(id, depth + 1);
        break;
      case 'const':
      case 'volatile':
      case 'restrict':
      case 'type_tag':
        this.need(type.type, whole, depth + 1);
        break;
      case 'array':
        this.need(type.type, true, depth + 1);
        break;
      case 'ptr':
        this.need(type.type, false, depth + 1);
        break;
      case 'func_proto':
        this.need(type.type, false, depth + 1);
        for (const parameter of type.parameters) this.need(parameter.type, false, depth + 1);
        break;
      default:
        break;
    }
  }

  private kfuncs(): void {
    const { btf } = this;
    const lines: string[] = [];
    for (let id = 1; id < btf.typeCount; id++) {
      if (btf.kind(id) !== 'decl_tag') continue;
      const tag = btf.type(id)!;
      if (tag.name !== 'bpf_kfunc' || tag.kind !== 'decl_tag') continue;
      const func = btf.type(tag.type);
      if (func?.kind !== 'func') continue;
      const fast = btf.declTags(func.id).some(({ name }) => name === 'bpf_fastcall');
      const proto = btf.type(func.type);
      if (proto?.kind === 'func_proto') {
        this.need(proto.type, false, 0);
        for (const parameter of proto.parameters) this.need(parameter.type, false, 0);
      }
      lines.push(`extern ${fast ? '__bpf_fastcall ' : ''}${declarationOf(btf, func.type, func.name, this.options)} __weak __ksym;`);
    }
    if (lines.length > 0) this.out.push('#ifndef BPF_NO_KFUNC_PROTOTYPES', ...lines, '#endif', '');
  }
}
