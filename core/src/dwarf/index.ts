// DWARF 4 and 5: what a debugger needs to know about the source. Reads debug sections; knows no program, no map and no machine.

export {
  readDwarf,
  readDwarfSections,
  type Dwarf,
  type DwarfFrame,
  type DwarfFrameVariables,
  type DwarfFunction,
  type DwarfResult,
  type DwarfVariable,
  type SourcePosition,
} from './dwarf.ts';
export { type CMember, type CParameter, type CType } from './c-types.ts';
export { type Expression, type ExpressionMachine, type Location } from './expression.ts';
export { describeLocation } from './location-text.ts';
export { dwarfInput, type DwarfInput, type SectionAddress } from './input.ts';
export { type LineRow } from './line-program.ts';
