import { describe, expect, it } from 'vitest';

import type { Plan, Receipt, Upload } from '@/lib/api/types';

import { balances, terms } from './receipt-lines';
import { fraction, paceOf, pushSample, rate, secondsLeft, stageOf, type Sample } from './upload-state';

const upload = (part: Partial<Upload>): Upload => ({
  id: 'upl_1', file_name: 'a.csv', state: 'created', generation: 1, mode: 'new', key: [], options: {}, confirm: 'auto', confirmed: false, bytes_total: 1000,
  bytes_read: 0, rows_read: 0, rows_written: 0, dataset_id: 'dst_1', dataset_name: 'a', tables: [], created_at: '2026-05-03T14:02:00Z', ...part,
});

const receipt: Receipt = {
  records: 336_777, headers: 1, rows_read: 336_776, inserted: 336_776, updated: 0, unchanged: 0, quarantined: 0, superseded: 0,
  skipped: {}, deleted: 0, warnings: {},
};

describe('an upload’s stage', () => {
  it('is sending while this page sends, and waiting when the bytes are there', () => {
    expect(stageOf(upload({}), { sent: 10, total: 1000 }, false)).toBe('sending');
    expect(stageOf(upload({}), { sent: 1000, total: 1000 }, false)).toBe('waiting');
  });

  it('is interrupted after a reload, unless another tab is sending it', () => {
    expect(stageOf(upload({}), null, false)).toBe('interrupted');
    expect(stageOf(upload({}), null, true)).toBe('sending');
  });

  it('follows the server from then on', () => {
    expect(stageOf(upload({ state: 'loading' }), null, false)).toBe('loading');
    expect(stageOf(upload({ state: 'published' }), null, false)).toBe('published');
    expect(fraction('analysing', upload({ state: 'analysing', bytes_read: 250 }), null)).toBe(0.25);
  });

  it('is publishing once all is written, of a preview only after the confirmation', () => {
    const written = upload({ state: 'loading', plan: { rows: 20 } as Plan, rows_written: 20 });
    expect(stageOf(written, null, false)).toBe('publishing');
    expect(stageOf({ ...written, rows_written: 19 }, null, false)).toBe('loading');
    expect(stageOf({ ...written, confirm: 'ask' }, null, false)).toBe('loading');
    expect(stageOf({ ...written, confirm: 'ask', confirmed: true }, null, false)).toBe('publishing');
    expect(stageOf({ ...written, confirm: 'ask', confirmed: true, rows_written: 19 }, null, false)).toBe('loading');
  });
});

describe('rows a second', () => {
  it('is measured over the last seconds only', () => {
    let samples: Sample[] = [];
    for (let i = 0; i <= 20; i += 1) samples = pushSample(samples, { at: i * 1000, value: i < 15 ? i * 10 : 150 + (i - 15) * 1000 });
    expect(rate(samples)).toBe(1000);
    expect(secondsLeft(5000, 15_000, 1000)).toBe(10);
  });

  it('is unknown at first and after a new start', () => {
    expect(rate([{ at: 0, value: 5 }])).toBeNull();
    expect(pushSample([{ at: 0, value: 500 }], { at: 10, value: 3 })).toEqual([{ at: 10, value: 3 }]);
  });
});

describe('the pace', () => {
  const samples: Sample[] = [{ at: 0, value: 0 }, { at: 1000, value: 100 }];

  it('is measured here until the server tells it', () => {
    const reading = upload({ state: 'analysing', bytes_read: 100, rows_read: 20 });
    expect(paceOf('analysing', reading, null, samples)).toEqual({ done: 100, all: 1000, unit: 'bytes', perSecond: 100, rows: { found: 20, perSecond: null }, secondsLeft: 9 });
    expect(paceOf('analysing', { ...reading, rows_per_second: 15, seconds_left: 7 }, null, samples)).toMatchObject({ rows: { found: 20, perSecond: 15 }, secondsLeft: 7 });
  });

  it('counts bytes while they leave, also before the upload has an id', () => {
    expect(paceOf('sending', null, { sent: 100, total: 1000 }, samples)).toMatchObject({ done: 100, unit: 'bytes', perSecond: 100, rows: null, secondsLeft: 9 });
    expect(paceOf('confirming', upload({ state: 'awaiting_confirmation' }), null, [])).toBeNull();
  });

});

describe('a receipt', () => {
  it('shows inserted and quarantined also when they are 0', () => {
    expect(terms(receipt)).toEqual([{ label: 'inserted', value: 336_776 }, { label: 'quarantined', value: 0 }]);
  });

  it('balances only when every record and every row is accounted for', () => {
    expect(balances(receipt)).toBe(true);
    expect(balances({ ...receipt, inserted: 336_775 })).toBe(false);
    expect(balances({ ...receipt, records: 336_779, skipped: { blank: 2 } })).toBe(true);
    expect(balances({ ...receipt, records: 336_779 })).toBe(false);
  });
});
