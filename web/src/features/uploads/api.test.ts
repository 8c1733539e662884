import { describe, expect, it } from 'vitest';

import type { Upload } from '@/lib/api/types';

import { newest } from './api';

const upload = (part: Partial<Upload>): Upload => ({
  id: 'upl_1', file_name: 'a.csv', state: 'awaiting_confirmation', generation: 2, mode: 'append', key: [], options: {}, confirm: 'ask', confirmed: false, bytes_total: 1,
  bytes_read: 0, rows_read: 0, rows_written: 0, dataset_id: 'dst_1', dataset_name: 'a', tables: [], created_at: '2026-05-03T14:02:00Z', ...part,
});

describe('what is known of an upload', () => {
  it('never becomes that of a former generation', () => {
    const known = upload({});
    expect(newest(known, upload({ generation: 1 }))).toBe(known);
    expect(newest(known, upload({ generation: 3 })).generation).toBe(3);
    expect(newest(undefined, known)).toBe(known);
  });

  it('is told anew of the same generation, which may be confirmed and have to be mended again', () => {
    expect(newest(upload({}), upload({ confirmed: true })).confirmed).toBe(true);
    expect(newest(upload({ confirmed: true }), upload({})).confirmed).toBe(false);
  });
});
