// Facts about the kernel as tables. Knows no program: readers ask by name or by id.

export * from './types.ts';
