// Reads the old SEC("maps"): an array of struct bpf_map_def, without types. libbpf 1.0 refuses it; here it can still be run.

import { ByteReader } from '#core/bytes';
import { STT_SECTION, type ElfSection } from '#core/elf';
import { error, type Problem } from '#core/problem';
import { mapTypeName } from './map-facts.ts';
import type { PlacedMap } from './btf-maps.ts';
import type { ObjectFile } from './object-file.ts';

/** type, key_size, value_size, max_entries, map_flags; what follows in longer definitions was never one thing. */
const DEFINITION_SIZE = 20;

export function readLegacyMaps(object: ObjectFile, section: ElfSection): { maps: PlacedMap[]; problems: Problem[] } {
  const { elf } = object;
  const problems: Problem[] = [
    error(
      'legacy map definitions in SEC("maps") are not supported by libbpf since 1.0: write them in SEC(".maps") with __uint and __type',
      {
        code: 'maps-legacy',
        section: section.name,
      },
    ),
  ];
  const maps: PlacedMap[] = [];
  const symbols = elf.symbolsIn(section.index).filter(({ type }) => type !== STT_SECTION);
  symbols.forEach((symbol, i) => {
    const size = (symbols[i + 1]?.value ?? section.bytes.length) - symbol.value;
    if (symbol.value + Math.min(size, DEFINITION_SIZE) > section.bytes.length || size < DEFINITION_SIZE - 4) {
      problems.push(
        error(`map ${symbol.name} has a definition of ${Math.max(size, 0)} bytes; struct bpf_map_def has ${DEFINITION_SIZE}`, {
          code: 'map-definition',
          section: section.name,
        }),
      );
      return;
    }
    const reader = new ByteReader(section.bytes.subarray(symbol.value, symbol.value + size), elf.littleEndian);
    const [typeId, keySize, valueSize, maxEntries] = [reader.u32(), reader.u32(), reader.u32(), reader.u32()];
    const flags = size >= DEFINITION_SIZE ? reader.u32() : 0;
    maps.push({
      definition: { name: symbol.name, type: mapTypeName(typeId), typeId, keySize, valueSize, maxEntries, flags },
      section: section.index,
      offset: symbol.value,
      size,
    });
  });
  return { maps, problems };
}
