import type { SelectOption } from '@/components/select';
import type { Role } from '@/lib/api/types';

export const ROLES: readonly SelectOption<Role>[] = [
  { id: 'viewer', label: 'viewer', hint: 'reads' },
  { id: 'editor', label: 'editor', hint: 'reads, edits, uploads' },
  { id: 'owner', label: 'owner', hint: 'also shares and deletes' },
];
