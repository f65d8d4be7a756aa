// Who keeps what alive: file descriptors, pins, links, devices, programs and maps hold programs, maps, links and BTF.
// Nothing is counted: the holders are listed, and what no holder reaches goes. A reference count is the length of the list.

export type ObjectKind = 'prog' | 'map' | 'link' | 'btf';

export interface ObjectRef {
  readonly kind: ObjectKind;
  readonly id: number;
}

/** One reference, as the kernel counts it. */
export interface Holding {
  readonly object: ObjectRef;
  readonly by:
    | { readonly kind: 'fd'; readonly pid: number; readonly comm: string; readonly fd: number }
    | { readonly kind: 'pin'; readonly path: string }
    | { readonly kind: 'device'; readonly name: string; readonly hook: string }
    | { readonly kind: 'object'; readonly object: ObjectRef };
}

export const refText = ({ kind, id }: ObjectRef): string => `${kind} ${id}`;

/** `fd 3 of hello-map (1201)`, `pin /sys/fs/bpf/hello`, `xdp on eth0`, `prog 4`. */
export function holderText({ by }: Holding): string {
  switch (by.kind) {
    case 'fd':
      return `fd ${by.fd} of ${by.comm} (${by.pid})`;
    case 'pin':
      return `pin ${by.path}`;
    case 'device':
      return `${by.hook} on ${by.name}`;
    case 'object':
      return refText(by.object);
  }
}

/** What is reached from file descriptors, pins and devices, through objects that are themselves reached. Cycles of objects keep nothing. */
export function reached(holdings: readonly Holding[]): ReadonlySet<string> {
  const held = new Map<string, ObjectRef[]>();
  const alive = new Set<string>();
  const pending: ObjectRef[] = [];
  for (const { object, by } of holdings) {
    if (by.kind !== 'object') pending.push(object);
    else {
      const list = held.get(refText(by.object));
      if (list) list.push(object);
      else held.set(refText(by.object), [object]);
    }
  }
  for (let next = pending.pop(); next; next = pending.pop()) {
    const text = refText(next);
    if (alive.has(text)) continue;
    alive.add(text);
    pending.push(...(held.get(text) ?? []));
  }
  return alive;
}

const isSame = (a: Holding, b: Holding): boolean => refText(a.object) === refText(b.object) && holderText(a) === holderText(b);

/** What would go if this one reference went. */
export function wouldGo(holdings: readonly Holding[], without: Holding): readonly string[] {
  const before = reached(holdings);
  const after = reached(holdings.filter((one) => !isSame(one, without)));
  return [...before].filter((text) => !after.has(text));
}
