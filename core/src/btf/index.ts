// BTF: types as the compiler and the kernel describe them.

/** A parsed BTF blob; the room's owner gives it its members. */
export interface Btf {
  readonly typeCount: number;
}
