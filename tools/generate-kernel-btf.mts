// Makes the files of toolchain/kernel: all types of the kernels whose verdict can be asked for, so that a program is loaded and verified
// for its target kernel on every machine. One file may hold several kernels, one BTF after the other: what they have in common is then
// stored once. With --compact the parameters of ordinary functions lose their names, which nothing here reads, and prototypes that then
// are the same become one.
// usage: npx tsx tools/generate-kernel-btf.mts [--compact] [--output FILE] [VERSION=VMLINUX_BTF]…
//   the default is 6.18=/sys/kernel/btf/vmlinux; the older ones were read in the machines that ../shared/kernels boots:
//   npx tsx tools/generate-kernel-btf.mts --compact 6.12=FILE 6.1=FILE

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { brotliCompressSync, constants } from 'node:zlib';
import { readBtf, writeBtf, type Btf, type BtfType } from '../core/src/btf/index.ts';
import { kfuncByName } from '../core/src/catalog/kfuncs.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { output: { type: 'string' }, compact: { type: 'boolean', default: false } },
});
const kernels = (positionals.length > 0 ? positionals : ['6.18=/sys/kernel/btf/vmlinux']).map((argument) => {
  const [version, file] = argument.split('=');
  const source = readFileSync(file!);
  const { btf, problems } = readBtf(source);
  if (!btf) throw new Error(problems[0]?.message);
  return { version: version!, source: createHash('sha256').update(source).digest('hex'), bytes: values.compact ? compact(btf) : source };
});
const bytes = Buffer.concat(kernels.map((kernel) => kernel.bytes));
const packed = brotliCompressSync(bytes, {
  params: {
    [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
    [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
    [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
  },
});
const name = `linux-${kernels.map(({ version }) => version).join('-')}.btf.br`;
const output = values.output ?? path.resolve(import.meta.dirname ?? '.', '../toolchain/kernel', name);
mkdirSync(path.dirname(output), { recursive: true });
writeFileSync(output, packed);
// Beside it, what it was made by and from: a test makes it again where the same kernel runs.
const made = {
  generator: 'tools/generate-kernel-btf.mts',
  compact: values.compact,
  kernels: kernels.map(({ version, source }) => ({ version, source })),
};
writeFileSync(`${output}.json`, `${JSON.stringify(made, null, 2)}\n`);
process.stdout.write(`${output}: ${packed.length} bytes for ${bytes.length}\n`);

/** Names of parameters say something to the verifier in kfuncs, in stubs of struct_ops and wherever they end in `__suffix`. */
function namesMatter(name: string, parameters: readonly { name: string }[]): boolean {
  return (
    kfuncByName(name) !== undefined ||
    (name.startsWith('bpf_') && !name.startsWith('bpf_lsm_')) ||
    name.includes('__bpf') ||
    parameters.some((parameter) => /\w__[a-z]/.test(parameter.name))
  );
}

function compact(kernel: Btf): Uint8Array {
  const plain = new Set<number>();
  const named = new Set<number>();
  for (let id = 1; id < kernel.typeCount; id++) {
    const type = kernel.type(id)!;
    if (type.kind === 'func_proto') plain.add(id);
    if (type.kind !== 'func') continue;
    const prototype = kernel.type(type.type);
    if (prototype?.kind === 'func_proto' && namesMatter(type.name, prototype.parameters)) named.add(type.type);
  }
  const same = new Map<string, number>();
  const replacedBy = new Map<number, number>();
  for (const id of plain) {
    const type = kernel.type(id)!;
    if (type.kind !== 'func_proto' || named.has(id)) continue;
    const key = [type.type, ...type.parameters.map((parameter) => parameter.type)].join(' ');
    const first = same.get(key);
    if (first === undefined) same.set(key, id);
    else replacedBy.set(id, first);
  }
  const ids = new Map<number, number>([[0, 0]]);
  for (let id = 1; id < kernel.typeCount; id++) if (!replacedBy.has(id)) ids.set(id, ids.size);
  const to = (id: number): number => ids.get(replacedBy.get(id) ?? id)!;
  const types: BtfType[] = [];
  for (let id = 1; id < kernel.typeCount; id++) {
    if (replacedBy.has(id)) continue;
    const type = kernel.type(id)!;
    switch (type.kind) {
      case 'array':
        types.push({ ...type, type: to(type.type), indexType: to(type.indexType) });
        break;
      case 'struct':
      case 'union':
        types.push({ ...type, members: type.members.map((member) => ({ ...member, type: to(member.type) })) });
        break;
      case 'datasec':
        types.push({ ...type, variables: type.variables.map((variable) => ({ ...variable, type: to(variable.type) })) });
        break;
      case 'func_proto':
        types.push({
          ...type,
          type: to(type.type),
          parameters: type.parameters.map((parameter) => ({
            ...parameter,
            type: to(parameter.type),
            ...(named.has(id) ? {} : { name: '' }),
          })),
        });
        break;
      case 'ptr':
      case 'typedef':
      case 'const':
      case 'volatile':
      case 'restrict':
      case 'type_tag':
      case 'func':
      case 'var':
      case 'decl_tag':
        types.push({ ...type, type: to(type.type) });
        break;
      default:
        types.push(type);
    }
  }
  return writeBtf(types);
}
