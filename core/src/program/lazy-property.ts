// Properties whose value is made when it is first read, for what few readers of an object want.
// All objects share one getter for a name: with one of its own, each would have a hidden class of its own in V8, and such classes
// keep what their getters reach (a whole object file) alive until the next full garbage collection.

const made = new WeakMap<object, Map<string, { make?: () => unknown; value?: unknown }>>();
const descriptors = new Map<string, PropertyDescriptor & ThisType<object>>();

/** Enumerable, so that copies and comparisons see it: those read it. */
export function defineLazy<Target extends object, Name extends string, Value>(
  target: Target,
  name: Name,
  make: () => Value,
): Target & { readonly [Key in Name]: Value } {
  let properties = made.get(target);
  if (!properties) made.set(target, (properties = new Map()));
  properties.set(name, { make });
  let descriptor = descriptors.get(name);
  if (!descriptor) {
    const get = function (this: object): unknown {
      const property = made.get(this)?.get(name);
      if (property?.make) {
        property.value = property.make();
        delete property.make;
      }
      return property?.value;
    };
    descriptors.set(name, (descriptor = { configurable: true, enumerable: true, get }));
  }
  return Object.defineProperty(target, name, descriptor) as Target & { readonly [Key in Name]: Value };
}
