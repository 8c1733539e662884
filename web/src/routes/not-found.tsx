import { Link } from '@tanstack/react-router';
import { Ghost } from 'lucide-react';

import { Empty } from '@/components/states';

export function NotFoundPage() {
  return (
    <main>
      <Empty icon={<Ghost size={28} aria-hidden />} title="There is no such page" actions={<Link to="/" className="btn">Go to datasets</Link>}>
        The address may be mistyped, or the page has moved.
      </Empty>
    </main>
  );
}
