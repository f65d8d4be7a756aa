// Where a value came from, read back along the path that a log shows. Each case is a log in short: the lines, the refusal, the causes.
import { expect, it } from 'vitest';
import { readVerifierLogs } from './index.ts';

interface Case {
  name: string;
  lines: string[];
  said: string;
  causes: string[];
}

const CASES: Case[] = [
  {
    name: 'a load, a mask, an addition to a pointer',
    lines: [
      '0: R1=ctx() R10=fp0',
      '0: (61) r2 = *(u32 *)(r1 +16)         ; R2=scalar()',
      '1: (57) r2 &= 255                     ; R2=scalar(umax=255)',
      '2: (0f) r0 += r2                      ; R0=map_value(map=m,ks=4,vs=16,umax=255) R2=scalar(umax=255)',
      '3: (71) r3 = *(u8 *)(r0 +0)',
    ],
    said: 'R0 max value is outside of the allowed memory range',
    causes: ['0 it was loaded here', '2 it was computed here'],
  },
  {
    name: 'a spill and a fill',
    lines: [
      '0: (85) call bpf_map_lookup_elem#1    ; R0=map_value_or_null(id=1,map=m,ks=4,vs=8)',
      '1: (7b) *(u64 *)(r10 -16) = r0        ; R0=map_value_or_null(id=1) R10=fp0 fp-16=map_value_or_null(id=1)',
      '2: (b7) r0 = 0                        ; R0=0',
      '3: (79) r6 = *(u64 *)(r10 -16)        ; R6=map_value_or_null(id=1) R10=fp0',
      '4: (79) r1 = *(u64 *)(r6 +0)',
    ],
    said: "R6 invalid mem access 'map_value_or_null'",
    causes: ['0 bpf_map_lookup_elem() may return NULL here'],
  },
  {
    name: 'what a call leaves without a value',
    lines: [
      '0: (bf) r6 = r1                       ; R1=ctx() R6=ctx()',
      '1: (85) call bpf_get_prandom_u32#7    ; R0=scalar()',
      '2: (61) r2 = *(u32 *)(r1 +0)',
    ],
    said: 'R1 !read_ok',
    causes: ['1 the call of bpf_get_prandom_u32() left it without a value here'],
  },
  {
    name: 'a comparison of a copy',
    lines: [
      '0: (61) r1 = *(u32 *)(r6 +16)         ; R1=scalar(id=1)',
      '1: (bf) r2 = r1                       ; R1=scalar(id=1) R2=scalar(id=1)',
      '2: (25) if r2 > 0x40 goto pc+9        ; R1=scalar(id=1,umax=64) R2=scalar(id=1,umax=64)',
      '3: (85) call bpf_perf_event_output#25',
    ],
    said: "R1 min value is negative, either use unsigned or 'var &= const'",
    causes: ['0 it was loaded here', '2 this comparison limited it last'],
  },
  {
    name: 'only the branch that was taken: a path of level 2 that was found safe says nothing',
    lines: [
      '0: (61) r2 = *(u32 *)(r1 +16)         ; R2=scalar()',
      '1: (15) if r2 == 0x0 goto pc+3        ; R2=scalar()',
      '2: (b7) r0 = 7                        ; R0=7',
      '3: (95) exit',
      '',
      'from 1 to 5: R1=ctx() R2=0 R10=fp0',
      '5: (95) exit',
    ],
    said: 'R0 !read_ok',
    causes: [],
  },
  {
    name: "a value from a caller's register",
    lines: [
      '0: (b7) r1 = 0                        ; R1=0',
      '1: (85) call pc+2',
      'caller:',
      ' R10=fp0',
      'callee:',
      ' frame1: R1=0 R10=fp0',
      '4: (79) r0 = *(u64 *)(r1 +0)',
    ],
    said: "R1 invalid mem access 'scalar'",
    causes: ['0 it got its value here'],
  },
  {
    name: 'a reference that nobody released',
    lines: [
      '0: (85) call bpf_sk_lookup_tcp#84     ; R0=sock_or_null(id=2,ref_obj_id=2) refs=2',
      '1: (b7) r0 = 0                        ; R0=0 refs=2',
      '2: (95) exit',
    ],
    said: 'Unreleased reference id=2 alloc_insn=0',
    causes: ['0 bpf_sk_lookup_tcp() acquired it here'],
  },
  {
    name: 'a pointer that a call took back',
    lines: [
      '0: (85) call bpf_sk_lookup_tcp#84     ; R0=sock_or_null(id=2,ref_obj_id=2) refs=2',
      '1: (15) if r0 == 0x0 goto pc+9        ; R0=sock(ref_obj_id=2) refs=2',
      '2: (bf) r6 = r0                       ; R0=sock(ref_obj_id=2) R6=sock(ref_obj_id=2) refs=2',
      '3: (bf) r1 = r0                       ; R1=sock(ref_obj_id=2) refs=2',
      '4: (85) call bpf_sk_release#86        ; R0=scalar() R6=scalar()',
      '5: (61) r0 = *(u32 *)(r6 +4)',
    ],
    said: "R6 invalid mem access 'scalar'",
    causes: [
      '0 bpf_sk_lookup_tcp() returned it here',
      '1 this comparison leaves it not NULL',
      "4 bpf_sk_release() ends the pointer's life: from here on it is only a number",
    ],
  },
  {
    name: 'a pointer with its NULL check',
    lines: [
      '0: (85) call bpf_map_lookup_elem#1    ; R0=map_value_or_null(id=1,map=m,ks=4,vs=8)',
      '1: (15) if r0 == 0x0 goto pc+9        ; R0=map_value(map=m,ks=4,vs=8)',
      '2: (79) r1 = *(u64 *)(r0 +8)',
    ],
    said: 'R0 min value is outside of the allowed memory range',
    causes: ['0 bpf_map_lookup_elem() returned it here', '1 this comparison leaves it not NULL'],
  },
  {
    name: 'a lock that is still held',
    lines: [
      '0: (85) call bpf_spin_lock#93         ; R6=map_value(map=m)',
      '1: (85) call bpf_spin_unlock#94       ; R6=map_value(map=m)',
      '2: (85) call bpf_spin_lock#93         ; R6=map_value(map=m)',
      '3: (b7) r0 = 0                        ; R0=0',
      '4: (95) exit',
    ],
    said: 'BPF_EXIT instruction in main prog cannot be used inside bpf_spin_lock-ed region',
    causes: ['2 bpf_spin_lock() begins the section here'],
  },
];

it.each(CASES)('$name', ({ lines, said, causes }) => {
  const { programs } = readVerifierLogs(
    [...lines, said, 'processed 9 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0'].join('\n'),
  );
  expect(programs[0]!.finding!.causes.map(({ insn, text }) => `${insn} ${text}`)).toEqual(causes);
});

it('the registers are those of the taken branch, in the failing frame', () => {
  const { programs } = readVerifierLogs(
    [
      '0: (b7) r6 = 1                        ; R6=1',
      '1: (15) if r2 == 0x0 goto pc+3        ; R2=scalar()',
      '2: (b7) r6 = 2                        ; R6=2',
      '3: (95) exit',
      'from 1 to 5: R1=ctx() R2=0 R6=1 R10=fp0 fp-8=mmmmmmmm',
      '5: (95) exit',
      'R0 !read_ok',
      'processed 9 insns',
    ].join('\n'),
  );
  expect(programs[0]!.finding!.registers).toEqual([
    { name: 'R1', value: 'ctx()' },
    { name: 'R2', value: '0' },
    { name: 'R6', value: '1' },
    { name: 'R10', value: 'fp0' },
    { name: 'fp-8', value: 'mmmmmmmm' },
  ]);
});
