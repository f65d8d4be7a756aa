// BPF's C is full of macros that no C grammar knows: SEC("…"), __uint(type, …), __always_inline. This finds them in the text
// and makes a text of the same length without them, so that every offset of the one is an offset of the other.

export interface SectionMacro {
  /** Offsets of the whole SEC("…"). */
  start: number;
  end: number;
  /** Offsets of what stands between the quotes. */
  nameStart: number;
  nameEnd: number;
  name: string;
}

/** `__uint(max_entries, 1024)` in a map definition. */
export interface MapMember {
  macro: '__uint' | '__type' | '__array' | '__ulong';
  start: number;
  end: number;
  key: string;
  keyStart: number;
  value: string;
  valueStart: number;
}

export interface MacroScan {
  /** As long as the text, with the same line breaks. */
  masked: string;
  sections: readonly SectionMacro[];
  members: readonly MapMember[];
}

const TOKEN = /\/\/[^\n]*|\/\*[^]*?(?:\*\/|$)|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?|[A-Za-z_]\w*/g;
const SECTION = /\s*\(\s*"([^"\n]*)"?[ \t]*\)?/y;
const ATTRIBUTES = new Set([
  '__always_inline',
  '__noinline',
  '__weak',
  '__hidden',
  '__ksym',
  '__kconfig',
  '__kptr',
  '__kptr_untrusted',
  '__percpu_kptr',
  '__uptr',
  '__bpf_fastcall',
  '__arg_ctx',
  '__arg_nonnull',
  '__arg_nullable',
  '__arg_trusted',
  '__arg_untrusted',
  '__arg_arena',
  '__arena',
  '__arena_global',
  '__contains',
  '__naked',
  '__used',
  '__maybe_unused',
  '__packed',
  '__unused',
]);
const MEMBERS: ReadonlySet<string> = new Set(['__uint', '__type', '__array', '__ulong']);

export function scanMacros(text: string): MacroScan {
  const sections: SectionMacro[] = [];
  const members: MapMember[] = [];
  const masks: { start: number; end: number; instead: string }[] = [];
  TOKEN.lastIndex = 0;
  for (let token = TOKEN.exec(text); token; token = TOKEN.exec(text)) {
    const word = token[0];
    const start = token.index;
    let end = start + word.length;
    if (word === 'SEC') {
      SECTION.lastIndex = end;
      const match = SECTION.exec(text);
      if (!match) continue;
      const nameStart = end + match[0].indexOf('"') + 1;
      end += match[0].length;
      sections.push({ start, end, nameStart, nameEnd: nameStart + match[1]!.length, name: match[1]! });
      masks.push({ start, end, instead: '' });
    } else if (ATTRIBUTES.has(word)) {
      if (word === '__contains') end = closing(text, end);
      masks.push({ start, end, instead: '' });
    } else if (word === '__attribute__') {
      end = closing(text, end);
      masks.push({ start, end, instead: '' });
    } else if (MEMBERS.has(word)) {
      const close = closing(text, end);
      if (close === end) continue;
      const open = text.indexOf('(', end);
      const inside = text.slice(open + 1, text[close - 1] === ')' ? close - 1 : close);
      const comma = inside.indexOf(',');
      const key = (comma < 0 ? inside : inside.slice(0, comma)).trim();
      const rest = comma < 0 ? '' : inside.slice(comma + 1);
      members.push({
        macro: word as MapMember['macro'],
        start,
        end: close,
        key,
        keyStart: open + 1 + (inside.length - inside.trimStart().length),
        value: rest.trim(),
        valueStart: comma < 0 ? close : open + 2 + comma + (rest.length - rest.trimStart().length),
      });
      end = close;
      masks.push({ start, end, instead: 'int x' });
    } else continue;
    TOKEN.lastIndex = end;
  }

  let masked = '';
  let at = 0;
  for (const { start, end, instead } of masks) {
    masked += text.slice(at, start) + instead + text.slice(start + instead.length, end).replace(/[^\r\n]/g, ' ');
    at = end;
  }
  return { masked: masked + text.slice(at), sections, members };
}

/**
 * Behind the bracket that closes the one that opens next; the same offset where none opens. A list that is being typed must not
 * swallow the rest of the file: it ends at the first semicolon or brace that cannot be inside it.
 */
function closing(text: string, from: number): number {
  let at = from;
  while (text[at] === ' ' || text[at] === '\t') at++;
  if (text[at] !== '(') return from;
  let round = 0;
  let curly = 0;
  let braceAt: number | undefined;
  for (; at < text.length; at++) {
    switch (text[at]) {
      case '(':
        round++;
        break;
      case ')':
        if (--round === 0 && curly === 0) return at + 1;
        // A bracket too many inside of braces: these braces are not the list's.
        if (round === 0) return braceAt ?? at;
        break;
      case '{':
        braceAt ??= at;
        curly++;
        break;
      case '}':
        if (--curly < 0) return at;
        break;
      case ';':
        if (curly === 0) return at;
        break;
    }
  }
  return braceAt ?? at;
}
