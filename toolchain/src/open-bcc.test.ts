import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { formatProblem } from '#core/problem';
import { verify } from '#core/verifier';
import { missing } from '#test/requirements';
import { findCompiler } from './find-compiler.ts';
import { readTargetKernel, verifierFacts } from './kernel-btf.ts';
import { openProgram } from './open-program.ts';

const search = await findCompiler();
const compiler = search.compiler ?? missing('clang', search.problems[0]!.message);

describe.skipIf(!compiler)('a BCC script', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'open-bcc-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const open = async (text: string) => {
    const file = path.join(folder, 'script.py');
    await writeFile(file, text);
    return { file, ...(await openProgram(file)) };
  };
  const script = (c: string, python = '') => `from bcc import BPF\n\ntext = r"""\n${c}\n"""\nb = BPF(text=text)\n${python}\n`;

  test('errors of clang stand in the script, at line and column', async () => {
    const { file, problems } = await open(script('BPF_HASH(t);\nint kprobe__f(void *ctx) {\n    u64 k = 0; t.lookup(&k); return nope;\n}'));
    expect(problems.filter(({ severity }) => severity === 'error').map(formatProblem)).toEqual([
      `${file}:6:37: error: use of undeclared identifier 'nope'`,
    ]);
  });

  test("BCC's own errors too", async () => {
    const { file, problems } = await open(
      script(
        'int helper(int x) { return x; }\nint kprobe__f(void *ctx) { return helper(1); }\nBPF_HASH(t);\nint kprobe__g(void *ctx) { t.nope(); return 0; }',
      ),
    );
    expect(problems.map(formatProblem)).toEqual([
      `${file}:4:5: error: cannot call non-static helper function helper: write "static" in front of it`,
      `${file}:7:30: error: a table has no method nope`,
    ]);
  });

  test('kernel memory is read by a helper, and the verifier accepts it', async () => {
    const { object, problems } = await open(
      script(
        'BPF_HASH(seen, u32, struct sock *);\nint kprobe__tcp_v4_connect(struct pt_regs *ctx, struct sock *sk) {\n' +
          '  u32 pid = bpf_get_current_pid_tgid(); seen.update(&pid, &sk); return 0; }\n' +
          'int kretprobe__tcp_v4_connect(struct pt_regs *ctx) { u32 pid = bpf_get_current_pid_tgid();\n' +
          '  struct sock **skp = seen.lookup(&pid); if (!skp) return 0; struct sock *sk = *skp;\n' +
          '  bpf_trace_printk("%d %d", sk->__sk_common.skc_dport, (*skp)->sk_socket->file->f_flags); return 0; }',
      ),
    );
    expect(problems.map(formatProblem)).toEqual([]);
    const facts = verifierFacts(readTargetKernel());
    expect(object!.programs.map((program) => `${program.section} ${verify(program, object!, facts).verdict}`)).toEqual([
      'kprobe/tcp_v4_connect accepted',
      'kretprobe/tcp_v4_connect accepted',
    ]);
  });

  test('a template is filled as the script does without arguments', async () => {
    const { object, problems } = await open(
      'from bcc import BPF\nimport argparse\nparser = argparse.ArgumentParser()\nparser.add_argument("-p", "--pid")\nargs = parser.parse_args()\n' +
        'text = """\nint hello(struct pt_regs *ctx) {\n    u32 pid = bpf_get_current_pid_tgid() >> 32;\n    FILTER\n    bpf_trace_printk("%d\\\\n", pid);\n    return 0;\n}\n"""\n' +
        'if args.pid:\n    text = text.replace("FILTER", "if (pid != %s) { return 0; }" % args.pid)\nelse:\n    text = text.replace("FILTER", "")\n' +
        'b = BPF(text=text)\nb.attach_kprobe(event="do_exit", fn_name="hello")\n',
    );
    expect(problems.map(formatProblem)).toEqual([]);
    expect(object!.programs.map(({ section }) => section)).toEqual(['kprobe/do_exit']);
    expect(object!.programs[0]!.lines.map(({ line }) => line)).toContain(10);
  });

  test('a marker that only a run fills is said once, where it stands', async () => {
    const { file, object, problems } = await open(
      'from bcc import BPF\nimport sys\ntext = """\nint kprobe__do_exit(void *ctx) {\n    u64 limit = LIMIT;\n    FILTER\n    return limit > LIMIT;\n}\n"""\n' +
        'text = text.replace("LIMIT", sys.argv[1]).replace("FILTER", sys.argv[2])\nb = BPF(text=text)\n',
    );
    expect(problems.map(formatProblem)).toEqual([
      `${file}:5:17: warning: only a run of the script says what replaces LIMIT; 0 is read in its place, so the verdict is that of a template`,
      `${file}:6:5: warning: only a run of the script says what replaces FILTER; it is left out, so the verdict is that of a template`,
    ]);
    expect(object!.programs).toHaveLength(1);
  });

  test('a function has every place that the script attaches it to', async () => {
    const { object, problems } = await open(
      script(
        'int hello(void *ctx) { return 0; }\nint packet(struct xdp_md *ctx) { return XDP_PASS; }\nint other(void *ctx) { return 0; }',
        'fn = b.load_func("packet", BPF.XDP)\nb.attach_xdp("eth0", fn, 0)\nb.load_func("hello", BPF.KPROBE)\nfor name in ["do_exit", "vfs_read"]:\n    b.attach_kprobe(event=name, fn_name="hello")\n' +
          'b.attach_kretprobe(event="vfs_read", fn_name="hello")\nb.attach_kprobe(event="vfs_read", fn_name="hello")\n' +
          'b.attach_kprobe(event="vfs_open", fn_name="other")\nb.attach_tracepoint(tp="sched:sched_switch", fn_name="other")\n',
      ),
    );
    expect(object!.programs.map(({ name, section, attachTarget }) => [name, section, attachTarget]).sort()).toEqual([
      ['hello', 'kprobe/do_exit', 'do_exit'],
      ['hello', 'kprobe/vfs_read', 'vfs_read'],
      ['hello', 'kretprobe/vfs_read', 'vfs_read'],
      ['other', 'kprobe/vfs_open', 'vfs_open'],
      ['packet', 'xdp', undefined],
    ]);
    expect(problems.map(({ message }) => message)).toEqual([
      'other is loaded for kprobe/vfs_open already; the kernel does not attach it to tp/sched/sched_switch too',
    ]);
  });
});
