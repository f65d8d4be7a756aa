// Reads SEC(".struct_ops") and SEC(".struct_ops.link"): each variable is a map that hands the kernel a table of programs.

import { essentialLength, resolve, sizeOf, type BtfComposite } from '#core/btf';
import { STT_FUNC, type ElfSection } from '#core/elf';
import { error, type Problem } from '#core/problem';
import { BPF_F_LINK, MAP_TYPE_STRUCT_OPS } from './map-facts.ts';
import { relocationsIn } from './relocations.ts';
import { isStructOpsSection, type ObjectFile } from './object-file.ts';
import type { PlacedMap } from './btf-maps.ts';
import { hasOlderLoader } from './loader-age.ts';
import type { LoadOptions, MapDefinition } from './types.ts';

export function readStructOps(object: ObjectFile, options: LoadOptions): { maps: PlacedMap[]; problems: Problem[] } {
  const maps: PlacedMap[] = [];
  const problems: Problem[] = [];
  for (const section of object.elf.sections) {
    if (!isStructOpsSection(section.name) || section.size === 0) continue;
    if (section.name.endsWith('.link') && hasOlderLoader(options.kernelVersion)) continue;
    const { btf } = object;
    const datasecId = btf?.find(section.name, 'datasec');
    const datasec = btf && datasecId !== undefined ? btf.type(datasecId) : undefined;
    if (!btf || datasec?.kind !== 'datasec') {
      problems.push(
        error(`section ${section.name} has no BTF that describes it: compile with -g`, { code: 'struct-ops-btf', section: section.name }),
      );
      continue;
    }
    for (const { type: id, offset, size } of datasec.variables) {
      const variable = btf.type(id);
      const type = variable?.kind === 'var' ? resolve(btf, variable.type) : undefined;
      if (variable?.kind !== 'var' || type?.kind !== 'struct') {
        problems.push(
          error(`${variable?.name || `type ${id}`} in ${section.name} is no struct variable`, {
            code: 'struct-ops-type',
            section: section.name,
          }),
        );
        continue;
      }
      const bytes = size || type.size;
      if (offset + bytes > section.bytes.length) {
        problems.push(
          error(`${variable.name} (${bytes} bytes at ${offset}) reaches behind the end of ${section.name}`, {
            code: 'struct-ops-size',
            section: section.name,
          }),
        );
        continue;
      }
      const definition = structOpsMap(object, section, variable.name, type, offset, options, problems);
      maps.push({ definition, section: section.index, offset, size: bytes });
    }
  }
  return { maps, problems };
}

function structOpsMap(
  object: ObjectFile,
  section: ElfSection,
  name: string,
  type: BtfComposite,
  offset: number,
  options: LoadOptions,
  problems: Problem[],
): MapDefinition {
  const programs: { member: string; program: string }[] = [];
  const members = new Map(type.members.toReversed().map((member) => [member.bitOffset, member]));
  for (const relocation of relocationsIn(object.elf.relocations(section.index), offset, offset + type.size)) {
    const member = members.get((relocation.offset - offset) * 8);
    if (!member || relocation.symbol.type !== STT_FUNC) {
      problems.push(
        error(
          `${name}: a relocation at byte ${relocation.offset - offset} puts ${relocation.symbol.name || 'something'} where no function pointer is`,
          { code: 'struct-ops-relocation', section: section.name },
        ),
      );
      continue;
    }
    programs.push({ member: member.name, program: relocation.symbol.name });
  }
  const kernelName = type.name.slice(0, essentialLength(type.name));
  return {
    name,
    type: 'struct_ops',
    typeId: MAP_TYPE_STRUCT_OPS,
    keySize: 4,
    valueSize: kernelValueSize(kernelName, type, options, (message) =>
      problems.push(error(`${name}: ${message}`, { code: 'struct-ops-kernel', section: section.name })),
    ),
    maxEntries: 1,
    flags: section.name.endsWith('.link') ? BPF_F_LINK : 0,
    initial: new Uint8Array(section.bytes.subarray(offset, offset + type.size)),
    valueTypeId: type.id,
    autocreate: !section.name.startsWith('?'),
    structOps: { type: type.name, typeId: type.id, programs },
  };
}

/** The kernel wraps the struct into one of its own, with a reference count in front. Without its BTF the object's size stands. */
function kernelValueSize(kernelName: string, type: BtfComposite, options: LoadOptions, fail: (message: string) => void): number {
  const { kernelBtf } = options;
  if (!kernelBtf) return type.size;
  const wrapper = kernelBtf.find(`bpf_struct_ops_${kernelName}`, 'struct');
  const size = wrapper === undefined ? undefined : sizeOf(kernelBtf, wrapper);
  if (size === undefined) {
    fail(`the target kernel takes no struct_ops of type ${kernelName}: its BTF has no struct bpf_struct_ops_${kernelName}`);
    return type.size;
  }
  return size;
}
