import { describe, expect, it } from 'vitest';

import type { DatasetGrant } from '@/lib/api/types';

import { initials, sharedWith } from './people';

const grant = (id: string, name: string): DatasetGrant => ({ user: { id, name, email: `${id}@example.com` }, role: 'viewer', granted_at: '2026-05-03T14:02:00Z' });

describe('people', () => {
  it('have initials, whatever their name is made of', () => {
    expect(initials('Ada Lovelace')).toBe('AL');
    expect(initials('ben@example.com')).toBe('B');
    expect(initials('élodie')).toBe('É');
    expect(initials('𝒜lpha beta gamma')).toBe('𝒜G');
    expect(initials('')).toBe('');
  });

  it('are named without oneself', () => {
    const [ada, ben, carol, dan] = [grant('a', 'Ada'), grant('b', 'Ben'), grant('c', 'Carol'), grant('d', 'Dan')];
    expect(sharedWith([ada], 'a')).toBe('Only you have it');
    expect(sharedWith([ada, ben], 'a')).toBe('Ben has it too');
    expect(sharedWith([ada, ben, carol], 'a')).toBe('Ben and Carol have it too');
    expect(sharedWith([ada, ben, carol, dan], 'a')).toBe('Ben and 2 others have it too');
  });
});
